"""Log terms of the naming model: evidence of each body, steps between bodies, ends of the chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spineimg.core.levels import Level
from spineimg.segmentation.naming_model import (
    BINS,
    EXTRA,
    GROUP_OF_STATE,
    NUMBERS,
    STATES,
    Found,
    NamingModel,
    Surroundings,
    region_place,
    slopes_deg,
    upper_neighbour,
)
from spineimg.segmentation.ribs import rib_terms

Floats = NDArray[np.float64]
S1_TO_SACRUM_MM = 14.0
"""Distance from the middle of S1 to the rest of the sacrum."""
SACRAL_FLOOR = 0.03
"""Sacral evidence that a lumbar vertebra may have."""
ALONE_S1 = -9.0
"""Weight of a chain that starts at S1: hardly ever."""
RIB_WEIGHT = 0.5
"""Ribs count half: the same network's group evidence has seen them too."""
SKIPS = 3
"""At most this many found bodies in a row can be no vertebra."""
SCALES = np.exp(np.linspace(-0.24, 0.24, 9))
"""Sizes of patients against the mean adult, one step 6 %; children down to 0.79."""
_T11, _T12, _T13, _L1 = (STATES.index(level) for level in (Level.T11, Level.T12, Level.T13, Level.L1))
_L4, _L5, _L6 = (STATES.index(level) for level in (Level.L4, Level.L5, Level.L6))
_S1 = STATES.index(Level.S1)


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """A step from one found body to another: weight (builds x sizes, states, states) times exp(top)."""

    weight: Floats
    top: float


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """All terms of one scan; logarithms unless a name says weight.

    Parameters
    ----------
    emission : ndarray, (bodies, variants, states)
        Evidence of each body for each level; a variant is a way of being seen, with a build and a size.
    surplus : ndarray, (bodies,)
        "This is no vertebra".
    start : ndarray, (bodies, variants, states)
        A chain that starts here, skipped bodies above it included.
    end : ndarray, (bodies, states)
        A chain that ends here.
    links : mapping
        (upper body, lower body) to their step, skipped bodies included.
    no_t12 : mapping
        The share of a step T11-L1 that stands for an absent T12, (variants,).
    prior : ndarray, (variants,)
        Of each variant.
    """

    emission: Floats
    surplus: Floats
    start: Floats
    end: Floats
    links: dict[tuple[int, int], Link]
    no_t12: dict[tuple[int, int], Floats]
    prior: Floats

    @property
    def count(self) -> int:
        """Number of bodies."""
        return int(self.emission.shape[0])

    @property
    def tail(self) -> Floats:
        """All bodies after each one being no vertebra, (bodies,)."""
        return np.asarray(self.surplus.sum() - np.cumsum(self.surplus))

    def before(self, place: int) -> range:
        """Bodies that may stand directly above ``place``."""
        return range(max(0, place - 1 - SKIPS), place)

    def after(self, place: int) -> range:
        """Bodies that may stand directly below ``place``."""
        return range(place + 1, min(self.count, place + 2 + SKIPS))

    def sacrum_after_l4(self, marginal: Floats) -> float:
        """Posterior that the sacrum follows L4 (only where a sacrum was seen)."""
        return float(marginal[-1, _L4]) if self.end[-1, _L4] > self.end[-1, 0] else 0.0

    def held(self, path: Sequence[int | None]) -> Terms:
        """Give the same terms with every named body held to its name."""
        emission = np.full_like(self.emission, -np.inf)
        for place, state in enumerate(path):
            if state is None:
                emission[place] = self.emission[place]
            else:
                emission[place, :, state] = self.emission[place, :, state]
        return replace(self, emission=emission)


