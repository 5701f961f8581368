"""The whole trial on a simulated cohort: outcomes as simulated, files as in the contract."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from numpy.testing import assert_allclose

from spineimg.core.errors import EnvironmentFault, InputRefused, UsageError
from spineimg.core.settings import Settings
from spineimg.storage.records import dump_json, load_scores
from spineimg.trial import libraries
from spineimg.trial.redcap import HEADER
from spineimg.trial.run import run_trial
from spineimg.trial.sample_cohort import simulate_patients, write_cohort
from spineimg.trial.sample_rows import with_real_life
from spineimg.trial.schema import json_schema, published_schema, schema_text
from spineimg.trial.simulation import Hazards
from tests.trial.conftest import CohortFolder, changed_score, level, patient

FILES = {
    "trial.json",
    "kaplan_meier.csv",
    "cumulative_incidence.csv",
    "cox.csv",
    "agreement.csv",
    "report.html",
    "levels.csv",
    "dictionary.csv",
    "redcap_dictionary.csv",
    "redcap_import.csv",
}
"""What the contract names; there are more."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated cohort of 40 patients with many fractures."""
    out = tmp_path_factory.mktemp("cohort") / "sample"
    write_cohort(simulate_patients(40, 3, Hazards(year_hazard=0.4)), out, 3)
    return out


@pytest.fixture(scope="module")
def result(sample: Path, quick: Settings) -> Path:
    """Its trial folder."""
    out = sample.parent / "trial"
    run_trial(sample / "cases", sample / "clinical.csv", sample / "events.csv", None, out, quick)
    return out


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main_rows(folder: Path, name: str, unit: str = "level") -> list[dict[str, str]]:
    chosen = {"endpoint": "new_or_progression", "population": "eligible", "unit": unit}
    return [r for r in rows(folder, name) if all(r[k] == v for k, v in chosen.items())]


def record(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "trial.json").read_text(encoding="utf-8"))


def main_outcomes(folder: Path) -> list[dict[str, Any]]:
    return [o for o in record(folder)["outcomes"] if o["endpoint"] == "new_or_progression"]


def test_outcomes_are_those_that_were_simulated(sample: Path, result: Path) -> None:
    truth = {(t["patient_key"], t["level"]): t for t in json.loads((sample / "truth.json").read_text())}
    index = {key for key, t in truth.items() if 7 <= t["total"] <= 12}
    found = {(o["patient_key"], o["level"]): o for o in main_outcomes(result)}
    assert set(found) == index
    for key, outcome in found.items():
        for name in ("status", "left_days", "right_days"):
            assert outcome[name] == truth[key][name], key


def test_every_file_of_the_contract_is_there_and_valid(result: Path) -> None:
    assert {p.name for p in result.iterdir()} >= FILES
    assert (result / "levels.parquet").exists()
    content = record(result)
    jsonschema.validate(content, json_schema())
    assert list(content) == [
        "schema",
        "protocol",
        "patients",
        "index_levels",
        "outcomes",
        "analyses",
        "problems",
    ]
    assert content["schema"] == "spineimg/trial/1"
    assert content["problems"] == []
    assert all((result / a["table"]).exists() for a in content["analyses"] if a["table"])


def test_the_published_schema_is_the_one_of_the_record() -> None:
    assert published_schema() == schema_text()


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("kaplan_meier.csv", ["time_days", "at_risk", "events", "estimate", "low", "high"]),
        ("cumulative_incidence.csv", ["cause", "time_days", "at_risk", "estimate", "low", "high"]),
        ("cox.csv", ["covariate", "coefficient", "robust_se", "hazard_ratio", "low", "high", "p"]),
    ],
)
def test_tables_have_the_columns_of_the_contract(result: Path, name: str, columns: list[str]) -> None:
    found = rows(result, name)
    assert list(found[0]) == ["endpoint", "population", "unit", *columns]
    assert [found[0][c] for c in ("endpoint", "population", "unit")] == [
        "new_or_progression",
        "eligible",
        "level",
    ]
    for column in ("time_days", "estimate", "coefficient", "robust_se"):
        assert all(np.isfinite(float(r[column])) for r in found if column in r)


def test_kaplan_meier_is_lifelines_on_the_outcomes(result: Path) -> None:
    """Without event a level is censored at its last complete scan, death or not."""
    lifelines = pytest.importorskip("lifelines")
    outcomes = main_outcomes(result)
    event = [o["status"] == "event" for o in outcomes]
    time = [o["right_days"] if e else o["left_days"] for o, e in zip(outcomes, event, strict=True)]
    fitter = lifelines.KaplanMeierFitter().fit(time, event)
    for row in main_rows(result, "kaplan_meier.csv"):
        day = float(row["time_days"])
        assert_allclose(float(row["estimate"]), fitter.survival_function_.loc[day].iloc[0], atol=1e-9)
        assert int(row["at_risk"]) == sum(t >= day for t in time)


