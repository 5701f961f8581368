"""Pixel data of a stack to one array: decoded, aligned, padded voxels out, HU.

Raw samples of all slices go into one preallocated 16-bit array and are rescaled in place, slice by slice.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spineimg.core.settings.reading import ReadingSettings
from spineimg.core.volume import Repair
from spineimg.dicom.decoding import Decoder
from spineimg.dicom.header import Header
from spineimg.dicom.refusal import refuse
from spineimg.dicom.stack import Stack

INT16 = np.iinfo(np.int16)


@dataclass(slots=True)
class Raw:
    """Stored samples before rescale."""

    samples: NDArray[Any]
    """(slice, row, column): uint16 bits (signed ones too), or int64 for 32-bit storage."""
    signed: NDArray[np.bool_]
    """Per slice."""
    outside: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    """Per slice with padding: where it is."""


def read_pixels(stack: Stack, settings: ReadingSettings) -> tuple[NDArray[Any], tuple[Repair, ...], bool]:
    """Decode a stack.

    Parameters
    ----------
    stack : Stack
        Proved geometry.
    settings : ReadingSettings
        What counts as padding, wrapped or implausible.

    Returns
    -------
    array : ndarray, (columns, rows, slices)
        int16 HU for CT; int16, or float32 where the values need it, for MR and for CT without rescale.
    repairs : tuple of Repair
        What was mended in the values.
    calibrated : bool
        False for CT without rescale.

    Raises
    ------
    InputRefused
        truncated-pixels, undecodable-pixels, codec-not-available, conflicting-duplicates, values-implausible.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # decoders warn about excess padding bytes
        raw, repairs = _decode(stack)
    first = stack.slices[0]
    is_ct = first.modality == "CT"
    calibrated = not is_ct or all(h.slope is not None and h.intercept is not None for h in stack.slices)
    if is_ct and calibrated:
        repairs += _mend_sign(raw, stack.slices, settings)
        array = _to_hu(raw, stack.slices)
        repairs += _mask_padding(array, raw, stack.slices, settings)
    else:
        array = _to_values(raw, stack.slices)
        for index, where in raw.outside.items():
            array[index][where] = 0
    return array.transpose(2, 1, 0), tuple(repairs), calibrated


def _decode(stack: Stack) -> tuple[Raw, list[Repair]]:
    first = stack.slices[0].format
    count = len(stack.slices)
    wide = any(h.format.bits_allocated > 16 for h in stack.slices)
    shape = (count, first.rows, first.columns)
    raw = Raw(np.empty(shape, np.int64 if wide else np.uint16), np.zeros(count, bool))
    decoder = Decoder()
    dropped = []
    for index, header in enumerate(stack.slices):
        stored = decoder.stored(header)
        raw.signed[index] = header.format.signed
        if header.padding is not None:
            low, high = header.padding
            where = (stored == low) if low == high else (stored >= low) & (stored <= high)
            if where.any():
                raw.outside[index] = where
        _align(stored, header, raw.samples[index])
        for twin in stack.twins[index]:
            if not np.array_equal(decoder.stored(twin), stored) or _rescale(twin) != _rescale(header):
                raise refuse(
                    "conflicting-duplicates",
                    f"{header.source.name} and {twin.source.name}: one position, different pixels",
                    twin,
                )
            dropped.append(twin.source.name)
    if not dropped:
        return raw, []
    names = ", ".join(dropped[:3]) + (f" and {len(dropped) - 3} more" if len(dropped) > 3 else "")
    return raw, [
        Repair("duplicate-slices-dropped", f"same position and same pixels, one kept: {names} left out")
    ]


def _align(stored: NDArray[Any], header: Header, out: NDArray[Any]) -> None:
    """Shift samples down to bit 0, drop bits above HighBit, extend the sign."""
    pixel = header.format
    width = 8 * stored.dtype.itemsize
    if pixel.bits_stored == width and pixel.high_bit == width - 1:
        if out.dtype == np.uint16 and width == 8 and pixel.signed:
            out[...] = stored.view(np.int8).astype(np.int16).view(np.uint16)
        elif out.dtype == np.int64 and pixel.signed:
            out[...] = stored.view(np.dtype(f"i{stored.dtype.itemsize}"))
        else:
            out[...] = stored
        return
    up = stored << (width - 1 - pixel.high_bit)
    down = width - pixel.bits_stored
    if pixel.signed:
        signed = up.view(np.dtype(f"i{stored.dtype.itemsize}")) >> down
        out[...] = signed.astype(np.int16).view(np.uint16) if out.dtype == np.uint16 else signed
    else:
        out[...] = up >> down


def _rescale(header: Header) -> tuple[float, float]:
    slope = 1.0 if header.slope is None else header.slope
    return slope, 0.0 if header.intercept is None else header.intercept


