"""One scan of the patient as tracking needs it, and the order of several."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spineimg.core.case import Case
from spineimg.core.errors import InputRefused, UsageError
from spineimg.core.labelmap import Caveat, LabelMap
from spineimg.core.volume import Volume


@dataclass(frozen=True, slots=True, eq=False)
class Timepoint:
    """A case with its masks; ``path`` as the user gave it, ``image`` only where pictures are wanted."""

    path: str
    case: Case
    labels: LabelMap
    image: Volume | None = None

    @property
    def date(self) -> datetime.date:
        """Day of the study.

        Raises
        ------
        InputRefused
            ``study-date-missing`` when the case has none, or none that can be read.
        """
        text = self.case.record.study_date
        try:
            return datetime.date.fromisoformat(text or "")
        except ValueError:
            raise InputRefused(
                "study-date-missing",
                f"{self.path} has no study date" if not text else f"{self.path}: study date {text!r} is none",
                "analyse it again with --date YYYY-MM-DD",
                Path(self.path),
            ) from None


def in_order(
    points: Sequence[Timepoint], override: str | None
) -> tuple[tuple[Timepoint, ...], tuple[Caveat, ...]]:
    """Check that the scans are of one patient and sort them by date.

    Parameters
    ----------
    points : sequence of Timepoint
        Two or more scans in any order.
    override : str or None
        Why scans whose patient keys differ (or are unknown) are the same patient's; kept as a caveat.

    Returns
    -------
    tuple
        The scans, earliest first, and the caveats.

    Raises
    ------
    UsageError
        ``too-few-cases``.
    InputRefused
        ``patients-differ``, ``study-date-missing``, ``same-date``.
    """
    if len(points) < 2:
        raise UsageError(
            "too-few-cases", "tracking needs two or more cases", "give an earlier and a later case"
        )
    caveats = list(_same_patient(points, override))
    ordered = tuple(sorted(points, key=lambda p: p.date))
    for earlier, later in itertools.pairwise(ordered):
        if earlier.date == later.date:
            raise InputRefused(
                "same-date",
                f"{earlier.path} and {later.path} are both of {earlier.date}",
                "give one case a day, or correct a date with analyse --date",
                Path(later.path),
            )
    if [p.path for p in ordered] != [p.path for p in points]:
        given = ", ".join(p.path for p in ordered)
        caveats.append(Caveat("cases-sorted", f"The cases were not given in order of date; sorted: {given}."))
    return ordered, tuple(caveats)


def _same_patient(points: Sequence[Timepoint], override: str | None) -> tuple[Caveat, ...]:
    keys = [p.case.record.patient_key for p in points]
    if None not in keys and len(set(keys)) == 1:
        return ()
    unknown = [p.path for p, key in zip(points, keys, strict=True) if key is None]
    what = (
        f"no patient key in {', '.join(unknown)}"
        if unknown
        else f"the cases are of different patients: {', '.join(p.path for p in points)}"
    )
    if override is None or not override.strip():
        raise InputRefused(
            "patients-differ",
            what,
            'give cases of one patient, or --override-patient "reason" when they are',
            Path(points[-1].path),
        )
    return (
        Caveat("patients-differ", f"Taken as one patient although {what}. Reason given: {override.strip()}"),
    )
