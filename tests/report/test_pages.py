"""Pages: one file, the sentence first, every fact with its source, nothing run or fetched."""

from __future__ import annotations

import dataclasses
import re
import xml.etree.ElementTree as ET

import pytest

from spineimg.core.estimate import Estimate
from spineimg.core.labelmap import Caveat
from spineimg.core.levels import Level
from spineimg.core.measurements import Heights
from spineimg.core.scores import PatientScore, Total
from spineimg.core.track import (
    HeightChange,
    Interval,
    LevelEvent,
    LevelTrack,
    Match,
    Track,
    TrackedCase,
    Treatment,
    Visit,
)
from spineimg.report import case_html, case_pdf, draw_pictures, track_html, track_pdf
from spineimg.report.case_page import column_rows
from spineimg.report.column_svg import column_svg
from spineimg.report.palette import BAND_COLOUR, DOUBTFUL, UNDECIDED, plate
from spineimg.report.sentences import case_sentence, track_sentence
from spineimg.report.words import levels_words
from spineimg.tracking import Timepoint


@pytest.fixture(scope="module")
def page(make_case, level_score, volume, labels, measurements, tmp_path_factory):
    folder = tmp_path_factory.mktemp("case")
    warning = Caveat("level-name-uncertain", "T12 may be <T11>.", (Level.T12,))
    case = make_case(level_score(Level.L1, 8, 13), caveats=(warning,))
    draw_pictures(volume, labels, measurements, case.scores, folder)
    return case_html(case, folder)


def test_the_page_is_one_file_without_script(page):
    assert page.count("data:image/png;base64,") == 3
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert not re.search(r"url\((?!#)", page)


@pytest.mark.parametrize(
    "words",
    [
        "L1: SINS 8 to 13, potentially unstable or unstable.",
        "Is the pain at L1 mechanical?",
        "Research use only",
        "Loss at L1 25 % (24-26).",
        "Genant 1993",
        "0, 1 or 3",
        "T12 may be &lt;T11&gt;.",
        "level-name-uncertain",
        "w" * 64,
        "s" * 64,
        "spineimg 0.1.0",
        "1.2.3",
    ],
)
def test_the_page_says(page, words):
    assert words in page


def test_the_sentence_comes_before_all_else(page):
    assert (
        page.index("<h1>") < page.index("<svg") < page.index("What to keep in mind") < page.index("<table>")
    )


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        ([(Level.L1, 9, 9)], "L1: SINS 9, potentially unstable."),
        ([(Level.L1, 5, 8)], "L1: SINS 5 to 8, stable or potentially unstable."),
        ([(Level.T12, 3, 4), (Level.L1, 14, 15)],
         "L1: SINS 14 to 15, unstable. Also scored: T12 (SINS 3 to 4)."),
        ([(Level.L1, 2, 15)], "L1: SINS 2 to 15, band open (stable to unstable)."),
        ([(Level.T12, 9, 16, "candidate"), (Level.L1, 9, 16, "candidate")],
         "No level is scored. Doubtful lesions, not counted: T12. "
         "Cut by the edge of the scan, not counted: L1. In view: T12 to L1."),
        ([(Level.L1, 9, 9), (Level.T12, 9, 16, "candidate")],
         "L1: SINS 9, potentially unstable. Doubtful lesions, not counted: T12."),
        ([(Level.T12, 9, 16, "candidate")],
         "No level is scored. Doubtful lesions, not counted: T12. In view: T12 to L1."),
        ([(Level.L1, 9, 9, "not_scored", "cement")],
         "No level could be scored; not scored: L1. In view: T12 to L1."),
        ([], "No lesion that is likely a metastasis was found in T12 to L1: no level is scored."),
    ],
)  # fmt: skip
def test_one_sentence_says_where_the_patient_stands(make_case, level_score, scores, sentence):
    assert case_sentence(make_case(*[level_score(*row) for row in scores])) == sentence


