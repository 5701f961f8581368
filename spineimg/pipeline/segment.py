"""Masks of a scan: from files that a reader gives, or from the network."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spineimg.core.errors import InputRefused
from spineimg.core.grid import Grid
from spineimg.core.labelmap import EngineId, LabelMap
from spineimg.core.settings import Settings
from spineimg.core.volume import Modality, Volume
from spineimg.pipeline.request import Request
from spineimg.segmentation.adapters import labels_from_file
from spineimg.segmentation.engine import Engine, load_engine
from spineimg.segmentation.scan_flags import with_scan_flags
from spineimg.segmentation.second_opinion import with_second_opinion
from spineimg.storage.nifti import read_mask, require_same_grid


@functools.cache
def engine_for(name: str | None, modality: Modality) -> Engine:
    """The engine, loaded once a process."""
    return load_engine(name, modality)


def segment(volume: Volume, request: Request, settings: Settings) -> LabelMap:
    """Label a scan with the reader's masks where given, else with the network; ask second labels where given.

    Raises
    ------
    InputRefused
        ``mask-grid-differs``, ``no-vertebra`` and the engine's refusals.
    ModelError
        ``no-model-for-modality``.
    """
    if request.labels is not None:
        labels = reader_labels(request.labels, request.labels_kind, volume.grid)
    else:
        labels = engine_for(request.engine, volume.modality)(volume, settings.segmentation)
    if request.second is not None:
        second = reader_labels(request.second, request.second_kind, volume.grid)
        labels = with_second_opinion(labels, second, settings.segmentation)
    if request.lesions is not None:
        labels = with_lesions(labels, request.lesions)
    return with_scan_flags(volume, labels, settings.segmentation)


def reader_labels(file: Path, kind: str, grid: Grid) -> LabelMap:
    """Vertebra masks from a file on the image's grid; at least one vertebra must be in them."""
    labels = labels_from_file(file, kind, grid)
    if not any(level.is_vertebra for level in labels.levels()):
        raise InputRefused("no-vertebra", f"no vertebra in {file}", "check --labels-kind and the ids", file)
    engine = labels.engine or EngineId(f"labels:{kind}", "reader")
    return dataclasses.replace(labels, engine=engine)


def with_lesions(labels: LabelMap, file: Path) -> LabelMap:
    """The labels with a reader's lesions: one id a lesion; they count as lesions whatever they look like."""
    lesions: NDArray[np.uint8]
    lesions, grid = read_mask(file)
    require_same_grid(grid, labels.grid, file)
    return dataclasses.replace(labels, lesions=lesions, lesion_types=None, lesions_confirmed=True)
