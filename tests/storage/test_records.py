"""The JSON is the contract's, comes back as it was, and is refused when it is not whole."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from spineimg.core.errors import InputRefused
from spineimg.core.estimate import Estimate
from spineimg.core.scores import COMPONENTS, Component
from spineimg.storage import records

KINDS = ["record", "measurements", "scores", "track"]
LOADERS = {
    "record": records.load_case_record,
    "measurements": records.load_measurements,
    "scores": records.load_scores,
    "track": records.load_track,
}
VERTEBRA_FIELDS = (
    "level, label, complete, name_possible, name_confidence, centre_lps_mm, axes_lps, heights_mm, "
    "expected_heights_mm, "
    "height_loss_percent, loss_site, genant_grade, deformity, body_volume_ml, expected_body_volume_ml, "
    "endplate_step_mm, "
    "lytic_percent, density, lesion_ids"
)
LESION_FIELDS = (
    "id, level, status, look_alike, quality, volume_ml, lytic_percent, body_percent, structures_percent, "
    "cortex_broken, "
    "touches, centre_lps_mm"
)
STRUCTURE_FIELDS = (
    "pedicle_left, pedicle_right, facet_left, facet_right, costovertebral_left, costovertebral_right"
)
SEGMENT_FIELDS = (
    "upper, lower, translation_ap_mm, translation_lateral_mm, kyphosis_deg, scoliosis_deg, listhesis_cause"
)
INTERVAL_FIELDS = (
    "from, to, days, height_change_points, height_loss_change_points, smallest_detectable_points, "
    "new_fracture, "
    "progression, genant_from, genant_to, lesion_volume_change_ml, lesion_response, sins_from, sins_to, "
    "band_from, "
    "band_to, crossed, reason"
)
CASE_FIELDS = (
    "schema, spineimg_version, created, revision, patient_key, study_date, modality, series, engine, "
    "settings_digest, "
    "files, caveats, timings_s, peak_memory_mb"
)


def content(samples: Any, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(records.dump_json(getattr(samples, kind)()))
    return found


def names(text: str) -> set[str]:
    return set(text.split(", "))


@pytest.mark.parametrize("kind", KINDS)
def test_schema_comes_first(samples: Any, kind: str) -> None:
    first, *_ = content(samples, kind).items()
    assert first == ("schema", f"spineimg/{ {'record': 'case', 'scores': 'sins'}.get(kind, kind) }/1")


def test_fields_are_those_of_the_contract(samples: Any) -> None:
    measured = content(samples, "measurements")
    assert set(measured) - records.EXTRAS == names("schema, vertebrae, lesions, segments")
    assert set(measured["vertebrae"][0]) - records.EXTRAS == names(VERTEBRA_FIELDS)
    assert set(measured["vertebrae"][0]["heights_mm"]) == names("anterior, middle, posterior")
    assert set(measured["vertebrae"][0]["density"]) == names("healthy_reference, mean")
    assert set(measured["lesions"][0]) - records.EXTRAS == names(LESION_FIELDS)
    assert set(measured["lesions"][0]["structures_percent"]) == names(STRUCTURE_FIELDS)
    assert set(measured["lesions"][0]["volume_ml"]) == names("value, low, high")
    assert set(measured["segments"][0]) - records.EXTRAS == names(SEGMENT_FIELDS)
    sins = content(samples, "scores")
    assert set(sins) == names("schema, levels, patient")
    level_fields = names("level, state, reason, pain, components, total, band, decide")
    assert set(sins["levels"][0]) - records.EXTRAS == level_fields
    assert list(sins["levels"][0]["components"]) == list(COMPONENTS)
    component = sins["levels"][0]["components"]["location"]
    assert set(component) == names("possible, evidence")
    assert set(component["evidence"][0]) == names("text, value, threshold, unit, source, lps_mm, picture")
    assert set(sins["levels"][0]["pain"]) == names("value, date, source")
    assert set(sins["levels"][0]["decide"][0]) == names("component, question")
    assert set(sins["patient"]) == names("total, band, level")
    case = content(samples, "record")
    assert set(case) - records.EXTRAS == names(CASE_FIELDS)
    assert set(case["series"]) == names(
        "uid, description, rows, columns, slices, spacing_mm, orientation, files, digest"
    )
    assert set(case["engine"]) == names("name, version, weights_sha256")
    assert set(case["caveats"][0]) == names("code, message, levels")
    track = content(samples, "track")
    assert set(track) - records.EXTRAS == names("schema, patient_key, cases, matches, levels, caveats")
    assert set(track["cases"][0]) == names("path, study_date, revision")
    assert set(track["matches"][0]) == names("case, level, matched_level, shift_mm, agreement")
    assert set(track["levels"][0]["intervals"][0]) - records.EXTRAS == names(INTERVAL_FIELDS)


def test_values_are_written_as_the_contract_says(samples: Any) -> None:
    vertebra = content(samples, "measurements")["vertebrae"][0]
    assert vertebra["level"] == "L1"
    assert vertebra["name_possible"] == ["L1", "L2"]
    assert vertebra["height_loss_percent"] is None
    assert vertebra["heights_mm"]["anterior"] == {"value": 25.1235, "low": 24.9, "high": 25.5}
    assert content(samples, "measurements")["segments"][0]["lower"] == "sacrum"
    assert content(samples, "record")["modality"] == "CT"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_comes_back(samples: Any, tmp_path: Path, kind: str) -> None:
    value = records.as_written(getattr(samples, kind)())
    path = tmp_path / "record.json"
    path.write_text(records.dump_json(value), encoding="utf-8")
    assert LOADERS[kind](path) == value  # type: ignore[operator]
    assert records.dump_json(value) == records.dump_json(getattr(samples, kind)())


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_never_written(samples: Any, number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        records.dump_json(replace(samples.record(), peak_memory_mb=number))


def damage(content: Any, path: str, value: Any) -> None:
    *steps, last = [int(s) if s.isdigit() else s for s in path.split(".")]
    for step in steps:
        content = content[step]
    if value is KeyError:
        del content[last]
    else:
        content[last] = value


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("record", "schema", "spineimg/case/2"),
        ("record", "schema", KeyError),
        ("record", "colour", "red"),
        ("record", "revision", KeyError),
        ("record", "timings_s", KeyError),  # has a default in Python, none in the contract
        ("record", "modality", "PET"),
        ("record", "revision", "1"),
        ("measurements", "vertebrae.0.level", "L7"),
        ("measurements", "vertebrae.0.height_loss_percent", KeyError),
        ("measurements", "vertebrae.0.heights_mm.anterior.low", 99.0),
        ("measurements", "vertebrae.0.density.mood", 1),
        ("measurements", "lesions.0.structures_percent.facet_left", KeyError),
        ("measurements", "lesions.0.status", "certain"),
        ("measurements", "segments.0.listhesis_cause", "age"),
        ("scores", "levels.0.components.pain.possible", [2]),
        ("scores", "levels.0.components.bone_lesion.possible", [3]),
        ("scores", "levels.0.components.posterolateral.possible", [2]),
        ("scores", "levels.0.components.collapse.possible", []),
        ("scores", "levels.0.total", {"low": 9, "high": 20}),
        ("scores", "levels.0.components.location.evidence.0.lps_mm", KeyError),
        ("scores", "levels.0.band", ["shaky"]),
        ("track", "levels.0.intervals.0.from", KeyError),
    ],
)
def test_a_damaged_record_is_refused_by_file_and_field(
    samples: Any, tmp_path: Path, kind: str, path: str, value: Any
) -> None:
    broken = content(samples, kind)
    damage(broken, path, value)
    file = tmp_path / "record.json"
    file.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(InputRefused) as caught:
        LOADERS[kind](file)  # type: ignore[operator]
    assert caught.value.code == "case-damaged"
    assert caught.value.where == file
    field = path.split(".")[-1]
    assert field in caught.value.message or path.split(".")[-2] in caught.value.message


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": NaN}', "\xff"])
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "record.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputRefused, match="case-damaged"):
        records.load_measurements(file)
    with pytest.raises(InputRefused, match="case-damaged"):
        records.load_measurements(tmp_path / "none.json")


def test_the_extras_may_be_left_out(samples: Any, tmp_path: Path) -> None:
    lean = content(samples, "measurements")
    for row in (*lean["vertebrae"], *lean["segments"]):
        for name in records.EXTRAS & set(row):
            del row[name]
    file = tmp_path / "measurements.json"
    file.write_text(json.dumps(lean), encoding="utf-8")
    assert records.load_measurements(file).segments[0].caudal_depth_mm is None
    jsonschema.validate(lean, records.json_schema(type(samples.measurements())))


@pytest.mark.parametrize("kind", KINDS)
def test_written_records_obey_their_schema(samples: Any, kind: str) -> None:
    schema = records.json_schema(type(getattr(samples, kind)()))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(content(samples, kind), schema)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("scores", "levels.0.components.pain.possible", [2]),
        ("scores", "levels.0.components.pain.possible", []),
        ("measurements", "vertebrae.0.colour", 1),
        ("measurements", "vertebrae.0.level", KeyError),
        ("track", "levels.0.intervals.0.from", KeyError),
        ("record", "schema", "spineimg/case/2"),
    ],
)
def test_the_schema_refuses_what_loading_refuses(samples: Any, kind: str, path: str, value: Any) -> None:
    broken = content(samples, kind)
    damage(broken, path, value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, records.json_schema(type(getattr(samples, kind)())))


def test_published_schemas_are_up_to_date() -> None:
    folder = Path(records.__file__).parent / "schemas"
    written = {
        path.name: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.schema.json")
    }
    expected = {
        f"{name.split('/')[1]}.schema.json": records.json_schema(k) for k, name in records.SCHEMA_OF.items()
    }
    assert written == expected, "run scripts/make_schemas.py"


def test_rounding_keeps_an_interval_round_its_value(samples: Any) -> None:
    odd = Estimate(0.00004999, 0.00004998, 0.00005001)
    vertebra = replace(samples.measurements().vertebrae[0], body_volume_ml=odd)
    back = records.as_written(replace(samples.measurements(), vertebrae=(vertebra,)))
    volume = back.vertebrae[0].body_volume_ml
    assert volume is not None
    assert volume.low <= volume.value <= volume.high


def test_a_component_without_points_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="possible"):
        Component((), ())
