"""spineimg: spinal metastases on CT and MRI, scored with evidence and followed over time."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Caveat": "core.labelmap",
    "Case": "core.case",
    "Correction": "pipeline.rescore",
    "Estimate": "core.estimate",
    "Evidence": "core.scores",
    "Grid": "core.grid",
    "LabelMap": "core.labelmap",
    "Level": "core.levels",
    "Measurements": "core.measurements",
    "Possible": "core.estimate",
    "Request": "pipeline.request",
    "Settings": "core.settings",
    "SinsScores": "core.scores",
    "SpineimgError": "core.errors",
    "Track": "core.track",
    "Volume": "core.volume",
    "analyse": "pipeline.analyse",
    "explain_level": "pipeline.explain",
    "follow": "pipeline.follow",
    "read": "pipeline.reading",
    "read_case": "storage.casefolder",
    "rescore": "pipeline.rescore",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    """Import a public name on first use: `import spineimg` itself costs next to nothing."""
    if name in _PUBLIC:
        return getattr(import_module(f"spineimg.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'spineimg' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
