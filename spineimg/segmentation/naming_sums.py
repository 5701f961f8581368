"""Sums over all namings of a column at once: forward, backward, and the posterior of each name."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spineimg.segmentation.naming_terms import Terms

Floats = NDArray[np.float64]


def lse(values: Floats, axis: int | tuple[int, ...]) -> Floats:
    """Log of the summed exponentials along axes; -inf stays -inf."""
    top = np.max(values, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        summed = np.log(np.sum(np.exp(values - top), axis=axis, keepdims=True)) + top
    return np.asarray(np.squeeze(summed, axis=axis))


def forward(terms: Terms) -> Floats:
    """Log weight of all beginnings that end with body i as state b: (bodies, variants, states)."""
    out = np.full(terms.emission.shape, -np.inf)
    for i in range(terms.count):
        parts = [terms.start[i] + terms.prior[:, None]]
        parts += [_through(out[j], terms.links[j, i].weight) + terms.links[j, i].top for j in terms.before(i)]
        out[i] = lse(np.stack(parts), 0) + terms.emission[i]
    return out


def backward(terms: Terms) -> Floats:
    """Log weight of all endings that follow body i as state a: (bodies, variants, states)."""
    out = np.full(terms.emission.shape, -np.inf)
    for i in reversed(range(terms.count)):
        parts = [np.broadcast_to((terms.end[i] + terms.tail[i])[None, :], out[i].shape)]
        for k in terms.after(i):
            link = terms.links[i, k]
            turned = np.swapaxes(link.weight, 1, 2)
            parts.append(_through(out[k] + terms.emission[k], turned) + link.top)
        out[i] = lse(np.stack(parts), 0)
    return out


def whole(terms: Terms, ahead: Floats) -> float:
    """Log weight of all namings together, from `forward`."""
    return float(lse(lse(ahead + terms.end[:, None, :], 2) + terms.tail[:, None], (0, 1)))


def _through(values: Floats, weight: Floats) -> Floats:
    """Log of the values' exponentials times a matrix per build and size.

    Parameters
    ----------
    values : ndarray, (variants, states)
        Variants are ways of being seen, each with every build and size.
    weight : ndarray, (builds x sizes, states, states)
        Not logarithmic.
    """
    top = values.max(1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    share = np.exp(values - top).reshape(-1, len(weight), values.shape[1])
    summed = np.swapaxes(np.matmul(np.swapaxes(share, 0, 1), weight), 0, 1)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(summed.reshape(values.shape)) + top)