def test_a_body_taller_than_expected_is_marked_in_the_table(make_case, level_score, tmp_path):
    case = make_case(level_score(Level.L1, 9, 9))
    first, second = case.measurements.vertebrae
    tall = dataclasses.replace(first, heights_mm=Heights(Estimate(29.0, 28.0, 30.0), None, None))
    there = dataclasses.replace(case.measurements, vertebrae=(tall, second))
    assert ", tall" not in case_html(case, tmp_path)
    assert case_html(dataclasses.replace(case, measurements=there), tmp_path).count(", tall") == 1


def test_the_patients_range_names_both_levels_that_it_comes_from(make_case, level_score):
    case = make_case(level_score(Level.T12, 5, 7), level_score(Level.L1, 1, 9))
    patient = PatientScore(Total(5, 9), ("stable", "potentially_unstable"), Level.L1)
    case = dataclasses.replace(case, scores=dataclasses.replace(case.scores, patient=patient))
    assert case_sentence(case) == (
        "SINS 5 to 9, stable or potentially unstable: at least as T12 (5 to 7), at most as L1 (1 to 9)."
    )


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        ((Level.T12, Level.L1, Level.T11), "T11-L1"),
        ((Level.C2, Level.L1, Level.L2, Level.L5), "C2, L1-L2, L5"),
        ((Level.T13,), "T13"),
        ((), ""),
    ],
)
def test_levels_in_a_run_are_drawn_together(levels, words):
    assert levels_words(levels) == words


def test_the_first_screen_has_the_points_of_each_component(page):
    top = page[: page.index("<svg")]
    assert '<a href="#level-L1">L1</a>' in top
    assert '<td class="points open">0, 1 or 3</td>' in top
    assert "8 to 13</td>" in top


@pytest.mark.parametrize(
    ("row", "colour"),
    [
        ((Level.L1, 13, 14), BAND_COLOUR["unstable"]),
        ((Level.L1, 5, 14), UNDECIDED),
        ((Level.L1, 13, 14, "candidate"), DOUBTFUL),
    ],
)
def test_a_plate_never_has_the_colour_of_a_band_that_is_merely_possible(level_score, row, colour):
    assert plate(level_score(*row)) == colour


@pytest.mark.parametrize(
    ("row", "colours", "unknown"),
    [
        ((Level.L1, 3, 5), 1, False),
        ((Level.L1, 5, 8), 2, False),
        ((Level.L1, 5, 14), 3, False),
        ((Level.L1, 5, 8, "candidate", "doubtful"), 0, True),
        ((Level.L1, 5, 8, "not_scored", "cement"), 0, True),
    ],
)
def test_a_level_has_the_colours_of_its_bands_and_grey_where_unknown(
    make_case, level_score, row, colours, unknown
):
    case = make_case(level_score(*row))
    rows = column_rows(case)
    assert [r.level for r in rows] == [Level.T12, Level.L1]
    assert (len(rows[1].colours), rows[1].unknown) == (colours, unknown)
    drawing = ET.fromstring(str(column_svg(rows, case.measurements.vertebrae)))  # it is well-formed
    assert len(drawing.findall(".//{*}polygon")) == 2
    assert ("url(#unknown)" in str(column_svg(rows, ()))) is unknown


def test_a_case_without_pictures_still_has_its_page(make_case, level_score, tmp_path):
    page = case_html(make_case(level_score(Level.L1, 9, 9)), tmp_path)
    assert "<img" not in page
    assert "Body collapse" in page


def test_the_pdf_has_a_page_per_scored_level(make_case, level_score, tmp_path):
    case = make_case(level_score(Level.T12, 3, 4), level_score(Level.L1, 8, 13))
    pdf = case_pdf(case, tmp_path)
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 3
    assert pdf == case_pdf(case, tmp_path)


