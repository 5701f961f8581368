"""Put models/ into the package of a plain installation; everything else stands in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

MODELS = Path(__file__).parent / "models"


class BuildWithModels(build_py):
    """Modules with the model folders beside them (an editable install finds the clone's)."""

    def run(self) -> None:
        """Build the modules and copy the models."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "spineimg" / "models"
            shutil.copytree(MODELS, target, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithModels})