def test_competing_risks_count_at_their_own_date(result: Path) -> None:
    """Aalen-Johansen of lifelines on times made distinct (by less than a day), so that it breaks no ties."""
    lifelines = pytest.importorskip("lifelines")
    outcomes = main_outcomes(result)
    code = np.array([{"event": 1, "competing": 2, "censored": 0}[o["status"]] for o in outcomes])
    time = np.array([o["right_days"] if c else o["left_days"] for o, c in zip(outcomes, code, strict=True)])
    found = [r for r in main_rows(result, "cumulative_incidence.csv") if r["cause"] == "event"]
    ties = len(time) - len(set(time.tolist()))
    assert ties > 5
    # Events first, then competing, then censored within a day, each at its own instant.
    order = np.lexsort((np.where(code == 0, 3, code), time))
    instant = time[order] + np.linspace(1e-7, 2e-5, len(order))
    fitter = lifelines.AalenJohansenFitter(calculate_variance=False).fit(
        instant, code[order], event_of_interest=1
    )
    last = float(fitter.cumulative_density_.iloc[-1, 0])
    assert_allclose(float(found[-1]["estimate"]), last, rtol=0.02)  # breaking ties moves it a little
    assert {r["cause"] for r in main_rows(result, "cumulative_incidence.csv")} >= {"event", "death"}


def test_cox_has_the_covariates_of_the_protocol(result: Path) -> None:
    found = {r["covariate"]: r for r in main_rows(result, "cox.csv")}
    assert list(found) == ["total_sins", "age", "body_involvement", "radiotherapy"]
    for row in found.values():
        assert_allclose(np.exp(float(row["coefficient"])), float(row["hazard_ratio"]), rtol=1e-8)
        assert float(row["low"]) < float(row["hazard_ratio"]) < float(row["high"])
    analysis = next(a for a in record(result)["analyses"] if a["name"] == "cox")
    assert "fewer than 10" in analysis["method"]


def test_every_column_of_every_table_is_in_the_dictionary(result: Path) -> None:
    known = {(r["table"], r["column"]) for r in rows(result, "dictionary.csv")}
    for path in result.glob("*.csv"):
        if path.name.startswith(("dictionary", "redcap")):
            continue
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        assert {(path.name, column) for column in header} <= known, path.name


def test_redcap_files_fit_each_other(result: Path) -> None:
    with (result / "redcap_dictionary.csv").open(encoding="utf-8", newline="") as file:
        assert tuple(next(csv.reader(file))) == HEADER
    fields = {r[HEADER[0]]: r for r in rows(result, "redcap_dictionary.csv")}
    imported = rows(result, "redcap_import.csv")
    assert set(imported[0]) - set(fields) == {"redcap_repeat_instrument", "redcap_repeat_instance"}
    for name, field in fields.items():
        assert name.isidentifier() and name == name.lower() and len(name) <= 26
        choices = {c.split(",")[0].strip() for c in field[HEADER[5]].split("|")} if field[HEADER[5]] else None
        assert choices is None or {r[name] for r in imported} - {""} <= choices
    assert {r["record_id"] for r in imported} == {r["patient_key"] for r in rows(result, "levels.csv")}


def test_each_level_is_traceable(sample: Path, result: Path) -> None:
    for row in rows(result, "levels.csv"):
        assert (sample / "cases" / row["case"] / "case.json").exists()
        assert row["series_uid"] and row["engine_name"] and row["spineimg_version"]


