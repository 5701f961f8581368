"""The JSON of a case and of a track: the core's dataclasses, written and read by pydantic.

There is no second set of classes: a record is the core value, with the key ``schema`` in front.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError

from spineimg.core.case import CaseRecord
from spineimg.core.errors import InputRefused
from spineimg.core.measurements import Measurements
from spineimg.core.scores import ALLOWED_POINTS, SinsScores
from spineimg.core.track import Track

T = TypeVar("T", CaseRecord, Measurements, SinsScores, Track)

SCHEMA_OF: dict[type, str] = {
    CaseRecord: "spineimg/case/1",
    Measurements: "spineimg/measurements/1",
    SinsScores: "spineimg/sins/1",
    Track: "spineimg/track/1",
}
EXTRAS = frozenset(
    {
        *("endplates_lps_mm", "not_scorable", "body_area_mm2", "area_loss_percent", "collapse_caveats"),
        *("structures_missing_percent", "sacral_levels", "caudal_depth_mm", "posterior_walls_lps_mm"),
        *("disc_height_mm", "expected_disc_height_mm", "disc_gas_ml", "degenerative_signs", "verdicts"),
        *("lesions_searched", "event", "height_verdict", "area_change_points"),
        *("alignment_from", "alignment_to"),
        "naming",
        *("posterolateral_from", "posterolateral_to", "not_compared", "visits", "events", "treatments"),
    }
)
"""Fields beyond the published contract (docs/decisions/0001): another program may leave them out."""
RENAMED = {"from_": "from"}
"""Python names that JSON spells otherwise."""
DECIMALS = 4
"""Written precision: 0.1 micrometre, 0.0001 percent; far below anything that is measured."""
_CONFIG = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


def dump_json(value: CaseRecord | Measurements | SinsScores | Track) -> str:
    """JSON text of a record: ``schema`` first, then the fields in the order of the contract.

    Raises
    ------
    ValueError
        When a number is NaN or infinite: such a number is never written.
    """
    return json.dumps(to_plain(value), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def to_plain(value: CaseRecord | Measurements | SinsScores | Track) -> dict[str, Any]:
    """Give a record as plain dictionaries and lists, as its JSON holds it."""
    schema = SCHEMA_OF[type(value)]
    plain = _adapter(schema).dump_python((value,), mode="json")[0]
    return {"schema": schema, **_rounded(plain)}


def as_written(value: T) -> T:
    """Give the record as it comes back from its file, so that a later rescore has the very same numbers."""
    return _parsed(type(value), dump_json(value), Path(SCHEMA_OF[type(value)]))


def load_case_record(path: Path) -> CaseRecord:
    """Read ``case.json``; see `load_measurements` for the errors."""
    return _load(CaseRecord, path)


def load_measurements(path: Path) -> Measurements:
    """Read ``measurements.json``.

    Raises
    ------
    InputRefused
        ``case-damaged`` when the file is missing or no JSON, has another ``schema``, or a field is unknown,
        missing or of a value that it cannot have.
    """
    return _load(Measurements, path)


def load_scores(path: Path) -> SinsScores:
    """Read ``sins.json``; see `load_measurements` for the errors."""
    return _load(SinsScores, path)


def load_track(path: Path) -> Track:
    """Read ``track.json``; see `load_measurements` for the errors."""
    return _load(Track, path)


def json_schema(kind: type) -> dict[str, Any]:
    """JSON Schema of a record as it is written."""
    schema = _adapter(SCHEMA_OF[kind]).json_schema(mode="serialization")
    definitions = schema["$defs"]
    root = definitions.pop(kind.__name__)
    for definition in (root, *definitions.values()):
        _respell(definition)
    if "Components" in definitions:
        for name, points in ALLOWED_POINTS.items():
            reference = definitions["Components"]["properties"][name]
            allowed = {"properties": {"possible": {"items": {"enum": list(points)}, "minItems": 1}}}
            definitions["Components"]["properties"][name] = {"allOf": [reference, allowed]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_OF[kind],
        **{key: root[key] for key in ("title", "description", "type", "additionalProperties")},
        "properties": {"schema": {"const": SCHEMA_OF[kind]}, **root["properties"]},
        "required": ["schema", *root["required"]],
        "$defs": definitions,
    }


@functools.cache
def _adapter(schema: str) -> TypeAdapter[Any]:
    kind = next(kind for kind, name in SCHEMA_OF.items() if name == schema)
    # A dataclass takes no configuration of its own from outside; a tuple round it does.
    return TypeAdapter(tuple[kind], config=_CONFIG)  # type: ignore[valid-type]


def _load(kind: type[T], path: Path) -> T:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        _damaged(path, "is missing or cannot be read")
    return _parsed(kind, text, path)


def _parsed(kind: type[T], text: str, path: Path) -> T:
    try:
        content = json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        _damaged(path, f"is no JSON: {error}")
    if not isinstance(content, dict) or content.pop("schema", None) != SCHEMA_OF[kind]:
        _damaged(path, f"does not say schema {SCHEMA_OF[kind]}")
    content = _renamed(content, {json_name: name for name, json_name in RENAMED.items()})
    adapter = _adapter(SCHEMA_OF[kind])
    try:
        value = adapter.validate_json(json.dumps([content]), strict=True)[0]
    except ValidationError as error:
        first = error.errors()[0]
        _damaged(path, f"{_place(first['loc'][1:])}: {first['msg'].lower()}")
    written = adapter.dump_python((value,), mode="json")[0]
    for place in _absent(content, written):
        _damaged(path, f"{place}: field missing")
    return cast(T, value)


def _damaged(path: Path, what: str) -> NoReturn:
    raise InputRefused("case-damaged", f"{path} {what}", "restore the file or analyse the scan again", path)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in location) or "record"


def _absent(content: Any, written: Any, place: tuple[int | str, ...] = ()) -> Iterator[str]:
    """Places of fields that have a default in Python and that the file leaves out."""
    if isinstance(written, dict) and isinstance(content, dict):
        for name, value in written.items():
            if name in content:
                yield from _absent(content[name], value, (*place, name))
            elif name not in EXTRAS:
                yield _place((*place, name))
    elif isinstance(written, list) and isinstance(content, list):
        for number, (was, now) in enumerate(zip(content, written, strict=True)):
            yield from _absent(was, now, (*place, number))


def _rounded(plain: Any) -> Any:
    """Numbers at the written precision, Python's names as JSON spells them."""
    if isinstance(plain, dict):
        return {RENAMED.get(name, name): _rounded(value) for name, value in plain.items()}
    if isinstance(plain, list):
        return [_rounded(value) for value in plain]
    return round(plain, DECIMALS) + 0.0 if isinstance(plain, float) else plain


def _renamed(plain: Any, names: dict[str, str]) -> Any:
    if isinstance(plain, dict):
        return {names.get(name, name): _renamed(value, names) for name, value in plain.items()}
    if isinstance(plain, list):
        return [_renamed(value, names) for value in plain]
    return plain


def _respell(definition: dict[str, Any]) -> None:
    """Spell a definition's fields as JSON does; the extras need not be there."""
    if "properties" not in definition:
        return
    definition["properties"] = {RENAMED.get(n, n): part for n, part in definition["properties"].items()}
    definition["required"] = [RENAMED.get(n, n) for n in definition.get("required", []) if n not in EXTRAS]
