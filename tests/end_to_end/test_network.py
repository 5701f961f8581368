"""The shipped network on the shipped sample: drawn anatomy whose truth is known by construction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spineimg.core.case import Case
from spineimg.core.levels import Level
from spineimg.pipeline.analyse import analyse
from spineimg.pipeline.request import Request

SAMPLE = Path(__file__).parents[2] / "sample_dicom" / "case01"
NEAR_MM = 10.0


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    out = tmp_path_factory.mktemp("network") / "case"
    return analyse(Request(SAMPLE / "baseline", pain=("L1=mechanical",)), out)


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((SAMPLE / "truth.json").read_text())["baseline"]
    return content


def test_whole_vertebrae_are_found_and_named_or_their_name_is_said_to_be_open(
    case: Case, truth: dict[str, Any]
) -> None:
    whole = [v for v in truth["measurements"]["vertebrae"] if v["complete"] and Level(v["level"]).is_vertebra]
    ours = [v for v in case.measurements.vertebrae if v.level.is_vertebra]
    found = 0
    for vertebra in whole:
        gaps = [np.linalg.norm(np.subtract(v.centre_lps_mm, vertebra["centre_lps_mm"])) for v in ours]
        nearest = ours[int(np.argmin(gaps))]
        if min(gaps) <= NEAR_MM:
            found += 1
            assert Level(vertebra["level"]) in nearest.name_possible
    assert found >= 0.8 * len(whole)


def test_both_lesions_are_found_with_their_quality(case: Case) -> None:
    scores = {score.level: score for score in case.scores.levels}
    assert scores[Level.L1].components.bone_lesion.possible == (2,), "lytic"
    assert scores[Level.T10].components.bone_lesion.possible == (0,), "blastic"


def test_the_truth_lies_in_what_the_scores_allow(case: Case, truth: dict[str, Any]) -> None:
    ours = {score.level: score for score in case.scores.levels}
    for level in truth["sins"]["levels"]:
        score = ours[Level(level["level"])]
        for name, component in score.components.items():
            if name != "pain":
                assert set(level["components"][name]["possible"]) <= set(component.possible), (
                    score.level,
                    name,
                )
