"""From a plan to a case: image, masks, truth."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from painted.anatomy import ODD
from painted.around import draw_around
from painted.canvas import draw, labels_of
from painted.column import assemble, template_of
from painted.ct import paint_bone, scanned
from painted.place import place
from painted.plan import Plan, Scan, draw_fracture, draw_plan, draw_scan
from painted.rules import score
from painted.solid import Solid
from painted.truth import records, segments
from spineimg.core.labelmap import EngineId, LabelMap
from spineimg.core.levels import Level
from spineimg.core.volume import Modality, Origin, Volume


@dataclass(frozen=True, eq=False)
class Painted:
    """One painted scan: ``volume`` (int16 HU), ``labels`` with parts, lesions and lesion types, and truth."""

    plan: Plan
    volume: Volume
    labels: LabelMap
    solids: dict[Level, Solid]
    earlier: tuple[dict[str, Any], ...] | None = None
    """Segments of an earlier scan of the same patient, where there is one."""

    @functools.cached_property
    def truth(self) -> dict[str, Any]:
        """``{measurements: {vertebrae, lesions, segments}, sins: {level: ...}}``; see `rules.score`."""
        exact = records(self.plan, self.solids)
        pain = {str(level): kind for level, kind in self.plan.pain}
        before = None if self.earlier is None else list(self.earlier)
        return {"measurements": exact, "sins": score(exact, pain, before)}


def paint(plan: Plan, date: str | None = None) -> Painted:
    """Draw one plan; the same plan gives the same bytes. ``date``: ISO date of the study."""
    solids = assemble(plan)
    spot = place(plan.scan, solids)
    canvas = draw(spot.fine, solids, plan.lesions)
    around = draw_around(plan, template_of(plan), solids, spot.fine)
    array = scanned(paint_bone(around, canvas, plan), spot, plan)
    middle = tuple(slice(n // 2, None, n) for n in spot.counts)
    masks = labels_of(canvas, middle)
    labels = LabelMap(grid=spot.grid, engine=EngineId("painted", "1"), **masks)
    origin = Origin(
        path=f"painted-{plan.seed}-{plan.scan.seed}", study_date=date, patient_id=f"painted-{plan.seed}"
    )
    return Painted(plan, Volume(array, spot.grid, Modality.CT, origin), labels, solids)


def paint_seed(seed: int, length: int = 9) -> Painted:
    """Draw the case of a seed, of up to ``length`` levels."""
    return paint(draw_plan(seed, length))


def pair_plans(seed: int, loss_percent: float, length: int = 9) -> tuple[Plan, Plan, Level]:
    """Two visits of one patient: the second with a loss added at one level (0: nothing changes).

    The second scan has its own grid, noise, kernel and pose in the scanner. The level that loses height was
    whole before; above a new wedge the column leans forward.
    """
    first = draw_plan(seed, length)
    rng = np.random.default_rng([seed, 4216])
    broken = {level for level, _ in first.fractures}
    odd = ODD.get(first.template, frozenset())
    inner = [m for m in first.levels[1:-1] if m is not Level.SACRUM and m not in broken | odd]
    level = inner[int(rng.integers(len(inner)))]
    later: Scan = draw_scan(rng, seed + 500_000)
    second = replace(first, scan=later)
    if loss_percent > 0:
        new = replace(draw_fracture(rng), loss_percent=loss_percent)
        second = replace(second, fractures=(*first.fractures, (level, new)))
    return first, second, level


def pair(seed: int, loss_percent: float, length: int = 9) -> tuple[Painted, Painted, Level]:
    """Paint both visits of `pair_plans`; returns them with the level that loses height."""
    first, second, level = pair_plans(seed, loss_percent, length)
    before = paint(first, "2024-01-10")
    after = paint(second, "2024-07-10")
    return before, replace(after, earlier=tuple(segments(before.solids))), level
