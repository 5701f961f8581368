"""Cases kept on disk (making one costs more than measuring it), and result files with one line a case."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import itertools
import json
import pickle
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from painted.rules import score

import spineimg
from sins_benchmark.cases import Case, make_case
from spineimg.core.labelmap import LabelMap, Part
from spineimg.core.levels import Level
from spineimg.segmentation.bundles import DEFAULT_MODELS, NAMING_MODEL, find_model, metadata, weights_sha256
from spineimg.segmentation.engine import beside_or_found

ROOMS = ("measurement", "scoring", "core")
"""Code that the figures are about: its digest stands in every line."""


NETWORK_ROOMS = (*ROOMS, "segmentation")
"""The same where the masks are the network's own; its weights count too."""


@functools.cache
def code_digest(rooms: tuple[str, ...] = ROOMS) -> str:
    """Eight hexadecimal digits of the measured code, and of the weights where networks made the masks."""
    digest = hashlib.sha256()
    if "segmentation" in rooms:
        found = find_model(DEFAULT_MODELS["CT"])
        lesions, naming = (
            beside_or_found(found, str(name)) for name in (metadata(found)["lesions_by"], NAMING_MODEL)
        )
        digest.update(weights_sha256(found, lesions).encode())
        for file in sorted(naming.glob("*.json")):
            digest.update(file.read_bytes())
    for room in rooms:
        for file in sorted((Path(spineimg.__file__).parent / room).rglob("*.*")):
            if file.suffix in (".py", ".csv"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:8]


def kept_case(number: int, folder: Path) -> Case:
    """The case from disk, or made now and kept."""
    file = folder / f"{number:05d}.pkl"
    if file.exists():
        with file.open("rb") as stream:
            return as_seen(pickle.load(stream))
    case = make_case(number)
    folder.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".part")
    with partial.open("wb") as stream:
        pickle.dump(case, stream)
    partial.rename(file)
    return as_seen(case)


def as_seen(case: Case) -> Case:
    """The case with its truth judged anew; a body that the field of view cuts is no longer called whole."""
    exact = case.truth["measurements"]
    cut = _cut_bodies(case.labels)
    seen = [v | {"complete": False} if v["level"] in cut else v for v in exact["vertebrae"]]
    exact = {**exact, "vertebrae": seen}
    return dataclasses.replace(case, truth={"measurements": exact, "sins": score(exact, case.pain)})


def _cut_bodies(labels: LabelMap) -> set[str]:
    """Names of the levels whose body reaches the border of the image."""
    found: set[int] = set()
    for axis, end in itertools.product(range(3), (0, -1)):
        numbers = np.moveaxis(labels.array, axis, 0)[end]
        if labels.parts is not None:
            numbers = numbers[np.moveaxis(labels.parts, axis, 0)[end] == Part.BODY]
        found |= set(np.unique(numbers).tolist())
    return {str(Level.from_verse_id(number)) for number in found - {0}}


def lines(file: Path) -> list[dict[str, Any]]:
    """Lines of a result file that were made by the newest code in it, by number."""
    if not file.exists():
        return []
    every = [json.loads(line) for line in file.read_text().splitlines()]
    newest = every[-1]["code"] if every else ""
    return sorted((x for x in every if x["code"] == newest), key=lambda x: int(x["number"]))


def fill(
    file: Path,
    numbers: Iterable[int],
    minutes: float,
    one: Callable[[int], dict[str, Any]],
    rooms: tuple[str, ...] = ROOMS,
) -> None:
    """Append the lines that this code (of these rooms) has not made yet, until the time is over."""
    code = code_digest(rooms)
    file.parent.mkdir(parents=True, exist_ok=True)
    every = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    done = {x["number"] for x in every if x["code"] == code}
    until = time.monotonic() + 60 * minutes
    with file.open("a", encoding="utf-8") as out:
        for number in numbers:
            if number in done:
                continue
            if time.monotonic() > until:
                break
            out.write(json.dumps({"code": code, **one(number)}) + "\n")
            out.flush()
