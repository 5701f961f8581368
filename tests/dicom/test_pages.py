"""The pages that describe reading say what the program does."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

from spineimg.dicom.refusal import REMEDIES

ROOT = Path(__file__).parents[2]
RAISED = re.compile(
    r"\b(?:UsageError|InputRefused|ModelError|EnvironmentFault|SpineimgError|Repair|Caveat|refuse)"
    r"\(\s*\"([a-z0-9]+(?:-[a-z0-9]+)+)\""
)


def test_the_examples_of_coordinates_run() -> None:
    result = doctest.testfile(str(ROOT / "docs" / "coordinates.md"), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0


def test_every_code_of_the_program_is_documented() -> None:
    source = [path.read_text(encoding="utf-8") for path in (ROOT / "spineimg").rglob("*.py")]
    raised = {code for text in source for code in RAISED.findall(text)} | set(REMEDIES)
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| ([a-z0-9]+(?:-[a-z0-9]+)+) \|", page, re.M)
    assert len(raised) > 80
    assert sorted(raised - set(listed)) == [], "document these codes in docs/errors.md"
    assert len(listed) == len(set(listed))


def test_every_listed_code_is_one_of_the_program() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "spineimg").rglob("*.py"))
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| ([a-z0-9]+(?:-[a-z0-9]+)+) \|", page, re.M)
    assert [code for code in listed if f'"{code}"' not in text] == []
