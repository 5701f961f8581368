"""Evidence of a vertebra's build: where its pedicles lie about the middle of its body.

The distance between the pedicles shrinks from the neck to T5, grows to T12, stands still to L2 and
leaps at L5; their place behind and above the body's middle turns with the curves of the column.
One vertebra's build is compared with what the one above makes likely (a patient who is wide at
T11 is wide at T12), so the terms follow the chain from head to foot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SHAPE = ("width_log", "back_mm", "up_mm")
"""Log of the distance between the pedicles' middles (mm), and where the middle between them lies
from the body's middle: posterior and superior (LPS), mm."""
LEAST_SHARE = 0.005
"""A patient may be built one level off at least this often, however few cases there are."""


def pedicle_shape(
    centre_lps_mm: Floats, left_lps_mm: Floats, right_lps_mm: Floats
) -> tuple[float, float, float]:
    """Numbers of `SHAPE` from three points of a vertebra.

    Parameters
    ----------
    centre_lps_mm, left_lps_mm, right_lps_mm : ndarray, (3,)
        Middle of the body, of the left and of the right pedicle.
    """
    offset = 0.5 * (left_lps_mm + right_lps_mm) - centre_lps_mm
    width = max(1.0, float(np.linalg.norm(left_lps_mm - right_lps_mm)))
    return float(np.log(width)), float(offset[1]), float(offset[2])


@dataclass(frozen=True, slots=True, eq=False)
class ShapeModel:
    """How vertebrae of each level are built.

    Parameters
    ----------
    mean, spread : ndarray, (states, 3)
        Of each number of `SHAPE`.
    carry : ndarray, (3, 3)
        What of a vertebra's stray from its level's mean (in units of the spread) the next one below repeats.
    alone, after : ndarray, (3, 3)
        Covariance of that stray for a vertebra by itself, and about what the one above repeats.
    any_mean, any_spread : ndarray, (3,)
        The same numbers over all levels: what a vertebra of unknown name looks like.
    looks : ndarray, (n, states)
        Ways in which a patient is built: the state whose numbers each state has. The first is the usual
        one; in the others the lower column is built like its neighbours above or below.
    shares : ndarray, (ways, n)
        How often each happens, for each way in which the finder sees the thoracolumbar border: a patient
        with stub ribs is more often built one level off.
    """

    mean: Floats
    spread: Floats
    carry: Floats
    alone: Floats
    after: Floats
    any_mean: Floats
    any_spread: Floats
    looks: NDArray[np.intp]
    shares: Floats

    def terms_alone(self, shape: Floats, floor: float) -> Floats:
        """Log ratio of a shape under each level against any level, (looks, states).

        Parameters
        ----------
        shape : ndarray, (3,)
            NaN where the pedicles were not seen: no evidence.
        floor : float
            Share of vertebrae that are built unlike their level (fracture, misplaced point).
        """
        if not np.isfinite(shape).all():
            return np.zeros(self.looks.shape)
        stray = (shape - self.mean) / self.spread
        return self._ratio(stray, self.alone, self.spread, shape, floor)[self.looks]

    def terms_after(self, upper: Floats, lower: Floats, floor: float) -> Floats:
        """Log ratio of a shape given the vertebra above, (looks, states of the upper, of the lower)."""
        looks, states = self.looks.shape
        if not np.isfinite(lower).all():
            return np.zeros((looks, states, states))
        if not np.isfinite(upper).all():
            alone = self.terms_alone(lower, floor)[:, None]
            return np.broadcast_to(alone, (looks, states, states))
        repeated = ((upper - self.mean) / self.spread) @ self.carry.T
        stray = ((lower - self.mean) / self.spread)[None] - repeated[:, None]
        ratio = self._ratio(stray, self.after, self.spread[None], lower, floor)
        return np.stack([ratio[np.ix_(look, look)] for look in self.looks])

    def _ratio(
        self, stray: Floats, covariance: Floats, spread: Floats, shape: Floats, floor: float
    ) -> Floats:
        """Log of (normal density with a floor) over (density of any level)."""
        inverse = np.linalg.inv(covariance)
        square = np.einsum("...i,ij,...j->...", stray, inverse, stray)
        own = -0.5 * square - 0.5 * np.log(np.linalg.det(covariance)) - np.log(spread).sum(-1)
        far = (shape - self.any_mean) / self.any_spread
        anyone = -0.5 * float(far @ far) - float(np.log(self.any_spread).sum())
        return np.asarray(np.log((1 - floor) * np.exp(np.minimum(own - anyone, 50.0)) + floor))


