#!/usr/bin/env python3
"""Write the CT or MR bundle from two training runs.

    scripts/export_bundle.py RUNS [--modality MR] [--out models/spine_ct] [--version 0.1.0]

RUNS holds locate/best.pt and refine/best.pt as scripts/train_locate.py and train_refine.py leave
them (MR: locate_mr/best.pt and refine_mr/best.pt), and for CT lesion/best.pt: a second run, or an earlier
checkpoint, of train_refine.py for the lesions. MR has no network for lesions.
Weights are stored as float16 (half the size) and used as float32; what that costs is printed.
The card (docs/README.md) and configs/inference.json are kept as they are.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spineimg import __version__
from spineimg.segmentation.bundles import DEFAULT_MODELS, LESION_MODEL, write_sums
from spineimg.segmentation.engine import load_network
from spineimg.segmentation.inputs import LOCATE_CLASSES, LOCATE_FIELDS, REFINE_CLASSES, REFINE_LESIONS

LIMIT_MB = 20.0


def shrink(source: Path, target: Path) -> dict[str, Any]:
    """Store a checkpoint's weights as float16, with its configuration; return the training record."""
    blob = torch.load(source, map_location="cpu", weights_only=True)
    config = {key: value for key, value in blob["config"].items() if key != "training_record"}
    state = {key: value.half() for key, value in blob["state_dict"].items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": state, "config": config}, target)
    full, half = load_network(source), load_network(target)
    with torch.inference_mode():
        channels = int(config["kwargs"]["channels_in"])
        probe = torch.randn(2, channels, 48, 48, 48, generator=torch.Generator().manual_seed(0))
        a, b = (net(probe)[:, : int(config["kwargs"]["classes"])] for net in (full, half))
    changed = float((a.argmax(1) != b.argmax(1)).float().mean())
    print(f"{target.name}: {target.stat().st_size / 1e6:.1f} MB, classes changed by float16: {changed:.2e}")
    return dict(blob["config"].get("training_record", {}))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path)
    parser.add_argument("--modality", choices=tuple(DEFAULT_MODELS), default="CT")
    parser.add_argument("--out", type=Path, help="default: the modality's folder in models/")
    parser.add_argument("--version", default=__version__)
    given = parser.parse_args()
    out = given.out or Path(__file__).parents[1] / "models" / DEFAULT_MODELS[given.modality]
    ending = {"CT": "", "MR": "_mr"}[given.modality]
    records = {
        name: shrink(given.runs / f"{name}{ending}" / "best.pt", out / "models" / f"{name}.pt")
        for name in ("locate", "refine")
    }
    about = metadata(given.version, records)
    if given.modality == "MR":
        about = as_mr(about)
    elif export_lesions(given.runs, out.parent / LESION_MODEL, given.version):
        about["lesions_by"] = LESION_MODEL
    (out / "configs").mkdir(parents=True, exist_ok=True)
    (out / "configs" / "metadata.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    write_sums(out)
    size = sum(p.stat().st_size for p in out.rglob("*") if p.is_file()) / 1e6
    if size > LIMIT_MB:
        raise SystemExit(f"the bundle has {size:.1f} MB, more than {LIMIT_MB:.0f}")
    print(f"{out}: {size:.1f} MB")


def as_mr(about: dict[str, Any]) -> dict[str, Any]:
    """Metadata of the MR bundle: no lesions, values of any scale, the licence of its training masks."""
    image = {"format": "magnitude", "modality": "MR", "dtype": "float32", "value_range": [0, 1]}
    about["network_data_format"]["inputs"]["image"] |= image
    return about | {
        "modality": "MR",
        "weights_licence": "GPL-3.0",
        "task": "locate, segment and name vertebrae on MR; lesions are not looked for",
    }


def export_lesions(runs: Path, folder: Path, version: str) -> bool:
    """Write the second network, for lesions alone, where RUNS holds lesion/best.pt; whether it does."""
    source = runs / "lesion" / "best.pt"
    if not source.is_file():
        return False
    record = shrink(source, folder / "models" / "lesion.pt")
    about = {
        "version": version,
        "modality": "CT",
        "weights_licence": "CC BY-SA 4.0",
        "task": "mark lytic and blastic lesions of one vertebra; used by spine_ct",
        "intended_use": "research; no medical device",
        "training": record,
    }
    (folder / "configs").mkdir(parents=True, exist_ok=True)
    (folder / "configs" / "metadata.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    write_sums(folder)
    return True


def metadata(version: str, records: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "version": version,
        "modality": "CT",
        "weights_licence": "CC BY-SA 4.0",
        "task": "locate, segment and name vertebrae on CT; mark lytic and blastic lesions",
        "description": "Two small networks (3 mm, then 1.5 mm a vertebra), a sequence model for the names",
        "authors": "the spineimg developers",
        "copyright": "the spineimg developers and the owners of the training data (docs/README.md)",
        "intended_use": "research; no medical device",
        "monai_version": "1.5",
        "pytorch_version": torch.__version__,
        "numpy_version": np.__version__,
        "required_packages_version": {"spineimg": __version__},
        "changelog": {version: "exported by scripts/export_bundle.py"},
        "network_data_format": {
            "inputs": {
                "image": {
                    "type": "image", "format": "hounsfield", "modality": "CT", "num_channels": 1,
                    "spatial_shape": ["*", "*", "*"], "dtype": "int16", "value_range": [-1024, 3071],
                }
            },
            "outputs": {
                "pred": {
                    "type": "image", "format": "labels", "num_channels": 1, "dtype": "uint8",
                    "channel_def": {"1-7": "C1-7", "8-19": "T1-12", "20-25": "L1-6", "26": "sacrum"},
                }
            },
        },
        "locate": {"classes": list(LOCATE_CLASSES), "fields": list(LOCATE_FIELDS)},
        "refine": {"classes": list(REFINE_CLASSES), "lesions": list(REFINE_LESIONS)},
        "training": records,
    }  # fmt: skip


if __name__ == "__main__":
    main()