def build_terms(found: Sequence[Found], around: Surroundings, model: NamingModel) -> Terms:
    """Turn what was found into log terms.

    Parameters
    ----------
    found : sequence of Found
        Bodies head to foot.
    around : Surroundings
        Sacrum and skull.
    model : NamingModel
        Learned parameters.
    """
    weights = model.weights
    count = len(found)
    confidence = np.clip(np.array([f.confidence for f in found]), 0.01, 0.99)
    surplus = weights["surplus"] - weights["confidence"] * np.log(confidence / (1 - confidence))
    skipped = np.concatenate([[0.0], np.cumsum(surplus)])
    sizes, ways = SCALES.size, model.group_shares.size
    alone = np.stack([_alone(f, model) for f in found])
    start = (skipped[:count, None] - np.log(len(STATES)) + _head(around, model))[:, None] + alone
    links, absent = {}, {}
    steady = _steady(model)
    for lower in range(count):
        for upper in range(max(0, lower - 1 - SKIPS), lower):
            distance = float(np.linalg.norm(found[lower].centre_lps_mm - found[upper].centre_lps_mm))
            table, lone = _step(distance, steady, model)
            build = _built(found[upper], found[lower], model) + (skipped[lower] - skipped[upper + 1])
            table = (build[:, None] + table[None]).reshape(-1, *table.shape[1:])
            top = float(table.max())
            links[upper, lower] = Link(np.exp(table - top), top)
            absent[upper, lower] = np.tile((build[:, None, _T11, _L1] + lone[None]).ravel(), ways)
    return Terms(
        emission=np.repeat(np.stack([_emission(f, count, model) for f in found]), alone.shape[1] * sizes, 1)
        + _slope(found, model)[:, None, :],
        surplus=surplus,
        start=np.tile(np.repeat(start, sizes, 1), (1, ways, 1)),
        end=_foot(found, around, model),
        links=links,
        no_t12=absent,
        prior=_prior(model),
    )


def _alone(found: Found, model: NamingModel) -> Floats:
    """Build of the highest vertebra of a chain, (builds, states)."""
    if model.shape is None:
        return np.zeros((1, len(STATES)))
    shape = np.full(3, np.nan) if found.shape is None else np.array(found.shape)
    return model.weights["shape"] * model.shape.terms_alone(shape, model.weights["shape_floor"])


def _built(upper: Found, lower: Found, model: NamingModel) -> Floats:
    """Build of a vertebra after the one above it, (builds, states, states)."""
    if model.shape is None:
        return np.zeros((1, len(STATES), len(STATES)))
    above, below = (np.full(3, np.nan) if f.shape is None else np.array(f.shape) for f in (upper, lower))
    floor = model.weights["shape_floor"]
    return model.weights["shape"] * model.shape.terms_after(above, below, floor)


def _prior(model: NamingModel) -> Floats:
    """Log weight of each variant: way of being seen, build, and patient size (log-normal)."""
    weight = -0.5 * (np.log(SCALES) / model.weights["scale_sd"]) ** 2
    size = weight - np.log(np.exp(weight).sum())
    looks = np.zeros((1, 1)) if model.shape is None else np.log(model.shape.shares)
    seen = np.log(model.group_shares)[:, None] + looks
    return np.asarray((seen[:, :, None] + size).ravel())


def _emission(found: Found, count: int, model: NamingModel) -> Floats:
    """Group evidence, level number and ribs of one body, (ways, states)."""
    weights = model.weights
    if model.groups is None:
        shares = np.clip(np.array(found.groups), 1e-6, None)
        shares = (1 - weights["group_doubt"]) * shares / shares.sum() + weights["group_doubt"] / shares.size
        out = weights["group_soft"] * np.log(shares)[GROUP_OF_STATE][None]
        sacral = max(0.0, 1.0 - sum(found.groups))
        out[:, _S1] += np.log((sacral + SACRAL_FLOOR) / (2 * SACRAL_FLOOR))
    else:
        place = int(np.digitize(region_place(found.groups, weights["group_floor"]), BINS))
        out = weights["group"] * np.log(model.groups[:, :, place])
    if found.number is not None:
        # All bodies of a scan share one error of the network's counting, so each says less in a long chain.
        share = 1.0 / (1.0 + (count - 1) * weights["number_shared"])
        distance = (found.number - NUMBERS) / weights["number_sd"]
        out = out - share * 0.5 * np.minimum(distance**2, weights["number_limit"])
    out = out + RIB_WEIGHT * rib_terms(found.rib_ml)
    return np.asarray(out)


def _slope(found: Sequence[Found], model: NamingModel) -> Floats:
    """Inclination of the step to each body against each level, (bodies, states)."""
    weights = model.weights
    values = slopes_deg(found, (weights["near_mm"], weights["far_mm"]))
    mean, spread = model.slope_deg.T
    z = (values[:, None] - mean[None]) / spread[None]
    # Normal with a broad floor: a tilted or misplaced body must not decide alone.
    density = np.exp(-0.5 * z**2) / spread[None] + weights["slope_floor"]
    return np.where(np.isfinite(z), weights["slope"] * np.log(density * np.median(spread)), 0.0)


