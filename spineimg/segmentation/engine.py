"""Volume to LabelMap: the protocol of an engine, and the engine of this project."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from spineimg.core.errors import InputRefused, ModelError
from spineimg.core.grid import Grid
from spineimg.core.labelmap import Caveat, EngineId, LabelMap, NamingRecord
from spineimg.core.levels import Level
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Modality, Volume
from spineimg.segmentation import bundles
from spineimg.segmentation.agreement import Column, by_discs, clash_caveats, disagreeing
from spineimg.segmentation.chain import as_found, column, irregularity, surroundings
from spineimg.segmentation.lesion_finder import mark_lesions
from spineimg.segmentation.lesions import find_lesions
from spineimg.segmentation.locate import SACRUM, Regions, locate, vote
from spineimg.segmentation.looks import prepared
from spineimg.segmentation.name import Naming, name_column
from spineimg.segmentation.naming_model import NamingModel, load_naming_model
from spineimg.segmentation.paste import Pasted, paste
from spineimg.segmentation.proof import is_spine
from spineimg.segmentation.resample import linear, upright
from spineimg.segmentation.rhythm import by_rhythm
from spineimg.segmentation.settle import settle

if TYPE_CHECKING:
    from torch import nn


@runtime_checkable
class Engine(Protocol):
    """Anything that labels vertebrae."""

    @property
    def name(self) -> str:
        """Name of the engine, for the provenance."""

    @property
    def version(self) -> str:
        """Version of its weights, for the provenance."""

    def __call__(self, volume: Volume, settings: SegmentationSettings) -> LabelMap:
        """Label a volume."""


@dataclass(frozen=True, slots=True, eq=False)
class SpineEngine:
    """Locate, name, refine, paste: the two networks and the naming model, loaded once.

    Parameters
    ----------
    name, version : str
        Of the bundle.
    locate_net, refine_net : Module
        The networks, in evaluation mode.
    naming : NamingModel
        The sequence model's parameters.
    modality : Modality
        What the networks were trained on.
    weights_sha256 : str or None
        Digest of the weights.
    """

    name: str
    version: str
    locate_net: nn.Module
    refine_net: nn.Module
    naming: NamingModel
    modality: Modality
    weights_sha256: str | None = None
    lesion_net: nn.Module | None = None
    """Marks lesions against the patient's own bone; None on MR, where nothing looks for them."""

    def __call__(self, volume: Volume, settings: SegmentationSettings) -> LabelMap:
        """Label a volume.

        Parameters
        ----------
        volume : Volume
            CT in HU or MR of any scale; any spacing and orientation.
        settings : SegmentationSettings
            Limits and threads.

        Returns
        -------
        LabelMap
            Vertebrae, sacrum, parts (body, posterior, canal), lesions (None on MR), names with their doubt.

        Raises
        ------
        ModelError
            ``no-model-for-modality`` for another modality than the networks'.
        InputRefused
            ``no-spine-found`` when no vertebra is found.
        """
        if volume.modality is not self.modality:
            raise _no_model(volume.modality)
        given = volume.grid
        volume = prepared(replace(volume, grid=upright(given)))
        regions = locate(volume, self.locate_net, settings)
        chain, patches = self._column(volume, regions, settings)
        clash = disagreeing(volume, (chain, patches), regions, settings)
        if volume.modality is Modality.MR and not is_spine(chain, patches, regions, settings):
            raise _no_spine("no column of vertebrae with the canal behind them is seen in this MR")
        if self.lesion_net is not None:
            patches = mark_lesions(volume, patches, self.lesion_net, settings)
        naming = name_column(as_found(chain, regions), surroundings(chain, regions), self.naming, settings)
        named = [(p, n) for p, n in zip(patches, naming.levels, strict=True) if n is not None]
        if not named:
            raise _no_spine("the network finds no vertebra in this scan")
        hu = volume.array if volume.modality is Modality.CT else None
        pasted = paste([patch for patch, _ in named], volume.grid, settings, hu)
        naming = replace(naming, caveats=(*naming.caveats, *clash_caveats(naming.levels, clash)))
        labels = self._labels(volume, pasted, [level for _, level in named], (regions, naming), settings)
        return replace(labels, grid=given)

    def _column(self, volume: Volume, regions: Regions, settings: SegmentationSettings) -> Column:
        """Bodies of the column by votes, by pedicles where votes smear, and between the discs seen then."""
        voted = column(vote(regions, settings), regions, settings)
        found = settle(volume, voted, regions, self.refine_net, settings)
        if irregularity(found[0]) > settings.irregular_spacing:
            again = by_rhythm(voted, regions, settings)
            found = settle(volume, again, regions, self.refine_net, settings)
        return by_discs(volume, found, regions, self.refine_net, settings)

    def _labels(
        self,
        volume: Volume,
        pasted: Pasted,
        levels: list[Level],
        found: tuple[Regions, Naming],
        settings: SegmentationSettings,
    ) -> LabelMap:
        """Put names on the pasted vertebrae and add sacrum and lesions."""
        regions, naming = found
        grid = volume.grid
        table = np.array([0, *(level.verse_id for level in levels)], dtype=np.uint8)
        array = table[pasted.index]
        add_sacrum(array, regions, grid)
        free = (array != Level.SACRUM.verse_id) | (pasted.index > 0)
        parts = np.where(free, pasted.parts, 0).astype(np.uint8)
        typed = volume.modality is Modality.CT
        ids, types = find_lesions(volume, pasted, settings) if typed else (None, None)
        counts = np.bincount(pasted.index.ravel(), minlength=len(levels) + 1)
        least = settings.vertebra_min_ml / grid.voxel_ml
        lost = tuple(level for n, level in enumerate(levels, 1) if counts[n] < least)
        return LabelMap(
            array=array,
            grid=grid,
            parts=parts,
            lesions=ids,
            lesion_types=types,
            names=tuple(d for d in naming.doubts if d.level not in lost),
            findings=(*naming.caveats, *_lost(lost), *(() if typed else MR_LIMITS)),
            engine=EngineId(self.name, self.version, self.weights_sha256),
            naming=NamingRecord(naming.best, naming.second),
        )


