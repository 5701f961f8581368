"""A protocol of quite another trial, from its file to its tables: nothing of the first one is in the code."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from spineimg.core.errors import InputRefused
from spineimg.core.settings import Settings
from spineimg.trial.run import run_trial
from spineimg.trial.sample_cohort import simulate_patients, write_cohort
from spineimg.trial.simulation import Hazards
from tests.trial.conftest import write_table

PROTOCOL = """
schema = "spineimg/protocol/1"

[trial]
id = "OTHER-1"
title = "Fracture after radiotherapy of spinal metastases, any primary, men and women"

[[criteria]]
name = "adult"
text = "18 to 90 years"
rule = "age"
low_years = 18
high_years = 90

[[criteria]]
name = "primary"
text = "primary in prostate, lung or breast"
rule = "column"
column = "primary_site"
met = ["prostate", "lung", "breast"]

[[criteria]]
name = "sins"
text = "a scored level with SINS 4 to 18"
rule = "index_level"

[index_level]
total_low = 4
total_high = 18

[visits]
every_days = 180
window_days = 60
last_day = 720

[endpoints]
competing_procedures = ["surgery"]

[[covariates]]
name = "location"
source = "component"
component = "location"

[[covariates]]
name = "bone_drug_before"
source = "column"
column = "bone_drug_before"
values = "yes_no"
"""
SITES = ("prostate", "lung", "kidney", "")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated cohort whose clinical table has the two columns of the other trial."""
    out = tmp_path_factory.mktemp("other") / "sample"
    write_cohort(simulate_patients(24, 5, Hazards(year_hazard=0.6)), out, 5)
    with (out / "clinical.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for place, row in enumerate(rows):
        row["primary_site"] = SITES[place % len(SITES)]
        row["bone_drug_before"] = ("yes", "no")[place // 4 % 2]
    write_table(out / "clinical.csv", rows)
    (out / "other.toml").write_text(PROTOCOL, encoding="utf-8")
    return out


def test_another_trial_runs_from_end_to_end(cohort: Path, quick: Settings, tmp_path: Path) -> None:
    out = tmp_path / "trial"
    run_trial(
        cohort / "cases", cohort / "clinical.csv", cohort / "events.csv", cohort / "other.toml", out, quick
    )
    record = json.loads((out / "trial.json").read_text(encoding="utf-8"))
    assert record["protocol"]["trial"]["id"] == "OTHER-1"
    assert {len(p["eligibility"]) for p in record["patients"]} == {3}
    verdicts = {
        p["patient_key"]: {e["criterion"]: e["verdict"] for e in p["eligibility"]} for p in record["patients"]
    }
    with (cohort / "clinical.csv").open(encoding="utf-8", newline="") as file:
        sites = {row["patient_key"]: row["primary_site"] for row in csv.DictReader(file)}
    meaning = {"prostate": "met", "lung": "met", "kidney": "not_met", "": "unknown"}
    assert {key: one["primary"] for key, one in verdicts.items()} == {k: meaning[v] for k, v in sites.items()}
    assert record["index_levels"]
    assert all(x["baseline_total"]["low"] >= 4 for x in record["index_levels"])
    assert {sites[x["patient_key"]] for x in record["index_levels"]} == {"prostate", "lung"}
    windows = {v["window"] for p in record["patients"] for v in p["visits"]}
    assert windows <= {"baseline", "day-180", "day-360", "day-540", "day-720", None}
    with (out / "cox.csv").open(encoding="utf-8", newline="") as file:
        assert {row["covariate"] for row in csv.DictReader(file)} == {"location", "bone_drug_before"}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "OTHER-1" in page
    assert "NCT03365973" not in page


def test_the_table_of_one_trial_under_the_protocol_of_another_is_refused(
    cohort: Path, quick: Settings, tmp_path: Path
) -> None:
    """The first trial's protocol knows no primary site; the other's needs it."""
    files = cohort / "cases", cohort / "clinical.csv", None
    with pytest.raises(InputRefused) as caught:
        run_trial(*files, None, tmp_path / "a", quick)
    assert caught.value.code == "unknown-column"
    assert "primary_site" in caught.value.message
    assert caught.value.remedy
    assert not (tmp_path / "a").exists()
