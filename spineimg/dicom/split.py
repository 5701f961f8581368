"""One series into its stacks: by direction, by matrix, and by what tells repeated positions apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from spineimg.core.errors import InputRefused
from spineimg.core.settings.reading import ReadingSettings
from spineimg.core.volume import Repair
from spineimg.dicom.header import Header
from spineimg.dicom.plane import common_plane, directions, require_geometry
from spineimg.dicom.refusal import refuse
from spineimg.dicom.stack import Stack, prove, relabelled, repeats

SEPARABLE = frozenset({"missing-slices", "irregular-spacing", "irregular-positions"})
"""Refusals that may only mean that two acquisitions were taken for one."""

TELLERS: tuple[tuple[str, Callable[[Header], Hashable]], ...] = (
    ("temporal position", lambda h: h.moment.temporal_position),
    ("stack", lambda h: h.moment.stack),
    ("echo", lambda h: h.moment.echo),
    ("b-value", lambda h: h.moment.b_value),
    ("sequence", lambda h: h.moment.sequence),
    ("acquisition", lambda h: h.moment.acquisition),
    ("image type", lambda h: h.moment.image_type),
    ("kernel", lambda h: h.kernel),
    ("echo, b-value, time and type", lambda h: h.moment._replace(acquisition="")),
)
"""What may tell acquisitions in one series apart, the most certain first."""


def stacks_of(headers: Sequence[Header], settings: ReadingSettings) -> tuple[Stack, ...]:
    """Every regular stack in one series, or the refusal of the whole.

    Raises
    ------
    InputRefused
        As `prove`; ``mixed-orientations`` or ``mixed-matrix`` where the parts are no stacks of their own.
    """
    require_geometry(headers, settings)
    by_direction = _by_direction(headers, settings)
    if len(by_direction) > 1:
        return _each(
            by_direction, settings, "orientations-split", "mixed-orientations", "directions", headers
        )
    by_matrix = _grouped(headers, lambda h: (h.format.rows, h.format.columns))
    if len(by_matrix) > 1:
        return _each(
            list(by_matrix.values()), settings, "acquisitions-split", "mixed-matrix", "matrices", headers
        )
    return _one_or_more(headers, settings)


def _each(
    parts: list[list[Header]],
    settings: ReadingSettings,
    code: str,
    refusal: str,
    noun: str,
    headers: Sequence[Header],
) -> tuple[Stack, ...]:
    """Prove each part alone; one part that is none refuses the series."""
    if min(map(len, parts)) < settings.min_slices:
        counts = " and ".join(str(len(part)) for part in parts[:6])
        raise refuse(refusal, f"{len(parts)} {noun} in one series ({counts} images)", headers[0])
    stacks: list[Stack] = []
    for number, part in enumerate(parts, 1):
        repair = Repair(code, f"the series holds {len(parts)} {noun}; this is number {number}")
        stacks += [relabelled(s, f"{number}{s.label}", repair) for s in _one_or_more(part, settings)]
    return tuple(stacks)


def _one_or_more(headers: Sequence[Header], settings: ReadingSettings) -> tuple[Stack, ...]:
    """One stack, or several acquisitions told apart where positions repeat or leave a hole."""
    common_plane(headers, settings)
    if repeats(headers, settings):
        return _told_apart(headers, settings) or (prove(headers, settings),)
    try:
        return (prove(headers, settings),)
    except InputRefused as refusal:
        apart = _told_apart(headers, settings) if refusal.code in SEPARABLE else None
        if apart is None:
            raise
        return apart


def _told_apart(headers: Sequence[Header], settings: ReadingSettings) -> tuple[Stack, ...] | None:
    for name, parts in _partitions(headers, settings):
        if min(map(len, parts.values())) < settings.min_slices:
            continue
        try:
            stacks = [prove(part, settings) for part in parts.values()]
        except InputRefused:
            continue
        if any(twins for stack in stacks for twins in stack.twins):
            continue
        hole = _gap_text(stacks)
        return tuple(
            relabelled(
                stack,
                str(number),
                Repair(
                    "acquisitions-split",
                    f"{len(stacks)} acquisitions in one series, told apart by {name}; number {number}{hole}",
                ),
            )
            for number, stack in enumerate(stacks, 1)
        )
    return None


def _partitions(
    headers: Sequence[Header], settings: ReadingSettings
) -> Iterator[tuple[str, dict[Hashable, list[Header]]]]:
    for name, key in TELLERS:
        parts = _grouped(headers, key)
        if len(parts) > 1:
            yield name, parts
    by_time = _by_time(headers, settings)
    if by_time is not None:
        yield "acquisition time", by_time


def _by_time(headers: Sequence[Header], settings: ReadingSettings) -> dict[Hashable, list[Header]] | None:
    """The n-th image of each position by time; only where all of one pass come before all of the next."""
    if not all(h.acquisition_time for h in headers):
        return None
    along = np.array([h.position for h in headers], dtype=np.float64) @ common_plane(headers, settings).normal
    order = np.argsort(along, kind="stable")
    place = np.empty(len(headers), dtype=int)
    place[order] = np.cumsum(np.diff(along[order], prepend=along[order[0]]) > settings.same_position_mm)
    seen: Counter[int] = Counter()
    rounds: dict[Hashable, list[Header]] = {}
    for index in sorted(range(len(headers)), key=lambda i: headers[i].acquisition_time):
        at = int(place[index])
        rounds.setdefault(seen[at], []).append(headers[index])
        seen[at] += 1
    passes = list(rounds.values())
    for before, after in pairwise(passes):
        if before[-1].acquisition_time >= after[0].acquisition_time:
            return None
    return rounds if len(rounds) > 1 else None


def _gap_text(stacks: Sequence[Stack]) -> str:
    """Name the hole between slabs that do not overlap."""
    spans = []
    for stack in stacks:
        ends = [
            float(stack.grid.to_lps_mm(np.array([0.0, 0.0, k])) @ stack.normal)
            for k in (0, len(stack.slices) - 1)
        ]
        spans.append((min(ends), max(ends), float(stack.grid.affine[:3, 2] @ stack.normal)))
    spans.sort()
    holes = [after[0] - before[1] - before[2] for before, after in pairwise(spans)]
    texts = [
        f"{hole:.1f} mm ({hole / spans[i][2]:.1f} slices)"
        for i, hole in enumerate(holes)
        if hole > 0.1 * spans[i][2]
    ]
    return f"; between them a hole of {', '.join(texts)}" if texts else ""


def _by_direction(headers: Sequence[Header], settings: ReadingSettings) -> list[list[Header]]:
    """Group images whose rows and columns are parallel within the tolerance."""
    limit = np.cos(np.radians(settings.direction_tolerance_deg))
    groups: list[tuple[np.ndarray, np.ndarray, list[Header]]] = []
    known: dict[tuple[float, ...] | None, list[Header]] = {}
    for header in headers:
        group = known.get(header.orientation)
        if group is None:
            row, column = directions(header)
            group = next((g for r, c, g in groups if row @ r >= limit and column @ c >= limit), None)
            if group is None:
                group = []
                groups.append((row, column, group))
            known[header.orientation] = group
        group.append(header)
    return [group for _, _, group in groups]


def _grouped(headers: Sequence[Header], key: Callable[[Header], Hashable]) -> dict[Hashable, list[Header]]:
    groups: dict[Hashable, list[Header]] = {}
    for header in headers:
        groups.setdefault(key(header), []).append(header)
    return groups
