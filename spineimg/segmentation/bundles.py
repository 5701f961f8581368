"""Model folders (MONAI bundles): where they are, whether they are whole, installing and exporting them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spineimg.core.errors import EnvironmentFault, ModelError, UsageError

DEFAULT_MODEL = "spine_ct"
DEFAULT_MODELS = {"CT": DEFAULT_MODEL, "MR": "spine_mr"}
NAMING_MODEL = "naming"
LESION_MODEL = "lesion_ct"
SUMS = "SHA256SUMS"


@dataclass(frozen=True, slots=True)
class Bundle:
    """One installed model.

    Parameters
    ----------
    name, version : str
        As in ``configs/metadata.json``.
    folder : Path
        Where it lies.
    modality : str
        CT or MR.
    licence : str
        Licence of the weights.
    size_mb : float
        Size of all its files.
    """

    name: str
    version: str
    folder: Path
    modality: str
    licence: str
    size_mb: float


def model_folders() -> tuple[Path, ...]:
    """Folders that are searched for models, in order.

    ``SPINEIMG_MODELS`` (alone, when set); else the user's data folder, the clone's ``models/``,
    and what a plain installation put into the package.
    """
    given = os.environ.get("SPINEIMG_MODELS")
    if given:
        return (Path(given),)
    package = Path(__file__).parents[1]
    return (user_folder(), package.parent / "models", package / "models")


def user_folder() -> Path:
    """Give the user's own model folder (``XDG_DATA_HOME`` is heeded)."""
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "spineimg" / "models"


def find_model(name: str) -> Path:
    """Folder of a model by name.

    Raises
    ------
    ModelError
        ``model-not-found`` with the folders that were searched.
    """
    searched = model_folders()
    for folder in searched:
        if (folder / name).is_dir():
            return folder / name
    raise ModelError(
        "model-not-found",
        f"no model {name!r} in {', '.join(map(str, searched))}",
        "set SPINEIMG_MODELS to the folder that holds it, or run: spineimg models install FOLDER",
    )


def list_models() -> tuple[Bundle, ...]:
    """All models that can be run, each name once (the first found)."""
    found: dict[str, Bundle] = {}
    for folder in model_folders():
        for path in sorted(folder.glob("*/configs/metadata.json")):
            bundle = read_bundle(path.parents[1])
            found.setdefault(bundle.name, bundle)
    return tuple(found.values())


def read_bundle(folder: Path) -> Bundle:
    """Read what a bundle says about itself.

    Raises
    ------
    ModelError
        ``model-damaged`` when ``configs/metadata.json`` is missing or not complete.
    """
    meta = metadata(folder)
    try:
        return Bundle(
            name=folder.name,
            version=str(meta["version"]),
            folder=folder,
            modality=str(meta["modality"]),
            licence=str(meta["weights_licence"]),
            size_mb=sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6,
        )
    except KeyError as fault:
        raise _damaged(folder, f"metadata.json lacks {fault}") from fault


def metadata(folder: Path) -> dict[str, Any]:
    """Read ``configs/metadata.json``.

    Raises
    ------
    ModelError
        ``model-damaged`` when it is missing or no JSON object.
    """
    try:
        raw = json.loads((folder / "configs" / "metadata.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise _damaged(folder, f"configs/metadata.json cannot be read ({fault})") from fault
    if not isinstance(raw, dict):
        raise _damaged(folder, "configs/metadata.json is no JSON object")
    return raw


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def weights_sha256(*folders: Path) -> str:
    """One SHA-256 for all weights of some bundles: over their lines of ``SHA256SUMS`` in ``models/``."""
    lines = sorted(line for folder in folders for line in _sums(folder) if line[1].startswith("models/"))
    return hashlib.sha256("\n".join(f"{digest}  {name}" for digest, name in lines).encode()).hexdigest()


def verify(folder: Path) -> None:
    """Compare every file of a bundle with its ``SHA256SUMS``.

    Raises
    ------
    ModelError
        ``model-damaged`` naming the first file that is missing or differs.
    """
    for digest, name in _sums(folder):
        path = folder / name
        if not path.is_file():
            raise _damaged(folder, f"{name} is missing")
        if file_sha256(path) != digest:
            raise _damaged(folder, f"{name} differs from {SUMS}")


def write_sums(folder: Path) -> None:
    """Write ``SHA256SUMS`` over all files of a bundle."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != SUMS)
    lines = [f"{file_sha256(p)}  {p.relative_to(folder).as_posix()}" for p in files]
    (folder / SUMS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def install(source: Path) -> Path:
    """Copy a bundle (after verifying it) into the user's model folder.

    Returns
    -------
    Path
        Where it lies now.

    Raises
    ------
    UsageError
        ``model-exists`` when a model of that name is there already.
    """
    return export(source, user_folder())


def export(source: Path, into: Path) -> Path:
    """Copy a verified bundle into a folder, whole or not at all.

    Raises
    ------
    UsageError
        ``model-exists`` when the target is there already.
    EnvironmentFault
        ``cannot-write`` when the folder cannot be written.
    """
    read_bundle(source)
    verify(source)
    target = into / source.resolve().name
    if target.exists():
        raise UsageError("model-exists", f"{target} exists", "remove it or choose another folder", target)
    part = into / f".{target.name}.part"
    try:
        into.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(source, part)
        part.rename(target)
    except OSError as fault:
        shutil.rmtree(part, ignore_errors=True)
        raise EnvironmentFault(
            "cannot-write", f"cannot write the model ({fault})", "check space and permission", into
        ) from fault
    return target


def _sums(folder: Path) -> list[tuple[str, str]]:
    """Digest and name of each line of ``SHA256SUMS``."""
    try:
        text = (folder / SUMS).read_text(encoding="utf-8")
    except OSError as fault:
        raise _damaged(folder, f"{SUMS} cannot be read") from fault
    pairs = [line.split("  ", 1) for line in text.splitlines() if line.strip()]
    if not pairs or any(len(p) != 2 for p in pairs):
        raise _damaged(folder, f"{SUMS} is empty or not in its form")
    return [(p[0], p[1]) for p in pairs]


def _damaged(folder: Path, what: str) -> ModelError:
    """Build the error for a bundle that cannot be trusted."""
    return ModelError("model-damaged", f"model {folder.name}: {what}", "fetch or export it again", folder)
