"""A parametric spine with truth by construction: anatomy, lesions, CT, MR, DICOM."""

from spineimg.phantom.make import Phantom, make_phantom
from spineimg.phantom.random import random_spec
from spineimg.phantom.spec import (
    AnatomySpec,
    CurveSpec,
    FractureSpec,
    LesionSpec,
    PatientSpec,
    PhantomSpec,
    ScanSpec,
    SlipSpec,
)

__all__ = [
    "AnatomySpec",
    "CurveSpec",
    "FractureSpec",
    "LesionSpec",
    "PatientSpec",
    "Phantom",
    "PhantomSpec",
    "ScanSpec",
    "SlipSpec",
    "make_phantom",
    "random_spec",
]
