"""A second label map of the same scan: where it calls a vertebra otherwise, the name is in doubt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from spineimg.core.errors import InputRefused
from spineimg.core.labelmap import Caveat, LabelMap, NameDoubt
from spineimg.core.levels import Level
from spineimg.core.settings.segmentation import SegmentationSettings


def with_second_opinion(labels: LabelMap, second: LabelMap, settings: SegmentationSettings) -> LabelMap:
    """Compare the names of two label maps and keep the other's name as possible where they differ.

    Parameters
    ----------
    labels : LabelMap
        The labels that are analysed.
    second : LabelMap
        Another engine's or a reader's, on the same grid.
    settings : SegmentationSettings
        ``second_overlap`` and the confidence of a contradicted name.

    Returns
    -------
    LabelMap
        The first labels, masks unchanged; ``second-opinion-differs`` names each vertebra with both names,
        ``second-opinion-missing`` those that the second one does not have although it labels their
        neighbours on both sides.

    Raises
    ------
    InputRefused
        ``mask-grid-differs`` when the two do not lie on one grid.
    """
    if not labels.grid.same_place(second.grid, settings.second_apart_mm):
        raise InputRefused(
            "mask-grid-differs", "the second labels lie on another grid", "resample them to the image"
        )
    matches = matched_names(labels, second, settings)
    other = {level: name for level, name in matches.items() if name is not None and name is not level}
    seen = [level for level, name in matches.items() if name is not None]
    gaps = tuple(
        level for level, name in matches.items() if name is None and seen and min(seen) < level < max(seen)
    )
    findings = list(labels.findings)
    if other:
        pairs = ", ".join(f"{level} ({name} there)" for level, name in other.items())
        findings.append(Caveat("second-opinion-differs", f"second labels disagree: {pairs}", tuple(other)))
    if gaps:
        message = f"second labels lack {', '.join(map(str, gaps))}"
        findings.append(Caveat("second-opinion-missing", message, gaps))
    return replace(labels, names=_doubted(labels, other, settings), findings=tuple(findings))


def matched_names(
    labels: LabelMap, second: LabelMap, settings: SegmentationSettings
) -> dict[Level, Level | None]:
    """What the second labels call each vertebra: the name that covers most of it, None where little does."""
    pairs = np.bincount(
        labels.array.ravel().astype(np.intp) * 256 + second.array.ravel(), minlength=256 * 256
    ).reshape(256, 256)
    out: dict[Level, Level | None] = {}
    for level in labels.levels():
        if not level.is_vertebra:
            continue
        row = pairs[level.verse_id]
        best = int(row[1:].argmax()) + 1
        enough = row[best] >= settings.second_overlap * row.sum()
        out[level] = Level.from_verse_id(best) if enough else None
    return out


def _doubted(
    labels: LabelMap, other: dict[Level, Level], settings: SegmentationSettings
) -> tuple[NameDoubt, ...]:
    """Names with the second opinion's among the possible ones."""
    known = {doubt.level: doubt for doubt in labels.names}
    for level, name in other.items():
        held = known.get(level, NameDoubt(level, (level,), 1.0))
        possible = tuple(sorted({*held.possible, name}))
        confidence = min(held.confidence, settings.contradicted_confidence)
        known[level] = NameDoubt(level, possible, confidence)
    return tuple(known[level] for level in sorted(known))
