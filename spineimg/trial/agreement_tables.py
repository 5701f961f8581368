"""How far the machine and the readers agree: adjudicated verdicts, and cases that a reader revised."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spineimg.core.errors import SpineimgError
from spineimg.core.measurements import Measurements
from spineimg.core.scores import ALLOWED_POINTS, COMPONENTS, SinsScores
from spineimg.core.settings.trial import TrialSettings
from spineimg.storage.records import load_measurements, load_scores
from spineimg.trial.changes import Change
from spineimg.trial.cohort import Patient
from spineimg.trial.endpoints import Followed
from spineimg.trial.statistics.agreement import Agreement, bland_altman, icc_2_1, weighted_kappa

AGREEMENT = (
    "endpoint",
    "population",
    "unit",
    "comparison",
    "quantity",
    "statistic",
    "n",
    "value",
    "low",
    "high",
    "note",
)
_KINDS = {"none": 0, "progression": 1, "new": 2}
Rows = list[dict[str, Any]]


def adjudicated(followed: Sequence[Followed], settings: TrialSettings) -> Rows:
    """Machine against the adjudicating reader, one pair a level and scan that was read.

    ``fracture_or_progression``: whether there was an event at all; ``kind``: none, progression or new
    fracture. Pairs that the machine left undetermined are counted, not scored.
    """
    read = [c for f in followed for c in f.changes if c.reader is not None]
    if not read:
        return []
    first = {"endpoint": "new_or_progression", "population": "eligible", "unit": "level"}
    event = [c for c in read if c.machine != "undetermined"]
    kind = [c for c in event if c.machine != "kind_undetermined"]
    pairs = (
        (
            "fracture_or_progression",
            event,
            [int(c.machine != "none") for c in event],
            [int(c.reader != "none") for c in event],
            (0, 1),
        ),
        ("kind", kind, [_KINDS[c.machine] for c in kind], [_KINDS[str(c.reader)] for c in kind], (0, 1, 2)),
    )
    rows: Rows = []
    for quantity, used, machine, reader, categories in pairs:
        open_ = len(read) - len(used)
        note = f"{open_} of {len(read)} undetermined by the machine" if open_ else ""
        a, b = np.array(machine, dtype=np.int64), np.array(reader, dtype=np.int64)
        kappa = weighted_kappa(a, b, categories, "none", settings.confidence)
        rows.append(_row(first, "machine, reader", quantity, "kappa", kappa, note))
        share = float((a == b).mean() * 100) if len(a) else None
        rows.append(
            _row(
                first,
                "machine, reader",
                quantity,
                "percent_equal",
                Agreement(share, None, None, len(a)),
                note,
            )
        )
    return rows


def adjudicated_changes(followed: Iterable[Followed]) -> list[tuple[Followed, Change]]:
    """Every step that a reader judged."""
    return [(f, c) for f in followed for c in f.changes if c.reader is not None]


def revised(patients: Sequence[Patient], root: Path, settings: TrialSettings) -> Rows:
    """Machine's first result against the case as readers left it: SINS components, totals, height loss.

    Components with quadratic weights where both are decided; ICC(2,1) of totals that both decide;
    Bland-Altman of the height loss with several levels a patient.
    """
    pairs = [
        (number, before, after)
        for number, patient in enumerate(patients)
        for scan in patient.scans
        if scan.case.record.revision > 0 and (before := _first_result(root / scan.folder)) is not None
        for after in [(scan.case.scores, scan.case.measurements)]
    ]
    if not pairs:
        return []
    first = {"endpoint": None, "population": "all cases", "unit": "level"}
    words = "first result, as revised"
    rows: Rows = []
    for name in COMPONENTS:
        points = [
            (old.components, new.components)
            for _, (scores, _), (later, _) in pairs
            for old in scores.levels
            if (new := later.of(old.level)) is not None
        ]
        both = [(dict(o.items())[name].possible, dict(n.items())[name].possible) for o, n in points]
        decided = [(o[0], n[0]) for o, n in both if len(o) == len(n) == 1]
        a, b = (np.array([p[k] for p in decided], dtype=np.int64) for k in (0, 1))
        note = f"{len(both) - len(decided)} of {len(both)} not decided in both"
        kappa = weighted_kappa(a, b, sorted(ALLOWED_POINTS[name]), "quadratic", settings.confidence)
        rows.append(_row(first, words, name, "kappa_quadratic", kappa, note))
    totals = [
        (old.total.low, new.total.low)
        for _, (scores, _), (later, _) in pairs
        for old in scores.levels
        if (new := later.of(old.level)) is not None
        and old.total.low == old.total.high
        and new.total.low == new.total.high
    ]
    if totals:
        icc = icc_2_1(np.array(totals, dtype=np.float64), settings.confidence)
        rows.append(_row(first, words, "total", "icc_2_1", icc, "totals that both decide"))
    rows.extend(_height_loss(first, words, pairs))
    return rows


Result = tuple[SinsScores, Measurements]


def _height_loss(first: dict[str, Any], words: str, pairs: Sequence[tuple[int, Result, Result]]) -> Rows:
    found = [
        (number, old.height_loss_percent.value - new.height_loss_percent.value)
        for number, (_, measured), (_, later) in pairs
        for old in measured.vertebrae
        if (new := later.vertebra(old.level)) is not None
        and old.height_loss_percent is not None
        and new.height_loss_percent is not None
    ]
    limits = bland_altman(np.array([d for _, d in found]), np.array([n for n, _ in found], dtype=np.int64))
    if limits is None:
        return []
    agreement = Agreement(limits.bias, limits.low, limits.high, limits.n)
    note = f"mean difference and 95 % limits of agreement; {limits.subjects} patients, several levels each"
    return [_row(first, words, "height_loss_percent", "bland_altman", agreement, note)]


def _first_result(folder: Path) -> Result | None:
    """Scores and measurements as they were before the first revision that replaced them."""
    try:
        scores = next(iter(sorted(folder.glob("revisions/*/sins.json"))), folder / "sins.json")
        measured = next(
            iter(sorted(folder.glob("revisions/*/measurements.json"))), folder / "measurements.json"
        )
        return load_scores(scores), load_measurements(measured)
    except SpineimgError:
        return None


def _row(
    first: dict[str, Any], comparison: str, quantity: str, statistic: str, found: Agreement, note: str
) -> dict[str, Any]:
    return {
        **first,
        "comparison": comparison,
        "quantity": quantity,
        "statistic": statistic,
        "n": found.n,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "note": note,
    }
