"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of shared reference data (real scans, tables); tests that need it skip where it is absent."""
    for folder in (os.environ.get("SPINEIMG_SHARED"), Path(__file__).parents[2] / "shared"):
        if folder and Path(folder).is_dir():
            return Path(folder)
    if os.environ.get("CI"):
        pytest.fail("CI needs the shared data beside the checkout")
    pytest.skip("shared reference data not found; set SPINEIMG_SHARED to its folder")
