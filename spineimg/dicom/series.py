"""Series: grouped by study and series UID, judged fit or not, with the reason."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from spineimg.core.errors import InputRefused
from spineimg.core.settings.reading import ReadingSettings
from spineimg.core.volume import Repair
from spineimg.dicom.header import NO_PIXELS, Header, Patient
from spineimg.dicom.ranking import describe, score
from spineimg.dicom.refusal import refuse
from spineimg.dicom.split import stacks_of
from spineimg.dicom.stack import Stack

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
PROJECTION_TEXT = re.compile(r"(?<![A-Z])(MIPS?|MINIPS?|MIN_IP|MAX_IP|VRT|SSD)(?![A-Z])|PROJECTION IMAGE")
LOCALIZERS = frozenset({"LOCALIZER", "SCOUT", "SCOUTVIEW", "TOPOGRAM"})
LOCALIZER_TEXT = re.compile(
    r"\b(loc|localiser|localizer|scout|survey|surview|topogram|scanogram|aahead)\b|survey|3[- ]?plane",
    re.I,
)
REFORMATS = frozenset({"REFORMATTED", "MPR", "CSAPARALLEL", "CSA REFORMAT", "CSA MPR"})


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One volume that can be had, or one series that cannot, and why."""

    uid: str
    """What ``--series`` takes: the series UID, with the study UID before it or ``#n`` behind where needed."""
    series_uid: str
    study_uid: str
    modality: str
    description: str
    study_date: str | None
    """ISO, None where unknown or impossible."""
    files: int
    images: int
    shape: tuple[int, int, int]
    """Columns, rows, slices; for a series without a stack the images instead of the slices."""
    spacing_mm: tuple[float, float, float] | None
    orientation: tuple[float, ...]
    thickness_mm: float | None
    kernel: str
    body_part: str
    fit: bool
    code: str | None
    """Why it is not fit, docs/errors.md."""
    reason: str
    """One line: what it is, and why it stands where it stands."""
    rank: int = 0
    repairs: tuple[Repair, ...] = ()
    patient: Patient = field(default=Patient("", "", ""), repr=False)
    stack: Stack | None = field(default=None, repr=False)
    refusal: InputRefused | None = field(default=None, repr=False)
    first: Header | None = field(default=None, repr=False)


def series_of(headers: Sequence[Header], settings: ReadingSettings) -> list[Series]:
    """Group headers by study and series, and judge each group; no order yet."""
    groups: dict[tuple[str, str], list[Header]] = {}
    for header in headers:
        groups.setdefault((header.study_uid, header.series_uid), []).append(header)
    uids = [series_uid for _, series_uid in groups]
    found: list[Series] = []
    for (study_uid, series_uid), members in groups.items():
        shared = uids.count(series_uid)
        prefix = f"{study_uid}/" if shared > 1 else ""
        extra: tuple[Repair, ...] = ()
        if shared > 1:
            extra = (Repair("series-split", f"one series UID in {shared} studies; this is one of them"),)
        for series in judge(members, settings):
            found.append(replace(series, uid=prefix + series.uid, repairs=(*extra, *series.repairs)))
    return found


def rank_series(series: Sequence[Series], settings: ReadingSettings) -> list[Series]:
    """Best for a spine analysis first; unfit ones last, each with its reason."""
    ordered = sorted(series, key=lambda s: (not s.fit, -score(s, settings), -s.images, s.uid))
    return [replace(s, rank=rank) for rank, s in enumerate(ordered, 1)]


def judge(members: Sequence[Header], settings: ReadingSettings) -> list[Series]:
    """One group of images to its volumes, or to one unfit series with code and reason."""
    kept, dropped = _without_localizers(members)
    try:
        _require_usable(kept, settings)
        stacks = stacks_of(kept, settings)
    except InputRefused as refusal:
        return [_unfit(members, refusal)]
    repairs = [*dropped, *_notes(kept)]
    many = len(stacks) > 1
    return [_fit(stack, repairs, suffix=f"#{stack.label}" if many else "") for stack in stacks]


def _without_localizers(members: Sequence[Header]) -> tuple[list[Header], list[Repair]]:
    scouts = [h for h in members if LOCALIZERS & set(h.image_type)]
    if not scouts or len(scouts) == len(members):
        return list(members), []
    names = ", ".join(h.source.name for h in scouts[:3])
    kept = [h for h in members if not LOCALIZERS & set(h.image_type)]
    return kept, [Repair("localizer-dropped", f"scout inside the series left out: {names}")]


def _require_usable(members: Sequence[Header], settings: ReadingSettings) -> None:
    """Refuse what can never be a volume to measure, from headers alone."""
    first = members[0]
    if len({h.patient.key for h in members if h.patient.key != ("", "")}) > 1:
        raise refuse("mixed-patients", "the patient changes inside one series", first)
    captures = [
        h
        for h in members
        if h.sop_class.startswith(SECONDARY_CAPTURE) or h.format.samples > 1 or "SCREEN SAVE" in h.image_type
    ]
    if captures:
        raise refuse("secondary-capture", "screen captures or colour images, not measurements", captures[0])
    if first.modality not in ("CT", "MR"):
        raise refuse(
            "modality-not-supported", f"{first.modality or 'unknown modality'}, neither CT nor MR", first
        )
    types = {part for h in members for part in h.image_type}
    if types & LOCALIZERS or LOCALIZER_TEXT.search(first.description):
        raise refuse("localizer-only", "scout images, no volume", first)
    if PROJECTION_TEXT.search("\\".join([*types, first.description.upper()])):
        raise refuse("projection-image", "projections (MIP or the like), no slices", first)
    for header in members:
        _require_pixels(header, settings)