def shifted_looks(order: Sequence[int], first: int, states: int) -> NDArray[np.intp]:
    """Tables of `ShapeModel.looks`: usual, like the neighbour above, like the neighbour below.

    Parameters
    ----------
    order : sequence of int
        States of a usual column, head to foot.
    first : int
        Place in the order from which on the build shifts.
    states : int
        Number of states; those that stand in no usual column keep their numbers.
    """
    looks = np.tile(np.arange(states), (3, 1))
    for place in range(first, len(order)):
        looks[1, order[place]] = order[place - 1]
        looks[2, order[place]] = order[min(place + 1, len(order) - 1)]
    return looks


def learn_shapes(
    columns: Sequence[tuple[NDArray[np.intp], Floats]],
    ways: NDArray[np.intp],
    looks: NDArray[np.intp],
    floor: float,
) -> ShapeModel:
    """Count a shape model from vertebrae whose names are known.

    Parameters
    ----------
    columns : sequence of (ndarray, (bodies,), ndarray, (bodies, 3))
        One per scan, head to foot: state of each vertebra (-1: not known) and its shape (NaN: not seen).
    ways : ndarray, (scans,)
        Way in which the border is seen; -1 where no border is.
    looks : ndarray, (n, states)
        Ways of being built; their shares are found by expectation and maximisation.
    floor : float
        As of `ShapeModel.terms_alone`.
    """
    states = looks.shape[1]
    names = np.concatenate([n for n, _ in columns])
    shapes = np.concatenate([s for _, s in columns])
    known = (names >= 0) & np.isfinite(shapes).all(1)
    mean, spread = np.full((states, 3), np.nan), np.full((states, 3), np.nan)
    for state in range(states):
        own = shapes[known & (names == state)]
        if len(own):
            mean[state] = np.median(own, 0)
            spread[state] = 1.4826 * np.median(np.abs(own - mean[state]), 0)
    seen = np.isfinite(mean[:, 0])
    for lacking in np.flatnonzero(~seen):  # a state that no scan has stands between its neighbours
        beside = [np.flatnonzero(seen[:lacking])[-1], lacking + 1 + np.flatnonzero(seen[lacking + 1 :])[0]]
        mean[lacking], spread[lacking] = mean[beside].mean(0), spread[beside].max(0)
    firm = np.maximum(spread, np.array([0.05, 1.2, 1.2]))  # few cases must not look exact
    upper, lower = [], []
    for levels, shape in columns:
        usable = (levels >= 0) & np.isfinite(shape).all(1)
        stray = np.where(usable[:, None], (shape - mean[levels]) / firm[levels], np.nan)
        stray = np.clip(stray, -3.0, 3.0)  # outliers are the floor's business
        both = usable[:-1] & usable[1:]
        upper.append(stray[:-1][both])
        lower.append(stray[1:][both])
    above, below = np.concatenate(upper), np.concatenate(lower)
    carry = np.linalg.lstsq(above, below, rcond=None)[0].T
    model = ShapeModel(
        mean=mean,
        spread=firm,
        carry=carry,
        alone=np.cov(np.concatenate([above, below]).T),
        after=np.cov((below - above @ carry.T).T),
        any_mean=shapes[known].mean(0),
        any_spread=shapes[known].std(0),
        looks=looks,
        shares=np.full((1, len(looks)), 1.0 / len(looks)),
    )
    logs = np.array([_fit(state, shape, model, floor) for state, shape in columns])
    return replace(model, shares=np.stack([_shares(logs[ways == way]) for way in range(ways.max() + 1)]))


def _fit(state: NDArray[np.intp], shape: Floats, model: ShapeModel, floor: float) -> Floats:
    """Log weight of one scan's shapes under each look, (looks,)."""
    out = np.zeros(len(model.looks))
    before = None
    for place in np.flatnonzero((state >= 0) & np.isfinite(shape).all(1)):
        if before is None:
            out += model.terms_alone(shape[place], floor)[:, state[place]]
        else:
            out += model.terms_after(shape[before], shape[place], floor)[:, state[before], state[place]]
        before = place
    return out


def _shares(logs: Floats) -> Floats:
    """How often each look happens, (looks,), from the fit of each scan to each look, (scans, looks)."""
    shares = np.full(logs.shape[1], 1.0 / logs.shape[1])
    for _ in range(50):
        weight = np.exp(logs - logs.max(1, keepdims=True)) * shares
        shares = (weight / weight.sum(1, keepdims=True)).mean(0)
    firm = np.maximum(shares, LEAST_SHARE)
    return np.asarray(firm / firm.sum())
