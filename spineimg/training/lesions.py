"""Synthetic bone lesions in one vertebra, and look-alikes that are none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from spineimg.training.noise import smooth_field, texture

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

LYTIC, BLASTIC = 1, 2
LYTIC_SHARE = 0.55
IVORY_SHARE = 0.05
"""Share of lesions that make a whole vertebra dense."""
BODY_SHARE, PEDICLE_SHARE = 0.5, 0.25
"""Share of lesions that start in the body, and in its pedicles; the others lie anywhere behind it."""
PEDICLE_MM = 8.0
"""What lies so near to the body behind it is pedicle."""
PEDICLE_DESTROYED_SHARE, DESTROYED_SHARE = 0.85, 0.6
"""Share of lytic lesions that take the cortex, too: in pedicles hardly any other is seen."""
SEEN_HU, SEEN_SPREADS = 55.0, 2.0
"""A lytic lesion inside spongy bone lies so far below it, and so many of its own spreads."""
LEAST_SITE = 50
LEAST_LYTIC_HU = 10.0
"""A lytic lesion is soft tissue; what is darker is fat, and no lesion."""


@dataclass(frozen=True)
class Place:
    """The vertebra of a patch that lesions go to.

    Attributes
    ----------
    own, body
        The vertebra and its body (may be empty where the division is not known).
    disc, other
        Discs and other vertebrae of the patch.
    guide
        Body centre in voxel coordinates.
    depth
        Signed distance to the bone surface in mm.
    spacing
        Voxel size in mm.
    """

    own: Mask
    body: Mask
    disc: Mask
    other: Mask
    guide: NDArray[np.float64]
    depth: Floats
    spacing: float


def _ball(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    centre: NDArray[np.float64],
    radius_mm: float,
    spacing: float,
) -> Floats:
    """Signed depth (mm) in a deformed ellipsoid, positive inside."""
    axes = np.exp(rng.uniform(-0.3, 0.3, 3))
    axes = axes / axes.prod() ** (1 / 3)
    distance = np.zeros(shape, np.float32)
    for axis, n in enumerate(shape):
        along = ((np.arange(n, dtype=np.float32) - centre[axis]) * spacing / axes[axis]) ** 2
        distance += along.reshape([-1 if a == axis else 1 for a in range(3)])
    distance = np.sqrt(distance)
    wobble = smooth_field(rng, shape, (9, 9, 8)) * rng.uniform(0.05, 0.3) * radius_mm
    return (radius_mm - distance + wobble).astype(np.float32)


def _centre_in(rng: np.random.Generator, mask: Mask) -> NDArray[np.float64] | None:
    index = np.flatnonzero(mask)
    if index.size < 20:
        return None
    return np.array(np.unravel_index(int(rng.choice(index)), mask.shape), float)


def paint_lesions(rng: np.random.Generator, hu: Floats, place: Place) -> NDArray[np.uint8]:
    """Paint one to three lesions into a vertebra, in place.

    Parameters
    ----------
    rng
        Random generator.
    hu
        Hounsfield units of the patch; changed.
    place
        The vertebra.

    Returns
    -------
    array
        Bit `LYTIC` and bit `BLASTIC` per voxel.
    """
    own, depth, spacing = place.own, place.depth, place.spacing
    truth = np.zeros(hu.shape, np.uint8)
    for _ in range(1 if rng.random() < 0.75 else int(rng.integers(2, 4))):
        where, destroyed = _site(rng, place)
        centre = _centre_in(rng, where)
        if centre is None:
            return truth
        low, high = (4.0, 18.0) if rng.random() < 0.8 else (2.5, 5.0)
        radius = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        ball = _ball(rng, hu.shape, centre, radius, spacing)
        kind = rng.random()
        if kind > 0.84 - IVORY_SHARE and kind < 0.84:  # the whole vertebra, dense
            ball = ball + 40.0
        if kind < LYTIC_SHARE:
            _paint_lytic(rng, hu, truth, ball, place, destroyed)
        elif kind < 0.86:
            _paint_blastic(rng, hu, truth, ball, own, depth)
        else:
            split = smooth_field(rng, hu.shape, (9, 9, 8)) > rng.uniform(-0.5, 0.5)
            inner = np.where(split, ball, -5.0).astype(np.float32)
            _paint_lytic(rng, hu, truth, inner, place, destroyed)
            _paint_blastic(rng, hu, truth, np.where(split, -5.0, ball).astype(np.float32), own, depth)
    return truth


def _site(rng: np.random.Generator, place: Place) -> tuple[Mask, float]:
    """Where a lesion starts, and how often it destroys the cortex if it is lytic."""
    behind = place.own & ~place.body
    draw = rng.random()
    if draw < BODY_SHARE and place.body.sum() > LEAST_SITE:
        return place.body, DESTROYED_SHARE
    pedicle = behind & _near(place.body, PEDICLE_MM)
    if draw < BODY_SHARE + PEDICLE_SHARE and pedicle.sum() > LEAST_SITE:
        return pedicle, PEDICLE_DESTROYED_SHARE
    return (behind if behind.sum() > LEAST_SITE else place.own), DESTROYED_SHARE


def _alpha(rng: np.random.Generator, ball: Floats) -> Floats:
    border = rng.uniform(1.0, 2.0) if rng.random() < 0.6 else rng.uniform(2.0, 6.0)
    alpha: Floats = np.clip(ball / border + 0.5, 0.0, 1.0).astype(np.float32)
    return alpha


def _paint_lytic(
    rng: np.random.Generator,
    hu: Floats,
    truth: NDArray[np.uint8],
    ball: Floats,
    place: Place,
    destroyed: float,
) -> None:
    own, depth = place.own, place.depth
    alpha = _alpha(rng, ball)
    destroys = rng.random() < destroyed
    grows = rng.uniform(1.0, 9.0) if destroys and rng.random() < 0.45 else 0.0
    if destroys:
        room = own | ((depth > -max(grows, 1.0)) & _near(own, grows))
    else:
        room = own & (depth > rng.uniform(1.0, 2.5))
    alpha = alpha * room
    marrow = own & (alpha > 0.5)
    if marrow.sum() < 12:
        return
    fill = rng.uniform(LEAST_LYTIC_HU, 90)
    around = own & (depth > 1.5) & (alpha < 0.1)
    if around.sum() > 20:  # a lesion that nobody could see is no lesion
        middle = float(np.median(hu[around]))
        spread = 1.48 * float(np.median(np.abs(hu[around] - middle)))
        fill = min(fill, middle - max(SEEN_HU, SEEN_SPREADS * spread))
        if fill < LEAST_LYTIC_HU:  # in fatty marrow only the lost cortex shows it
            if not destroys or (marrow & (depth < 1.5)).sum() < 30:
                return
            fill = rng.uniform(20, 70)
    value = fill + rng.uniform(3, 20) * texture(rng, hu.shape, 1.0)
    hu += alpha * (value - hu)
    if rng.random() < 0.25:  # sclerotic rim
        rim = own & (alpha < 0.5) & (ball > -rng.uniform(1.5, 3.0))
        hu[rim] += rng.uniform(100, 400)
    truth[alpha > 0.5] |= LYTIC


def _paint_blastic(
    rng: np.random.Generator,
    hu: Floats,
    truth: NDArray[np.uint8],
    ball: Floats,
    own: Mask,
    depth: Floats,
) -> None:
    room = own | ((depth > -2.0) & _near(own, 2.0)) if rng.random() < 0.15 else own
    alpha = _alpha(rng, ball) * room
    if (alpha > 0.5).sum() < 12:
        return
    around = own & (depth > 1.5) & (alpha < 0.1)
    base = float(np.median(hu[around])) if around.sum() > 20 else 150.0
    before = float(hu[alpha > 0.5].mean())  # laminae are dense by themselves
    level = max(rng.uniform(350, 1150), base + 150, before + rng.uniform(150, 300))
    mottle = rng.uniform(0.03, 0.3) * texture(rng, hu.shape, 1.0)
    mottle = mottle + rng.uniform(0.0, 0.25) * smooth_field(rng, hu.shape, (9, 9, 8))
    value = level * (1 + mottle)
    hu += alpha * (np.maximum(value, hu * 0.9) - hu)
    truth[alpha > 0.5] |= BLASTIC


def _near(own: Mask, reach_mm: float) -> Mask:
    steps = max(1, round(reach_mm / 1.5))
    return np.asarray(ndimage.binary_dilation(own, iterations=steps))


def paint_lookalikes(rng: np.random.Generator, hu: Floats, place: Place) -> None:
    """Paint normal variants that must not be called lesions, in place.

    Basivertebral vein, Schmorl node, end-plate sclerosis, bone island, dense rim, haemangioma,
    fat in the marrow, worn facet joints: each with its own chance.
    """
    own, body, disc, guide = place.own, place.body, place.disc, place.guide
    depth, spacing, shape = place.depth, place.spacing, hu.shape
    if body.sum() > 100 and rng.random() < 0.4:  # basivertebral vein
        y = np.argwhere(body)[:, 1]
        back = float(np.quantile(y, 0.97))
        length = rng.uniform(6, 18) / spacing
        gx, gy, gz = np.ogrid[: shape[0], : shape[1], : shape[2]]
        t = (back - gy) / length
        narrow = rng.uniform(1.2, 3.5) / spacing * (1.2 - np.clip(t, 0, 1))
        wide = narrow * rng.uniform(1.0, 2.5)
        tube = ((gx - guide[0]) / wide) ** 2 + ((gz - guide[2]) / narrow) ** 2 < 1
        vein = tube & (t > -0.3) & (t < 1) & body
        hu[vein] = hu[vein] * 0.4 + rng.uniform(20, 70) * 0.6
    edge = body & _near(disc, spacing) if disc.any() else None
    if edge is not None and edge.sum() > 30:
        if rng.random() < 0.2:  # Schmorl node
            centre = _centre_in(rng, edge)
            if centre is not None:
                radius = rng.uniform(2.0, 6.0)
                ball = _ball(rng, shape, centre, radius, spacing)
                hole = (ball > 0) & body
                rim = (ball > -rng.uniform(1.0, 2.5)) & ~hole & body
                hu[hole] = rng.uniform(50, 110)
                hu[rim] += rng.uniform(100, 450)
        if rng.random() < 0.25:  # end-plate sclerosis
            reach = rng.uniform(2, 6)
            plate = body & _near(disc, reach)
            gx = np.arange(shape[0])[:, None, None]
            if rng.random() < 0.5:
                plate &= (gx > guide[0]) if rng.random() < 0.5 else (gx < guide[0])
            hu[plate] += rng.uniform(60, 350)
    if rng.random() < 0.12:  # bone island
        centre = _centre_in(rng, own)
        if centre is not None:
            island = _ball(rng, shape, centre, rng.uniform(1.2, 2.6), spacing)
            alpha = np.clip(island / 1.5 + 0.5, 0, 1) * own
            hu += alpha * (rng.uniform(500, 1100) - hu)
    if rng.random() < 0.15:  # osteophyte or dense facet: a dense rim at the surface
        rim = own & (depth < rng.uniform(1.5, 3.5)) & (smooth_field(rng, shape, (9, 9, 8)) > 0.6)
        hu[rim] += rng.uniform(50, 350)
    _paint_marrow_and_joints(rng, hu, place)


def _paint_marrow_and_joints(rng: np.random.Generator, hu: Floats, place: Place) -> None:
    """Paint haemangiomas, fat in the marrow and worn facet joints, in place."""
    own, body, depth, spacing, shape = place.own, place.body, place.depth, place.spacing, hu.shape
    where = body if body.sum() > 50 else own
    if rng.random() < 0.1:  # haemangioma-like: vertical strands in fat
        centre = _centre_in(rng, where)
        if centre is not None:
            ball = _ball(rng, shape, centre, rng.uniform(4, 10), spacing)
            alpha = np.clip(ball / 2.0 + 0.5, 0, 1) * own * (depth > 1.0)
            strands = texture(rng, (shape[0], shape[1], 1), 0.0) > 0.7
            value = np.where(strands, rng.uniform(250, 500), rng.uniform(-20, 60))
            hu += alpha * (value - hu)
    if rng.random() < 0.2:  # islands of fat in the marrow
        for _ in range(int(rng.integers(1, 4))):
            centre = _centre_in(rng, where)
            if centre is not None:
                ball = _ball(rng, shape, centre, rng.uniform(3, 9), spacing)
                alpha = np.clip(ball / rng.uniform(2, 5) + 0.5, 0, 1) * own * (depth > 1.0)
                hu += alpha * (rng.uniform(-90, 0) - hu)
    joint = own & ~body & _near(place.other & ~_near(place.disc, 4.5), 4.5)
    if body.any() and joint.any() and rng.random() < 0.25:  # worn joints: dense, wide
        hu[joint] += rng.uniform(100, 500) * rng.uniform(0.5, 1.0, int(joint.sum()))


def grow_osteophytes(rng: np.random.Generator, hu: Floats, place: Place, free: Mask) -> Mask:
    """Paint spurs of bone beside the rims of a body, in place; give what they took of ``free``."""
    grown = np.zeros(hu.shape, bool)
    rim = place.body & (place.depth < 2.5) & _near(place.disc, 3.0)
    for _ in range(int(rng.integers(1, 4))):
        centre = _centre_in(rng, rim)
        if centre is None:
            break
        ball = _ball(rng, hu.shape, centre, rng.uniform(3.0, 7.5), place.spacing)
        spur = (ball > 0) & free
        core, shell = rng.uniform(120, 500), rng.uniform(400, 900)
        hu[spur] = np.where(ball[spur] > rng.uniform(1.0, 3.0), core, shell)
        grown |= spur
    return grown
