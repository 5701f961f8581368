"""Which scans may be compared: one patient, dated, in order."""

from __future__ import annotations

import pytest

from spineimg.core.errors import InputRefused, UsageError
from spineimg.core.levels import Level
from spineimg.tracking.timepoint import in_order

L = [Level.L1]


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ({}, {"key": "another", "date": "2026-02-01"}, "patients-differ"),
        ({"key": None}, {"date": "2026-02-01"}, "patients-differ"),
        ({"key": None}, {"key": None, "date": "2026-02-01"}, "patients-differ"),
        ({"date": None}, {}, "study-date-missing"),
        ({"date": "spring"}, {}, "study-date-missing"),
        ({}, {}, "same-date"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_its_code(drawn, first, second, code):
    points = [drawn(L, spacing_mm=6.0, **first), drawn(L, spacing_mm=6.0, path="followup", **second)]
    with pytest.raises(InputRefused) as refusal:
        in_order(points, None)
    assert refusal.value.code == code
    assert "baseline" in str(refusal.value) or "followup" in str(refusal.value)
    assert refusal.value.remedy.split()[0] in ("give", "analyse")


def test_one_case_is_too_few(drawn):
    with pytest.raises(UsageError, match="too-few-cases"):
        in_order([drawn(L, spacing_mm=6.0)], None)


def test_cases_are_sorted_and_that_is_said(drawn):
    late = drawn(L, spacing_mm=6.0, path="late", date="2026-05-01")
    early = drawn(L, spacing_mm=6.0, path="early", date="2025-12-31")
    ordered, caveats = in_order([late, early], None)
    assert [p.path for p in ordered] == ["early", "late"]
    assert [c.code for c in caveats] == ["cases-sorted"]
    assert in_order([early, late], None) == ((early, late), ())


def test_an_override_needs_a_reason_and_stays_as_a_caveat(drawn):
    points = [drawn(L, spacing_mm=6.0), drawn(L, spacing_mm=6.0, key="b", path="b", date="2026-02-01")]
    with pytest.raises(InputRefused, match="patients-differ"):
        in_order(points, "  ")
    _, caveats = in_order(points, "new hospital number")
    assert caveats[0].code == "patients-differ"
    assert "new hospital number" in caveats[0].message
