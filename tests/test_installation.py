"""What a plain installation (no clone beside it) brings along."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIND = """
from spineimg.segmentation import bundles
import spineimg
print(spineimg.__file__)
for bundle in bundles.list_models():
    bundles.verify(bundle.folder)
    print(bundle.folder)
print(bundles.find_model("naming"))
"""


def test_a_built_package_finds_its_models_without_the_clone(tmp_path: Path) -> None:
    build = ["setup.py", "-q", "egg_info", "-e", str(tmp_path), "build_py", "-d", str(tmp_path)]
    subprocess.run([sys.executable, *build], cwd=ROOT, check=True, capture_output=True)
    environment = {k: v for k, v in os.environ.items() if k != "SPINEIMG_MODELS"}
    environment |= {"PYTHONPATH": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "none")}
    command = [sys.executable, "-c", FIND]
    out = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, env=environment)
    lines = out.stdout.split("\n")
    assert Path(lines[0]).is_relative_to(tmp_path)
    shipped = {path.name for path in (ROOT / "models").iterdir() if path.is_dir()}
    assert {Path(line).name for line in lines[1:] if line} == shipped
    assert all(Path(line).is_relative_to(tmp_path) for line in lines if line)
