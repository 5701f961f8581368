"""Where every vertebra stands: the curve of the column, fractures and slips included.

Patient frame: LPS axes, origin at the middle of the sacral endplate. Each vertebra's own frame has its origin
at the centre of the unfractured body and rows left, posterior, cranial.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.phantom.counts import SIDES, last_lumbar, levels_of
from spineimg.phantom.curve import curve_deg
from spineimg.phantom.endplates import BodyShape, body_shape
from spineimg.phantom.sizes import SACRAL_SLOPE_DEG, segment_lordosis, varied_sizes
from spineimg.phantom.spec import PhantomSpec

# Share of a wedge that tilts the column above, and what is left of it one level higher: muscles and discs
# take up the rest.
_TILT_PASSED_ON = 0.6
_TILT_LEFT = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class Stand:
    """One vertebra in place: patient = centre + frame.T @ own."""

    level: Level
    shape: BodyShape
    centre: Points
    frame: Points
    """Rows: left, posterior, cranial unit vectors of the patient frame."""

    def to_patient(self, own: Points) -> Points:
        """Own frame to patient frame, mm; shape (..., 3)."""
        return np.asarray(np.asarray(own, dtype=np.float64) @ self.frame + self.centre)

    def to_own(self, patient: Points) -> Points:
        """Patient frame to own frame, mm; shape (..., 3)."""
        return np.asarray((np.asarray(patient, dtype=np.float64) - self.centre) @ self.frame.T)

    @property
    def canal(self) -> Points:
        """Middle of the canal behind the body, patient frame."""
        size = self.shape.size
        return self.to_patient(np.array([0.0, size.depth / 2 + size.canal_depth / 2, 0.0]))


def _frame(sagittal_deg: float, coronal_deg: float, axial_deg: float) -> Points:
    """Rows left, posterior, cranial; cranial leans forward by the first, to the left by the second angle."""
    s, c, a = np.radians([sagittal_deg, coronal_deg, axial_deg])
    lean = np.array([[1, 0, 0], [0, np.cos(s), np.sin(s)], [0, -np.sin(s), np.cos(s)]])
    side = np.array([[np.cos(c), 0, -np.sin(c)], [0, 1, 0], [np.sin(c), 0, np.cos(c)]])
    twist = np.array([[np.cos(a), np.sin(a), 0], [-np.sin(a), np.cos(a), 0], [0, 0, 1]])
    return np.asarray(lean @ side @ twist)


def column(spec: PhantomSpec) -> dict[Level, Stand]:
    """All levels C1 to sacrum in place (only what the grid shows is drawn later)."""
    patient = spec.patient
    rng = np.random.default_rng([patient.seed, 102])
    levels = levels_of(patient.anatomy)
    sizes = varied_sizes(patient.seed, patient.size, patient.anatomy)
    bends = segment_lordosis(levels)
    tilts, turns = curve_deg(levels, patient.curve)
    fractures = {f.level: f for f in spec.fractures}
    slips = {s.level: s for s in spec.slips}
    shapes = {level: body_shape(level, sizes[level], fractures.get(level), patient.seed) for level in levels}
    last = last_lumbar(patient.anatomy)
    shapes[last] = replace(shapes[last], wings=SIDES[patient.anatomy.sacralised])
    for spur in spec.spurs:
        shapes[spur.level] = replace(shapes[spur.level], spurs=(*shapes[spur.level].spurs, spur))
    for node in spec.look_alikes:
        if node.kind == "schmorl-node":
            shapes[node.level] = replace(shapes[node.level], dents=(*shapes[node.level].dents, node))

    phase = rng.uniform(0, 2 * np.pi)
    wander = rng.normal(0.0, 0.5, len(levels))
    sagittal = SACRAL_SLOPE_DEG * (0.45 + 0.55 * patient.lordosis)
    sagittal += rng.normal(0.0, 2.0)
    bump = rng.normal(0.0, 0.6, len(levels))

    stands: dict[Level, Stand] = {}
    frame = _frame(sagittal, 0.0, 0.0)
    sacrum = shapes[Level.SACRUM]
    top = np.zeros(3)
    top_lean = sagittal
    stands[Level.SACRUM] = Stand(Level.SACRUM, sacrum, top - frame[2] * sacrum.size.height / 2, frame)
    passed_on = added = 0.0
    for place in range(len(levels) - 2, -1, -1):
        level = levels[place]
        shape = shapes[level]
        bend = bends[level]
        bend *= patient.kyphosis if bend < 0 else patient.lordosis
        sagittal -= bend + bump[place]
        coronal = patient.scoliosis_deg * np.sin(phase + place * 0.42) + wander[place]
        lean, turn = coronal + tilts[place], 0.5 * coronal + turns[place]
        frame = _frame(sagittal + passed_on, lean, turn)
        upright = _frame(sagittal + passed_on - added, lean, turn)
        lower_lean = sagittal + passed_on - added - shape.wedge_deg / 2
        middle = np.radians((top_lean + lower_lean) / 2)
        side = np.radians((tilts[place] + tilts[place + 1]) / 2)
        up = np.array([np.sin(side), -np.sin(middle) * np.cos(side), np.cos(middle) * np.cos(side)])
        # On a broken body the next one tips over its posterior edge: the facets hold there.
        hinge = (upright[1] - frame[1]) * shape.size.depth / 2
        bottom = top + up * shape.size.disc_below + hinge
        if level in slips:
            bottom = bottom - frame[1] * slips[level].anterior_mm + frame[0] * slips[level].left_mm
        centre = bottom + frame[2] * (shape.size.height / 2 - shape.lower_drop_mm)
        stands[level] = Stand(level, shape, centre, frame)
        top = centre + frame[2] * (shape.size.height / 2 - shape.upper_drop_mm)
        top_lean = sagittal + passed_on + shape.wedge_deg / 2
        added = _TILT_PASSED_ON * shape.upper_tilt_deg
        passed_on = _TILT_LEFT * passed_on + added
    return dict(sorted(stands.items()))