def _slice(raw: Raw, index: int) -> NDArray[Any]:
    """Samples of one slice with their sign."""
    samples = raw.samples[index]
    signed = raw.signed[index] and samples.dtype == np.uint16
    return np.asarray(samples.view(np.int16) if signed else samples)


def _mend_sign(raw: Raw, slices: tuple[Header, ...], settings: ReadingSettings) -> list[Repair]:
    """Find values that wrapped at 65536 because PixelRepresentation is wrong; make them signed."""
    if raw.samples.dtype != np.uint16:
        return []
    suspects, as_signed = 0, []
    for index, header in enumerate(slices):
        if raw.signed[index] or header.format.bits_stored < 16:
            continue
        slope, intercept = _rescale(header)
        inside = raw.samples[index]
        if index in raw.outside:
            inside = inside[~raw.outside[index]]
        if inside.size == 0 or slope * float(inside.max()) + intercept <= INT16.max:
            continue
        wrapped = inside[slope * inside.astype(np.float64) + intercept > INT16.max].view(np.int16)
        suspects += wrapped.size
        as_signed += [slope * float(wrapped.min()) + intercept, slope * float(wrapped.max()) + intercept]
    if not suspects:
        return []
    low, high = settings.wrapped_hu
    enough = suspects >= settings.wrapped_min_fraction * raw.samples.size
    if not enough or min(as_signed) < low or max(as_signed) > high:
        raise refuse(
            "values-implausible",
            f"{suspects} voxels above {INT16.max} HU, which no sign correction explains",
            slices[0],
        )
    raw.signed[:] = True
    return [Repair("signedness-corrected", f"{suspects} values wrapped at 65536: read as signed")]


def _to_hu(raw: Raw, slices: tuple[Header, ...]) -> NDArray[np.int16]:
    """Rescale every slice by its own slope and intercept, in place where the samples have 16 bits."""
    wide = raw.samples.dtype != np.uint16
    out = np.empty(raw.samples.shape, np.int16) if wide else raw.samples.view(np.int16)
    for index, header in enumerate(slices):
        slope, intercept = _rescale(header)
        samples = _slice(raw, index)
        if slope == 1 and intercept.is_integer() and _stays_inside(samples, int(intercept)):
            narrow = samples.astype(np.int16) if wide else samples.view(np.int16)
            np.add(narrow, np.int16(intercept), out=out[index])
        else:
            hu = samples.astype(np.float64) * slope + intercept
            out[index] = np.clip(np.rint(hu), INT16.min, INT16.max)
    return out


def _stays_inside(samples: NDArray[Any], intercept: int) -> bool:
    """Whether samples, the intercept, and both together are int16 values."""
    low, high = int(samples.min()), int(samples.max())
    return (
        INT16.min <= min(low, low + intercept, intercept)
        and max(high, high + intercept, intercept) <= INT16.max
    )


def _mask_padding(
    array: NDArray[np.int16], raw: Raw, slices: tuple[Header, ...], settings: ReadingSettings
) -> list[Repair]:
    """Give voxels outside the field the value of air; leave them where the padding value is tissue."""
    masked, left = 0, 0
    low, high = settings.tissue_hu
    for index, where in raw.outside.items():
        header = slices[index]
        slope, intercept = _rescale(header)
        value = (header.padding or (0, 0))[0]
        if raw.signed[index] and value > INT16.max:
            value -= 65536
        if low < slope * value + intercept < high:
            left += 1
            continue
        if slope * value + intercept > settings.padding_hu:
            masked += int(np.count_nonzero(where))  # lower values read as air anyway: not worth a word
        array[index][where] = settings.padding_hu
    repairs = []
    if masked:
        repairs.append(
            Repair(
                "padding-masked", f"{masked} voxels outside the scanned field set to {settings.padding_hu}"
            )
        )
    if left:
        repairs.append(
            Repair("padding-in-tissue", "PixelPaddingValue is a value of tissue; no voxel was masked")
        )
    return repairs


def _to_values(raw: Raw, slices: tuple[Header, ...]) -> NDArray[Any]:
    """Values that are no HU: int16 where nothing is lost, else float32."""
    uncalibrated_ct = slices[0].modality == "CT"
    plain = uncalibrated_ct or all(_rescale(header) == (1.0, 0.0) for header in slices)
    if plain and raw.samples.dtype == np.uint16:
        fits = all(raw.signed[i] or raw.samples[i].max() <= INT16.max for i in range(len(slices)))
        if fits:
            return raw.samples.view(np.int16)
    out = np.empty(raw.samples.shape, np.float32)
    for index, header in enumerate(slices):
        slope, intercept = (1.0, 0.0) if plain else _rescale(header)
        if not (math.isfinite(slope) and math.isfinite(intercept)):
            raise refuse("values-implausible", f"rescale of {header.source.name} is no number", header)
        out[index] = _slice(raw, index) * slope + intercept
    return out
