"""What happened at one level between two scans that both show it complete, and what a reader said of it."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from spineimg.core.case import Case
from spineimg.core.levels import Level
from spineimg.core.measurements import VertebraMeasurement
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.tracking.detectable import seen, smallest_detectable
from spineimg.tracking.height_change import ruler_of, verdicts
from spineimg.trial.cohort import Scan
from spineimg.trial.events import EventRow

ChangeKind = Literal["none", "new", "progression", "kind_undetermined", "undetermined"]
"""``kind_undetermined`` is an event (new or progression); ``undetermined`` is not known to be one."""
_ADJUDICATED: dict[str, ChangeKind] = {"fracture": "new", "progression": "progression", "no_fracture": "none"}


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a level, from scan to scan; ``reader`` None where nobody adjudicated the later scan."""

    earlier: datetime.date
    later: datetime.date
    machine: ChangeKind
    reader: ChangeKind | None
    reason: str

    @property
    def kind(self) -> ChangeKind:
        """The verdict that counts: the reader's where there is one."""
        return self.machine if self.reader is None else self.reader


def shows_complete(scan: Scan, level: Level) -> bool:
    """Whether a scan shows a level complete and comparable (no cement, no implant)."""
    vertebra = scan.vertebra(level)
    return vertebra is not None and vertebra.complete and vertebra.not_scorable is None


def level_changes(
    scans: Sequence[Scan], level: Level, adjudications: Sequence[EventRow], settings: TrackingSettings
) -> tuple[Change, ...]:
    """Compare each scan that shows the level complete, or that a reader judged, with the one before.

    Parameters
    ----------
    scans : sequence of Scan
        Of one patient, by date, from baseline on; those after a procedure at the level left out.
    level : Level
        The level, by its name on the baseline scan.
    adjudications : sequence of EventRow
        Readers' verdicts on this level; each counts for the scan of its date.
    settings : TrackingSettings
        Limits of new fracture and progression.
    """
    verdict = {row.date: _ADJUDICATED[row.value or ""] for row in adjudications}
    used = [s for n, s in enumerate(scans) if n == 0 or s.date in verdict or shows_complete(s, level)]
    changes = []
    for earlier, later in itertools.pairwise(used):
        machine, reason = _machine(earlier, later, level, settings)
        changes.append(Change(earlier.date, later.date, machine, verdict.get(later.date), reason))
    return tuple(changes)


def _machine(earlier: Scan, later: Scan, level: Level, settings: TrackingSettings) -> tuple[ChangeKind, str]:
    then, now = earlier.vertebra(level), later.vertebra(level)
    for scan, vertebra in ((earlier, then), (later, now)):
        if vertebra is None or not shows_complete(scan, level):
            return "undetermined", f"{level} is not complete on {scan.date}"
        if later.names is None and len(vertebra.name_possible) > 1:
            return "undetermined", f"the name of {level} is in doubt on {scan.date}"
    if then is None or now is None:
        return "undetermined", f"{level} is missing"
    detectable = _detectable(earlier.case, later.case, level, (then, now), settings)
    ruler = ruler_of(earlier.case.record, later.case.record, detectable, settings)
    judged = verdicts(then, now, ruler, settings)
    if judged.new_fracture == "yes":
        return "new", judged.reason
    if judged.progression == "yes":
        return "progression", judged.reason
    if (judged.new_fracture, judged.progression) == ("no", "no"):
        return "none", judged.reason
    return ("kind_undetermined" if judged.event == "yes" else "undetermined"), judged.reason


def _detectable(
    then: Case,
    now: Case,
    level: Level,
    vertebrae: tuple[VertebraMeasurement, VertebraMeasurement],
    settings: TrackingSettings,
) -> float | None:
    scans = [
        seen(case.record.modality, craniocaudal_step_mm(case), vertebra, settings.fractured_percent)
        for case, vertebra in zip((then, now), vertebrae, strict=True)
    ]
    found = smallest_detectable("height", scans, level)
    return None if found is None else found.value


def craniocaudal_step_mm(case: Case) -> float:
    """Spacing along the direction of the series that runs most nearly head to foot, mm."""
    series = case.record.series
    row, column = series.orientation[:3], series.orientation[3:6]
    if len(series.orientation) != 6:
        return max(series.spacing_mm)
    normal_z = row[0] * column[1] - row[1] * column[0]
    along = (abs(row[2]), abs(column[2]), abs(normal_z))
    return series.spacing_mm[along.index(max(along))]
