"""The published JSON Schema of ``trial.json``, generated from the record itself."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from spineimg.trial.records import SCHEMA, TrialRecord

FILE = "trial.schema.json"


def json_schema() -> dict[str, Any]:
    """JSON Schema of the file as it is written; no field may be missing, none may be added."""
    config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)
    schema = TypeAdapter(tuple[TrialRecord], config=config).json_schema(mode="serialization")
    definitions = schema["$defs"]
    root = definitions.pop("TrialRecord")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA,
        "title": "TrialRecord",
        "description": root["description"],
        "type": "object",
        "additionalProperties": False,
        "properties": {"schema": {"const": SCHEMA}, **root["properties"]},
        "required": ["schema", *root["required"]],
        "$defs": {
            name: {**part, "additionalProperties": False} if part.get("type") == "object" else part
            for name, part in definitions.items()
        },
    }


def published_schema() -> str:
    """Text of the schema file in the package."""
    return (resources.files("spineimg.trial") / "schemas" / FILE).read_text(encoding="utf-8")


def schema_text() -> str:
    """Text that the schema file must have."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
