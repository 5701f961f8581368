"""What a bundle's ``configs/inference.json`` calls: one image file in, one label file out."""

from __future__ import annotations

from pathlib import Path

from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Modality
from spineimg.segmentation.engine import load_folder
from spineimg.storage.nifti import read_volume, write_mask


def label_file(bundle_root: str, image: str, output: str) -> str:
    """Label one NIfTI CT with the bundle.

    Parameters
    ----------
    bundle_root : str
        Folder of the bundle.
    image : str
        NIfTI CT in HU.
    output : str
        Label file to write: uint8, VerSe ids, on the image's grid.

    Returns
    -------
    str
        The output path.
    """
    engine = load_folder(Path(bundle_root), Modality.CT)
    labels = engine(read_volume(Path(image), Modality.CT), SegmentationSettings())
    write_mask(labels.array, labels.grid, Path(output))
    return output
