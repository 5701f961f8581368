"""Parameters of the naming model and what it is told about each vertebra that was found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spineimg.core.errors import ModelError
from spineimg.core.grid import Points
from spineimg.core.levels import Level
from spineimg.segmentation.naming_shape import ShapeModel

STATES: tuple[Level, ...] = (*(level for level in Level if level.is_vertebra), Level.S1)
"""C1 to L6 with T13, and the first sacral body, which finders now and then take for a vertebra."""
GROUPS = ("cervical", "thoracic", "lumbar")
BINS = np.array([0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 1.03, 1.1, 1.3, 1.5, 1.7, 1.9, 1.97])
"""Limits of the bins of `region_place`, finer where the evidence is firm."""
NUMBERS = np.array([{Level.T13: 19.5, Level.L6: 25.0}.get(s, float(s.verse_id)) for s in STATES])
"""The level number that the network learns (C1 1 ... L5 24), per state."""


@dataclass(frozen=True, slots=True)
class Found:
    """One located vertebra, before it has a name.

    Parameters
    ----------
    centre_lps_mm : ndarray, (3,)
        Centre of the body.
    groups : tuple of float
        Evidence for cervical, thoracic, lumbar (0-1, need not sum to one).
    confidence : float
        How sure the finder is that this is a vertebra (0-1).
    number : float or None
        The network's level number, C1 = 1 to L5 = 24.
    shape : tuple of float or None
        Numbers of `naming_shape.SHAPE`; None where the pedicles were not seen.
    rib_ml : float or None
        Rib beside the body, larger side; None where it is not in view.
    """

    centre_lps_mm: Points
    groups: tuple[float, float, float]
    confidence: float = 1.0
    number: float | None = None
    shape: tuple[float, float, float] | None = None
    rib_ml: float | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Landmarks beside the chain; None where not seen or not in view.

    Parameters
    ----------
    sacrum_below_mm : float or None
        Distance from the lowest body centre to the top of the sacrum.
    skull_above : bool
        The chain ends below a skull (the highest one is C1 or C2).
    """

    sacrum_below_mm: float | None = None
    skull_above: bool = False


