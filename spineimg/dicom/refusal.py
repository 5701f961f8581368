"""The way out of each refusal, beside its code."""

from __future__ import annotations

from spineimg.core.errors import InputRefused
from spineimg.dicom.header import Header

ANOTHER = "name another series with --series UID (spineimg inspect lists them)"
EXPORT = "export the series again from the archive"

REMEDIES = {
    "missing-slices": "export the whole series again; slices are never invented",
    "irregular-spacing": "use a reconstruction with even spacing",
    "irregular-positions": "use a reconstruction whose images lie on one line",
    "conflicting-duplicates": EXPORT,
    "not-a-volume": ANOTHER,
    "too-few-slices": "give the whole series, as the folder that holds it",
    "mixed-orientations": "export the stacks as series of their own, or " + ANOTHER,
    "mixed-spacing": EXPORT,
    "mixed-matrix": EXPORT,
    "missing-geometry": "export the original images; positions are never guessed",
    "nan-geometry": EXPORT,
    "invalid-geometry": EXPORT,
    "pixel-spacing-unreliable": "use images with PixelSpacing; sizes at the detector are not the patient's",
    "frame-of-reference-differs": "export the two parts as series of their own",
    "mixed-patients": "separate the patients",
    "zero-slope": EXPORT,
    "values-implausible": EXPORT,
    "pixel-format-unreliable": EXPORT,
    "truncated-pixels": "copy or export the file again",
    "no-pixel-data": "copy or export the file again",
    "undecodable-pixels": "export the series again, uncompressed or losslessly compressed",
    "codec-not-available": "export the series again, uncompressed or losslessly compressed",
    "implausible-size": "copy or export the file again",
    "secondary-capture": "give the original images, no screen captures",
    "localizer-only": ANOTHER,
    "projection-image": "give the thin slices, no projections",
    "modality-not-supported": "give a CT or MR series",
}


def refuse(code: str, message: str, at: Header | None = None) -> InputRefused:
    """Build the refusal of a series; the place is the file that shows it."""
    return InputRefused(code, message, REMEDIES[code], at.source.where if at is not None else None)
