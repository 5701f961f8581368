"""The summary as text: one line a figure, with n and limits."""

from __future__ import annotations

from typing import Any

from sins_benchmark.figures import words


def print_summary(summary: dict[str, Any]) -> None:
    """Print every figure, indented by where it belongs."""
    _walk(summary, 0)


def _walk(value: dict[str, Any], depth: int) -> None:
    for name, inner in value.items():
        if isinstance(inner, dict) and {"value", "low", "high", "n"} <= set(inner):
            print(f"{'  ' * depth}{name}: {words(inner)}")
        elif isinstance(inner, dict):
            print(f"{'  ' * depth}{name}")
            _walk(inner, depth + 1)
        else:
            print(f"{'  ' * depth}{name}: {inner}")