@dataclass(frozen=True, slots=True)
class NamingModel:
    """Learned numbers of the sequence model (``models/naming/parameters.json``).

    Parameters
    ----------
    spacing_mm, spacing_sd : ndarray, (states,)
        Distance of each state's body centre to the next lower state's (usual order), and its spread
        after the patient's own scale is taken out.
    groups : ndarray, (variants, states, bins), or None
        How often each level's group evidence falls into each bin of `region_place` (rows sum to one),
        for three ways a detector sees a whole scan: right, T12 taken for lumbar, L1 for thoracic.
        Holds for the detector it was counted on; None: the evidence is taken as probabilities.
    group_shares : ndarray, (variants,)
        How often each of these ways happens.
    slope_deg : ndarray, (states, 2)
        Mean and spread of the inclination, in the sagittal plane, of the step that leads to a body.
    shape : ShapeModel or None
        How each level is built; None: pedicles are no evidence.
    weights : mapping of str to float
        Log-scale constants; `script` scripts/train_naming.py says how each is found.
    """

    spacing_mm: NDArray[np.float64]
    spacing_sd: NDArray[np.float64]
    groups: NDArray[np.float64] | None
    group_shares: NDArray[np.float64]
    slope_deg: NDArray[np.float64]
    shape: ShapeModel | None = None
    weights: dict[str, float] = field(default_factory=dict)
    version: str = "0"

    def for_probabilities(self) -> NamingModel:
        """Give the model for a network whose group evidence is a softmax."""
        shape = self.shape
        if shape is not None:
            shape = replace(shape, shares=self.group_shares[None] @ shape.shares)
        return replace(self, groups=None, group_shares=np.ones(1), shape=shape)

    def mean_between(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and variance of the distance between every two states in usual order, (states, states)."""
        mean, variance = _chain(self.spacing_mm), _chain(self.spacing_sd**2)
        return mean, variance


GROUP_OF_STATE = np.array([min(2, "CTLS".index(s.value[0])) for s in STATES])
"""Index into `GROUPS` of each state; S1 looks lumbar to a finder that took it for a vertebra."""


def _chain(step: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of steps between every two usual states; T13 and L6 hang on the usual column."""
    count = len(STATES)
    position = np.zeros(count)
    for place in range(1, count):
        before = upper_neighbour(place)
        position[place] = position[before] + step[before]
    between = position[None, :] - position[:, None]
    # With a T13 or L6 in the chain everything below it lies one step lower.
    for extra in EXTRA:
        between[extra, extra + 1 :] += step[extra]
    return between


EXTRA = (STATES.index(Level.T13), STATES.index(Level.L6))
"""States that usual columns do not have."""


def upper_neighbour(place: int) -> int:
    """State above a state in usual anatomy."""
    return place - 2 if place - 1 in EXTRA else place - 1


def region_place(groups: tuple[float, float, float], floor: float) -> float:
    """Place of group evidence on the line cervical 0 - thoracic 1 - lumbar 2.

    Parameters
    ----------
    groups : tuple of float
        Evidence for the three groups, not negative.
    floor : float
        What a network gives to a group that it rules out; taken off first.
    """
    bare = np.clip(np.array(groups) - floor, 1e-3, None)
    return float((bare[1] + 2 * bare[2]) / bare.sum())


def slopes_deg(found: Sequence[Found], limits_mm: tuple[float, float]) -> NDArray[np.float64]:
    """Inclination of the step that leads to each body, sagittal plane, degrees, (bodies,).

    Positive runs backward on its way down; NaN for the first body and where the distance is not
    that of neighbours (``limits_mm``).
    """
    centres = np.array([f.centre_lps_mm for f in found], dtype=np.float64).reshape(-1, 3)
    steps = np.diff(centres, axis=0)
    length = np.linalg.norm(steps, axis=1)
    angle = np.degrees(np.arctan2(steps[:, 1], -steps[:, 2]))
    angle = np.where((length >= limits_mm[0]) & (length <= limits_mm[1]), angle, np.nan)
    return np.concatenate([[np.nan], angle])[: len(found)]


WAYS = ("none", "t12_lumbar", "l1_thoracic")
"""Ways in which a detector sees the thoracolumbar border of a scan, as ``parameters.json`` calls them."""


def _variants(level: dict[str, Any], misseen: dict[str, Any]) -> NDArray[np.float64]:
    """Tables of group evidence per way: where T12 looks lumbar, L1 looks like L2, and so on."""
    base = np.array([level[str(s)]["groups"] for s in STATES])
    t11, t12, l1, l2 = (STATES.index(s) for s in (Level.T11, Level.T12, Level.L1, Level.L2))
    lumbar, thoracic = base.copy(), base.copy()
    lumbar[t12], lumbar[l1] = misseen["t12_lumbar"]["groups"], base[l2]
    thoracic[l1], thoracic[t12] = misseen["l1_thoracic"]["groups"], base[t11]
    return np.stack([base, lumbar, thoracic])


def _shape(level: dict[str, Any], build: dict[str, Any]) -> ShapeModel:
    """Shape model of ``parameters.json``."""
    by_level = np.array([level[str(s)]["shape"] for s in STATES], dtype=np.float64)
    shared = {key: np.array(value) for key, value in build.items()}
    return ShapeModel(mean=by_level[:, 0], spread=by_level[:, 1], **shared)


def load_naming_model(folder: Path) -> NamingModel:
    """Read ``parameters.json`` of a naming model folder.

    Raises
    ------
    ModelError
        ``model-damaged`` when the file is missing or not complete.
    """
    path = folder / "parameters.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        level = raw["levels"]
        return NamingModel(
            spacing_mm=np.array([level[str(s)]["spacing_mm"] for s in STATES]),
            spacing_sd=np.array([level[str(s)]["spacing_sd"] for s in STATES]),
            groups=_variants(level, raw["misseen"]),
            group_shares=np.array([raw["misseen"][way]["share"] for way in WAYS]),
            slope_deg=np.array([level[str(s)]["slope_deg"] for s in STATES]),
            shape=_shape(level, raw["build"]),
            weights={str(k): float(v) for k, v in raw["weights"].items()},
            version=str(raw["version"]),
        )
    except (OSError, KeyError, TypeError, ValueError) as fault:
        raise ModelError(
            "model-damaged",
            f"the naming model cannot be read ({type(fault).__name__}: {fault})",
            "install the models again: spineimg models install",
            path,
        ) from fault
