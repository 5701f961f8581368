"""Settings and one small phantom for the measurement tests."""

from __future__ import annotations

import pytest

from spineimg.core.levels import Level
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.phantom import (
    FractureSpec,
    LesionSpec,
    PatientSpec,
    Phantom,
    PhantomSpec,
    ScanSpec,
    SlipSpec,
    make_phantom,
)


@pytest.fixture(scope="session")
def settings() -> MeasurementSettings:
    """Return the settings as they stand."""
    return MeasurementSettings()


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    """T11 to L4 at 1.2 x 1.2 x 1.5 mm, turned: a wedge of L1, a slip of L3, three lesions."""
    return make_phantom(
        PhantomSpec(
            PatientSpec(seed=11, scoliosis_deg=3.0, density_hu=150.0),
            ScanSpec(
                seed=11,
                spacing_mm=(1.2, 1.2, 1.5),
                width_mm=110.0,
                depth_mm=130.0,
                margin_mm=6.0,
                turn_deg=(6.0, 4.0, 8.0),
            ),
            top=Level.T11,
            bottom=Level.L4,
            fractures=(FractureSpec(Level.L1, "wedge", 35.0),),
            lesions=(
                LesionSpec(Level.L2, "lytic", (-15.0, 19.0, 4.0), (9.0, 9.0, 8.0), 2.0),
                LesionSpec(Level.L3, "mixed", (0.0, -3.0, 0.0), (12.0, 10.0, 8.0)),
                LesionSpec(Level.T12, "blastic", (4.0, -2.0, 0.0), (9.0, 8.0, 7.0)),
            ),
            slips=(SlipSpec(Level.L3, 5.0),),
        )
    )