def test_parquet_and_csv_hold_the_same(result: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(result / "levels.parquet").to_pylist()
    text = rows(result, "levels.csv")
    assert len(table) == len(text)
    for a, b in zip(table, text, strict=True):
        assert a["level"] == b["level"]
        assert ("" if a["new_left_days"] is None else str(a["new_left_days"])) == b["new_left_days"]


def test_the_report_is_one_file_with_flow_curves_and_numbers_at_risk(result: Path) -> None:
    page = (result / "report.html").read_text(encoding="utf-8")
    for words in (
        "NCT03365973",
        "patients with a usable scan",
        "At risk (levels)",
        "cmprsk",
        "grouped by patient_key",
    ):
        assert words in page
    assert "<script" not in page
    assert 'src="http' not in page and "@import" not in page


def test_two_runs_give_the_same_bytes(cohort: CohortFolder, quick: Settings, tmp_path: Path) -> None:
    for number in range(6):
        cohort.add(patient(f"p{number}", (0, 90, 180), (level(fracture_day=60.0 + 40 * number),)))
    clinical, events = cohort.tables()
    for name in ("one", "two"):
        run_trial(cohort.cases, clinical, events, None, tmp_path / name, quick)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_a_cohort_as_in_real_life_reports_every_mistake(tmp_path: Path, quick: Settings) -> None:
    patients = simulate_patients(24, 5)
    where = tmp_path / "sample"
    write_cohort(patients, where, 5)
    with_real_life(patients, where, 5)
    trial = run_trial(
        where / "cases", where / "clinical.csv", where / "events.csv", None, tmp_path / "out", quick
    )
    codes = {(p.file, p.column, p.code) for p in trial.record.problems}
    assert codes >= {
        ("clinical.csv", "sex", "bad-value"),
        ("clinical.csv", "patient_key", "unknown-patient"),
        ("events.csv", "date", "bad-date"),
    }


def test_agreement_of_adjudication_and_revision(
    cohort: CohortFolder, quick: Settings, tmp_path: Path
) -> None:
    for number in range(4):
        cohort.add(patient(f"p{number}", (0, 90), (level(fracture_day=50.0 if number % 2 else 1e9),)))
        value = "fracture" if number in (1, 2) else "no_fracture"
        cohort.event(90, "adjudication", key=f"p{number}", value=value)
    folder = cohort.cases / "p0" / "day0"
    (folder / "revisions" / "0000").mkdir(parents=True)
    old = load_scores(folder / "sins.json")
    case, measured, scores = changed_score("L1", posterolateral=(3,))(None, None, old)  # type: ignore[arg-type]
    assert case is None and measured is None
    (folder / "revisions" / "0000" / "sins.json").write_text(dump_json(old), encoding="utf-8")
    (folder / "sins.json").write_text(dump_json(scores), encoding="utf-8")
    from spineimg.storage.records import load_case_record

    revised = dataclasses.replace(load_case_record(folder / "case.json"), revision=1)
    (folder / "case.json").write_text(dump_json(revised), encoding="utf-8")
    clinical, events = cohort.tables()
    run_trial(cohort.cases, clinical, events, None, tmp_path / "out", quick)
    found = {
        (r["comparison"], r["quantity"], r["statistic"]): r for r in rows(tmp_path / "out", "agreement.csv")
    }
    both = found["machine, reader", "fracture_or_progression", "percent_equal"]
    assert (both["n"], both["value"]) == ("4", "50")
    assert float(found["machine, reader", "fracture_or_progression", "kappa"]["value"]) == 0.0
    assert found["first result, as revised", "posterolateral", "kappa_quadratic"]["n"] == "1"


def test_an_empty_trial_says_so_and_still_writes_everything(
    cohort: CohortFolder, quick: Settings, tmp_path: Path
) -> None:
    cohort.add(patient(days=(0,)), sex="M")
    clinical, events = cohort.tables()
    run_trial(cohort.cases, clinical, events, None, tmp_path / "out", quick)
    assert {p.name for p in (tmp_path / "out").iterdir()} >= FILES
    assert record(tmp_path / "out")["index_levels"] == []
    assert "No patient is known to be eligible" in (tmp_path / "out" / "report.html").read_text(
        encoding="utf-8"
    )


def test_a_folder_that_exists_is_refused_and_a_failure_leaves_nothing(
    cohort: CohortFolder, quick: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort.add(patient(days=(0,)))
    clinical, events = cohort.tables()
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match="out-exists"):
        run_trial(cohort.cases, clinical, events, None, tmp_path / "there", quick)

    def fails(*_: object) -> str:
        raise OSError("disk full")

    monkeypatch.setattr("spineimg.trial.writing.trial_html", fails)
    before = sorted(p.name for p in tmp_path.iterdir())
    with pytest.raises(EnvironmentFault, match="disk full"):
        run_trial(cohort.cases, clinical, events, None, tmp_path / "out", quick)
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_a_missing_library_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(libraries.importlib, "import_module", absent)
    with pytest.raises(EnvironmentFault) as caught:
        libraries.library("lifelines")
    assert caught.value.code == "trial-libraries-missing"
    assert 'pip install "spineimg[trial]"' in caught.value.remedy


def test_no_case_is_refused(tmp_path: Path, quick: Settings) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "clinical.csv").write_text("patient_key\na\n")
    with pytest.raises(InputRefused, match="no-cases"):
        run_trial(tmp_path / "cases", tmp_path / "clinical.csv", None, None, tmp_path / "out", quick)
