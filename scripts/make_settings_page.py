"""Write docs/settings.md from the settings and the sentence beside each (a test compares)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from spineimg.core.settings import clinical_limits

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "spineimg" / "core" / "settings"
PAGE = ROOT / "docs" / "settings.md"
ROOMS = ("reading", "segmentation", "measurement", "scoring", "tracking", "report", "trial")
HEAD = """# Settings

Every threshold of spineimg, with its value and its reason. *Ours* marks a choice where no published
source gives a number; the evidence of a score and the report then say so.

A profile in TOML changes some of them, and the digest of all settings goes into `case.json`:

```toml
[scoring]
lytic_percent = 75.0
```

`spineimg analyse PATH --out CASE --settings profile.toml` uses it. A name that does not exist is
refused. Where a reason is missing, that of the next setting with one covers both.

This page is written by `scripts/make_settings_page.py` from `spineimg/core/settings`.
"""
LONGEST = 60


def main() -> None:
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(page())
    else:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The whole page."""
    return HEAD + "".join(section(room) for room in ROOMS)


def section(room: str) -> str:
    """One room: a table of its settings."""
    tree = ast.parse((SOURCES / f"{room}.py").read_text(encoding="utf-8"))
    record = next(
        n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == f"{room.capitalize()}Settings"
    )
    rows = [f"| `{name}` | {value} | {reason} |" for name, value, reason in settings(record)]
    if not rows:
        return f"\n## {room}\n\nNo settings.\n"
    return "\n".join(["", f"## {room}", "", "| setting | value | reason |", "|---|---|---|", *rows, ""])


def settings(record: ast.ClassDef) -> list[tuple[str, str, str]]:
    """Name, default and reason of every field."""
    found = []
    for number, node in enumerate(record.body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            value = ast.unparse(node.value)
            value = str(getattr(clinical_limits, value, value))
            after = record.body[number + 1] if number + 1 < len(record.body) else None
            reason = ""
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                reason = " ".join(str(after.value.value).split())
            shown = f"`{value}`" if len(value) <= LONGEST else "see the source"
            found.append((node.target.id, shown, reason.replace("|", "\\|")))
    return found


if __name__ == "__main__":
    main()
