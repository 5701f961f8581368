"""A parametric spine with truth by construction: anatomy, lesions, CT, MR, DICOM."""

from spineimg.phantom.make import Phantom, make_phantom
from spineimg.phantom.random import random_spec
from spineimg.phantom.scanner import with_kernel
from spineimg.phantom.spec import (
    AnatomySpec,
    CementSpec,
    CurveSpec,
    FractureSpec,
    LesionSpec,
    LookAlikeSpec,
    PatientSpec,
    PhantomSpec,
    ScanSpec,
    SlipSpec,
    SpurSpec,
)

__all__ = [
    "AnatomySpec",
    "CementSpec",
    "CurveSpec",
    "FractureSpec",
    "LesionSpec",
    "LookAlikeSpec",
    "PatientSpec",
    "Phantom",
    "PhantomSpec",
    "ScanSpec",
    "SlipSpec",
    "SpurSpec",
    "make_phantom",
    "random_spec",
    "with_kernel",
]