def interval(new: str, progression: str, fall: float | None, **changes: object) -> Interval:
    estimate = None if fall is None else Estimate(fall, fall - 2, fall + 2)
    one = Interval(
        0, 1, 90, HeightChange(estimate, estimate, estimate), estimate, 5.0,
        new, progression, (0,), (1,),  # type: ignore[arg-type]
        None, "none", Total(7, 9), Total(13, 14), ("potentially_unstable",), ("unstable",), (13,),
        "A reason.",
    )  # fmt: skip
    return dataclasses.replace(one, **changes)  # type: ignore[arg-type]


def visits(fallen_mm: float, totals: tuple[Total, Total]) -> tuple[Visit, ...]:
    """Two visits of one level: its anterior height before and after, and its totals."""
    heights = [Heights(Estimate(h, h - 1, h + 1), None, None) for h in (24.0, 24.0 - fallen_mm)]
    return tuple(
        Visit(k, True, height, None, None, total, ("potentially_unstable",))
        for k, (height, total) in enumerate(zip(heights, totals, strict=True))
    )


def make_track(t12: Interval, l1: Interval) -> Track:
    cases = (TrackedCase("a", "2026-01-05", 0), TrackedCase("b", "2026-04-05", 0))
    matches = tuple(Match(1, level, level, 0.4, 0.97) for level in (Level.T12, Level.L1))
    happened = LevelEvent("new_fracture", "2026-01-05", "2026-04-05", 1, competing=False)
    levels = (
        LevelTrack(Level.T12, (t12,)),
        LevelTrack(Level.L1, (l1,), visits(7.0, (Total(7, 9), Total(10, 12))), (happened,)),
    )
    treated = (Treatment(Level.L1, "radiotherapy", "2026-02-01"),)
    return Track("k" * 64, cases, matches, levels, (Caveat("cases-sorted", "Sorted."),), treated)


SAME = interval("no", "no", 1.0, crossed=())


@pytest.mark.parametrize(
    ("l1", "sentence"),
    [
        (interval("yes", "no", 30.0),
         "New fracture at L1 between 2026-01-05 and 2026-04-05 (height fell by 30.0 (28.0 to 32.0) points)."),
        (interval("no", "yes", 16.0),
         "Progression of a fracture at L1 between 2026-01-05 and 2026-04-05 "
         "(height fell by 16.0 (14.0 to 18.0) points)."),
        (interval("undetermined", "undetermined", 30.0, event="yes"),
         "Fracture, new or progressed, at L1 between 2026-01-05 and 2026-04-05 "
         "(height fell by 30.0 (28.0 to 32.0) points)."),
        (interval("undetermined", "no", 20.0),
         "A fracture at L1 can be neither shown nor ruled out; none is certain elsewhere."),
        (interval("undetermined", "undetermined", None),
         "No new fracture and no progression in 1 level compared. Not compared: L1."),
        (SAME, "No new fracture and no progression in 2 levels compared."),
    ],
)  # fmt: skip
def test_one_sentence_says_what_happened(l1, sentence):
    assert track_sentence(make_track(SAME, l1)) == sentence


@pytest.fixture(scope="module")
def two_points(make_case, volume, labels):
    return [
        Timepoint("b", make_case(date="2026-04-05"), labels, volume),
        Timepoint("a", make_case(date="2026-01-05"), labels, volume),
    ]


def test_the_follow_up_pdf_has_its_pages_and_the_same_bytes_again(two_points):
    track = make_track(SAME, interval("yes", "no", 30.0))
    pdf = track_pdf(track, two_points)
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b", pdf)) == 5  # sentence, SINS, heights, L1, table
    assert pdf == track_pdf(track, two_points)


def test_the_follow_up_page_shows_the_changed_level_side_by_side(two_points):
    page = track_html(make_track(SAME, interval("yes", "no", 30.0)), two_points)
    assert page.count("data:image/png;base64,") == 4  # heights, ribbon, then, now
    assert "after 2026-01-05, seen 2026-04-05" in page
    assert page.index("New fracture at L1") < page.index("<svg")
    assert "L1 on 2026-01-05" in page and "L1 on 2026-04-05" in page
    assert "crossed 13" in page
    assert "<script" not in page
    assert page.count("A reason.") == 3  # both rows, and the pictures
