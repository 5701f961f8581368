"""Write the JSON Schemas of the records to spineimg/storage/schemas (a test compares)."""

from __future__ import annotations

import json
from pathlib import Path

from spineimg.storage import records

FOLDER = Path(__file__).resolve().parents[1] / "spineimg" / "storage" / "schemas"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for kind, name in records.SCHEMA_OF.items():
        path = FOLDER / f"{name.split('/')[1]}.schema.json"
        path.write_text(json.dumps(records.json_schema(kind), indent=2) + "\n", encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
