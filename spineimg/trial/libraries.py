"""The statistics libraries are an extra; without them the error says how to get them."""

from __future__ import annotations

import importlib
from types import ModuleType

from spineimg.core.errors import EnvironmentFault


def library(name: str) -> ModuleType:
    """Import a module of the extra ``[trial]``.

    Parameters
    ----------
    name : str
        Dotted module name, e.g. ``lifelines``.

    Raises
    ------
    EnvironmentFault
        ``trial-libraries-missing``.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise EnvironmentFault(
            "trial-libraries-missing",
            f"the trial analysis needs {name.partition('.')[0]}, which cannot be imported ({error})",
            'install the extra: pip install "spineimg[trial]"',
        ) from error


def program(name: str) -> str:
    """Name and version of a library, as the analyses' ``library`` field gives it."""
    return f"{name} {getattr(library(name), '__version__', '?')}"