MR_LIMITS = (
    Caveat(
        "lesions-not-searched",
        "no network looks for lesions on MR: there may be some at every level; a reader's mask (--lesions) "
        "or CT decides",
    ),
    Caveat(
        "mr-parts-unproven",
        "on MR only the bodies were learned from real scans: posterior elements and canal come from drawn "
        "images, and cortical bone cannot be told from ligament",
    ),
)
"""What an MR leaves open."""


def add_sacrum(array: NDArray[np.uint8], regions: Regions, grid: Grid) -> None:
    """Write the coarse sacrum into free voxels of an array of VerSe ids (in place), on the image's grid."""
    probability = regions.probability[SACRUM]
    if float((probability >= 0.5).sum()) * regions.grid.voxel_ml < 5.0:  # less than 5 ml is no sacrum
        return
    fine = linear(probability, regions.grid, grid, 0.0)
    array[(fine >= 0.5) & (array == 0)] = Level.SACRUM.verse_id


def _lost(levels: tuple[Level, ...]) -> tuple[Caveat, ...]:
    """Say which located vertebrae got no mask."""
    if not levels:
        return ()
    names = ", ".join(map(str, levels))
    return (Caveat("vertebra-not-segmented", f"located but not segmented: {names}", levels),)


def _no_spine(why: str) -> InputRefused:
    """Build the refusal of a scan in which no spine is seen."""
    return InputRefused("no-spine-found", why, "choose another series, or give a mask with --labels")


def _no_model(modality: Modality) -> ModelError:
    """Build the refusal of a modality without a network."""
    return ModelError(
        "no-model-for-modality",
        f"no network for {modality.value} is installed",
        "give a mask with --labels",
    )


def load_engine(name: str | None, modality: Modality) -> Engine:
    """Load an engine with its weights, once.

    Parameters
    ----------
    name : str or None
        Model folder; None: the standard one of the modality.
    modality : Modality
        What it is to run on.

    Raises
    ------
    ModelError
        ``no-model-for-modality``, ``model-not-found``, ``model-damaged``.
    """
    if name is None:
        name = bundles.DEFAULT_MODELS[modality.value]
        try:
            folder = bundles.find_model(name)
        except ModelError as fault:
            if modality is Modality.CT:
                raise
            raise _no_model(modality) from fault
        return load_folder(folder, modality)
    return load_folder(bundles.find_model(name), modality)


def load_folder(folder: Path, modality: Modality) -> SpineEngine:
    """Load the engine of a bundle's folder, after verifying its files.

    Raises
    ------
    ModelError
        ``no-model-for-modality``, ``model-damaged``, ``model-not-found`` (the naming model).
    """
    bundle = bundles.read_bundle(folder)
    if bundle.modality != modality.value:
        raise _no_model(modality)
    bundles.verify(folder)
    naming = load_naming_model(beside_or_found(folder, bundles.NAMING_MODEL)).for_probabilities()
    nets = [load_network(folder / "models" / f"{part}.pt") for part in ("locate", "refine")]
    named = bundles.metadata(folder).get("lesions_by")
    lesions = None if named is None else beside_or_found(folder, str(named))
    if lesions is not None:
        bundles.verify(lesions)
    return SpineEngine(
        name=bundle.name,
        version=bundle.version,
        locate_net=nets[0],
        refine_net=nets[1],
        naming=naming,
        modality=modality,
        weights_sha256=bundles.weights_sha256(folder, *([] if lesions is None else [lesions])),
        lesion_net=None if lesions is None else load_network(lesions / "models" / "lesion.pt"),
    )


def beside_or_found(folder: Path, name: str) -> Path:
    """Folder of a further model: beside the bundle, or wherever models are looked for."""
    beside = folder.parent / name
    return beside if beside.is_dir() else bundles.find_model(name)


def load_network(path: Path) -> nn.Module:
    """Load one network: a checkpoint with ``state_dict`` and ``config`` (architecture and sizes).

    Raises
    ------
    ModelError
        ``model-damaged`` when the file is no such checkpoint.
    """
    import torch

    from spineimg.segmentation.networks import build_network

    try:
        blob: Any = torch.load(path, map_location="cpu", weights_only=True)
        config = blob["config"]
        net = build_network(str(config["arch"]), dict(config["kwargs"]))
        net.load_state_dict({key: value.float() for key, value in blob["state_dict"].items()})
    except (OSError, EOFError, RuntimeError, KeyError, TypeError, ValueError, UnpicklingError) as fault:
        raise ModelError(
            "model-damaged", f"weights cannot be loaded ({fault})", "fetch or export the model again", path
        ) from fault
    net.eval()
    for tensor in net.parameters():
        if tensor.ndim == 5:
            tensor.data = tensor.data.contiguous(memory_format=torch.channels_last_3d)
    return net