def _require_pixels(header: Header, settings: ReadingSettings) -> None:
    """Compare what the header claims with the bytes that are there, before any memory is taken."""
    place, pixel = header.place, header.format
    name = header.source.name
    if place == NO_PIXELS:
        raise refuse("no-pixel-data", f"{name} has no pixel data", header)
    if header.slope == 0:
        raise refuse("zero-slope", f"RescaleSlope of {name} is 0: all values would be one", header)
    if place.offset < 0:
        return
    claimed = pixel.rows * pixel.columns * pixel.samples * pixel.frames * pixel.bits_allocated // 8
    there = header.source.size - place.offset
    if place.length >= 0:
        there = min(there, place.length)
    ratio = settings.implausible_ratio if place.length >= 0 else settings.implausible_compressed_ratio
    if claimed > max(1, there) * ratio or (pixel.frames > 1 and pixel.frames * 8 > there):
        size = f"{pixel.columns} x {pixel.rows} x {pixel.frames}"
        raise refuse("implausible-size", f"{name} claims {size} pixels in {there} bytes", header)
    if place.length >= 0 and there < claimed and not _encapsulated(pixel.transfer_syntax):
        raise refuse("truncated-pixels", f"{name} ends after {there} of {claimed} pixel bytes", header)
    if pixel.bits_allocated not in (8, 16, 32) or not 0 < pixel.bits_stored <= pixel.bits_allocated:
        bits = f"{pixel.bits_stored} of {pixel.bits_allocated}"
        raise refuse("pixel-format-unreliable", f"{name} stores {bits} bits", header)


def _encapsulated(syntax: str) -> bool:
    return syntax.startswith("1.2.840.10008.1.2.4") or syntax == "1.2.840.10008.1.2.5"


def _notes(members: Sequence[Header]) -> list[Repair]:
    """Repairs and open points that headers show, each once."""
    first = members[0]
    codes = {code for h in members for code in h.notes}
    texts = {
        "file-meta-missing": "no file meta group; the syntax was found by parsing",
        "transfer-syntax-corrected": "declared transfer syntax wrong; the one used was proved by parsing",
        "type-inferred": f"modality or class missing; taken as {first.modality} from the other one",
        "character-set-replaced": "undecodable bytes in a text value were replaced",
    }
    notes = [Repair(code, text) for code, text in texts.items() if code in codes]
    if not first.patient.identifier:
        notes.append(Repair("patient-id-missing", "no PatientID: comparing over time needs --patient-key"))
    if iso_date(first.study_date) is None:
        notes.append(
            Repair("study-date-unreliable", "study date missing, impossible or in the future: give --date")
        )
    if REFORMATS & set(first.image_type):
        notes.append(Repair("derived-images", "reformatted images: interpolated from another series"))
    if first.modality == "CT":
        if any(h.slope is None or h.intercept is None for h in members):
            notes.append(Repair("rescale-missing", "no rescale slope or intercept: values are no HU"))
        if first.format.bits_stored <= 8:
            step = abs(first.slope or 1.0)
            notes.append(
                Repair("coarse-grey-levels", f"8-bit CT: HU in steps of {step:g}, clipped at the top")
            )
        if first.format.photometric == "MONOCHROME1":
            notes.append(
                Repair("monochrome1-display-only", "MONOCHROME1 says how to show; values are not inverted")
            )
    if first.format.high_bit != first.format.bits_stored - 1:
        notes.append(
            Repair(
                "bits-realigned",
                f"HighBit {first.format.high_bit} with {first.format.bits_stored} bits: shifted",
            )
        )
    return notes


def iso_date(text: str) -> str | None:
    """DICOM date to ISO; None where missing, impossible or in the future."""
    digits = text.replace(".", "")
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)  # a scanner east of here may be a day ahead
    return None if day > tomorrow else day.isoformat()


def _fit(stack: Stack, repairs: Sequence[Repair], suffix: str) -> Series:
    first = stack.slices[0]
    lengths = stack.grid.spacing_mm
    between = float(stack.grid.affine[:3, 2] @ stack.normal)
    twins = sum(map(len, stack.twins))
    series = _bare(first, uid=first.series_uid + suffix, images=len(stack.slices) + twins)
    sources = {h.source.path for group in (stack.slices, *stack.twins) for h in group}
    series = replace(
        series,
        files=len(sources),
        shape=stack.grid.shape,
        spacing_mm=(float(lengths[0]), float(lengths[1]), between),
        repairs=(*repairs, *stack.repairs),
        stack=stack,
        fit=True,
    )
    return replace(series, reason=describe(series))


def _unfit(members: Sequence[Header], refusal: InputRefused) -> Series:
    series = _bare(members[0], uid=members[0].series_uid, images=len(members))
    return replace(
        series,
        files=len({h.source.path for h in members}),
        code=refusal.code,
        reason=refusal.message,
        refusal=refusal,
    )


def _bare(first: Header, uid: str, images: int) -> Series:
    thickness = first.thickness if first.thickness is not None and math.isfinite(first.thickness) else None
    return Series(
        uid=uid,
        series_uid=first.series_uid,
        study_uid=first.study_uid,
        modality=first.modality,
        description=first.description,
        study_date=iso_date(first.study_date),
        files=0,
        images=images,
        shape=(first.format.columns, first.format.rows, images),
        spacing_mm=None,
        orientation=first.orientation or (),
        thickness_mm=thickness,
        kernel=first.kernel,
        body_part=first.body_part,
        fit=False,
        code=None,
        reason="",
        patient=first.patient,
        first=first,
    )