def _robust(distance: float, mean: Floats, variance: Floats, model: NamingModel) -> Floats:
    """Log density of a distance: normal with a broad share for fractures and misplaced centres."""
    broad = model.weights["broad_share"]
    wide = variance + model.weights["broad_sd"] ** 2
    near = np.exp(-0.5 * (distance - mean) ** 2 / variance) / np.sqrt(2 * np.pi * variance)
    far = np.exp(-0.5 * (distance - mean) ** 2 / wide) / np.sqrt(2 * np.pi * wide)
    return np.asarray(np.log((1 - broad) * near + broad * far + 1e-12))


@dataclass(frozen=True, slots=True, eq=False)
class _Steady:
    """What every step shares: mean and variance of distances per scale, and the weight of the order."""

    mean: Floats
    variance: Floats
    order: Floats
    lone_mean: Floats
    lone_variance: Floats


def _steady(model: NamingModel) -> _Steady:
    """Prepare the distance tables, (scales, states, states) and (scales,)."""
    weights = model.weights
    mean, variance = model.mean_between()
    allowed = mean > 0
    order = np.where(allowed, _missed() * weights["miss"] + _order_cost(weights), -np.inf)
    scaled = SCALES[:, None, None]
    own = weights["centre_sd"] ** 2
    return _Steady(
        mean=scaled * np.where(allowed, mean, 1.0),
        variance=scaled**2 * np.where(allowed, variance, 1.0) + own,
        order=order,
        lone_mean=SCALES * model.spacing_mm[_T11],
        lone_variance=(SCALES * model.spacing_sd[_T11]) ** 2 + own,
    )


def _step(distance: float, steady: _Steady, model: NamingModel) -> tuple[Floats, Floats]:
    """Step weights (scales, states, states) at a distance, and the absent-T12 share (scales,)."""
    weights = model.weights
    table = weights["spacing"] * _robust(distance, steady.mean, steady.variance, model) + steady.order
    lone = weights["spacing"] * _robust(distance, steady.lone_mean, steady.lone_variance, model)
    lone = lone + weights["no_t12"]
    table[:, _T11, _L1] = np.logaddexp(table[:, _T11, _L1], lone)
    return table, lone


def _missed() -> Floats:
    """How many vertebrae lie between two states in usual order, (states, states)."""
    position = np.zeros(len(STATES))
    for place in range(1, len(STATES)):
        position[place] = position[upper_neighbour(place)] + 1
    between = position[None, :] - position[:, None] - 1
    for extra in EXTRA:
        between[extra, extra + 1 :] += 1
    return np.asarray(np.maximum(between, 0))


def _order_cost(weights: dict[str, float]) -> Floats:
    """Weight of unusual neighbours, (states, states)."""
    cost = np.zeros((len(STATES), len(STATES)))
    cost[:, _T13] += weights["t13"]
    cost[:, _L6] += weights["l6"]
    cost[:, _S1] += weights["s1"]
    return cost


def _head(around: Surroundings, model: NamingModel) -> Floats:
    """Weight of each state as the highest one, (states,)."""
    out = np.zeros(len(STATES))
    out[_T13], out[_L6], out[_S1] = model.weights["t13"], model.weights["l6"], ALONE_S1
    if around.skull_above:
        out[2:] = model.weights["skull"] * np.arange(1, len(STATES) - 1)
    return out


def _foot(found: Sequence[Found], around: Surroundings, model: NamingModel) -> Floats:
    """Weight of each state as the lowest one, (bodies, states)."""
    weights = model.weights
    out = np.zeros((len(found), len(STATES)))
    if around.sacrum_below_mm is None:
        return out
    step = (model.spacing_mm[_L5], weights["sacrum_sd"])
    missed = np.array([max(0, _L5 - state) for state in range(len(STATES))], dtype=np.float64)
    missed[:_T13] -= 1
    expected = weights["sacrum_mm"] + missed * step[0]
    near = -0.5 * np.minimum(((around.sacrum_below_mm - expected) / step[1]) ** 2, weights["number_limit"])
    usual = near + missed * weights["miss"]
    off = (around.sacrum_below_mm - weights["sacrum_mm"]) / step[1]
    straight = -0.5 * min(off**2, weights["number_limit"])
    usual[_L4] = np.logaddexp(usual[_L4], straight + weights["no_l5"])
    # Where the finder took S1 for a vertebra, what is left of the sacrum begins right below it.
    inside = (around.sacrum_below_mm - S1_TO_SACRUM_MM) / step[1]
    usual[_S1] = -0.5 * min(inside**2, weights["number_limit"])
    out[-1] = weights["sacrum"] * usual
    out[:-1] = out[-1].min()
    return out
