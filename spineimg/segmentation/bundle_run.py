"""What a bundle's ``configs/inference.json`` calls: one image file in, one label file out."""

from __future__ import annotations

from pathlib import Path

from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.volume import Modality
from spineimg.segmentation.bundles import read_bundle
from spineimg.segmentation.engine import load_folder
from spineimg.storage.nifti import read_volume, write_mask


def label_file(bundle_root: str, image: str, output: str) -> str:
    """Label one NIfTI of the bundle's modality.

    Parameters
    ----------
    bundle_root : str
        Folder of the bundle.
    image : str
        NIfTI: CT in HU, or MR.
    output : str
        Label file to write: uint8, VerSe ids, on the image's grid.

    Returns
    -------
    str
        The output path.
    """
    modality = Modality(read_bundle(Path(bundle_root)).modality)
    engine = load_folder(Path(bundle_root), modality)
    labels = engine(read_volume(Path(image), modality), SegmentationSettings())
    write_mask(labels.array, labels.grid, Path(output))
    return output
