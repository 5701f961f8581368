"""Checks that this machine has what the program needs."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

NEEDED_MEMORY_GB = 4.0
NEEDED_DISK_GB = 1.0
PACKAGES = (
    "numpy",
    "scipy",
    "scikit-image",
    "pydicom",
    "SimpleITK",
    "nibabel",
    "pydantic",
    "matplotlib",
    "torch",
)
CODECS = {"openjpeg": "JPEG 2000", "jpeg_ls": "JPEG-LS", "gdcm": "JPEG and JPEG lossless"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    good: bool
    found: str
    remedy: str = ""


def check_all() -> tuple[Check, ...]:
    """Every check, in the order of a user's questions."""
    return (
        _python(),
        *(_package(name) for name in PACKAGES),
        *(_codec(module, what) for module, what in CODECS.items()),
        *_networks(),
        _cores(),
        _memory(),
        _disk(),
        _config_folder(),
    )


def _python() -> Check:
    version = platform.python_version()
    return Check("python", sys.version_info >= (3, 11), version, "install python 3.11 or newer")


def _package(name: str) -> Check:
    try:
        return Check(name, good=True, found=importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name, good=False, found="missing", remedy=f"pip install {name}")


def _codec(module: str, what: str) -> Check:
    there = importlib.util.find_spec(module) is not None
    found = "installed" if there else "missing"
    return Check(f"codec {what}", there, found, "install spineimg with all its dependencies")


def _networks() -> tuple[Check, ...]:
    from spineimg.core.errors import SpineimgError
    from spineimg.segmentation import bundles

    found = bundles.list_models()
    if not found:
        return (
            Check("networks", good=False, found="none", remedy="set SPINEIMG_MODELS or install a bundle"),
        )
    checks = []
    for bundle in found:
        try:
            bundles.verify(bundle.folder)
        except SpineimgError as error:
            checks.append(
                Check(f"network {bundle.name}", good=False, found=error.message, remedy=error.remedy)
            )
        else:
            checks.append(
                Check(f"network {bundle.name}", good=True, found=f"version {bundle.version}, files intact")
            )
    return tuple(checks)


def _cores() -> Check:
    return Check("cores", good=True, found=str(len(os.sched_getaffinity(0))))


def _memory() -> Check:
    import psutil

    free = psutil.virtual_memory().available / 2**30
    return Check(
        "free memory", free >= NEEDED_MEMORY_GB, f"{free:.1f} GiB", f"{NEEDED_MEMORY_GB:.0f} GiB are needed"
    )


def _disk() -> Check:
    free = shutil.disk_usage(tempfile.gettempdir()).free / 2**30
    return Check("free disk", free >= NEEDED_DISK_GB, f"{free:.1f} GiB", "free some space")


def _config_folder() -> Check:
    from spineimg.storage.keys import config_folder

    folder: Path = config_folder()
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return Check(
        "config folder", os.access(place, os.W_OK), str(folder), "set SPINEIMG_CONFIG to a folder you own"
    )
