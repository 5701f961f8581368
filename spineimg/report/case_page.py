"""The report of one scan as one self-contained HTML page."""

from __future__ import annotations

from pathlib import Path

from spineimg.core.case import Case
from spineimg.core.estimate import Estimate
from spineimg.core.labelmap import Caveat
from spineimg.core.levels import Level
from spineimg.core.measurements import VertebraMeasurement
from spineimg.core.scores import LevelScore
from spineimg.report.column_svg import ColumnRow, column_svg
from spineimg.report.palette import BAND_COLOUR, DOUBTFUL, band_words, total_words
from spineimg.report.sentences import case_sentence, cut, deciding_score, question, unsearched
from spineimg.report.templating import png_uri, render
from spineimg.report.words import COMPONENT_WORD, levels_words, points_words
from spineimg.scoring.lesion_words import lesion_words
from spineimg.scoring.lesions import LevelLesions

SUMMARY_ROWS = 6
"""Levels in the table of the first screen; all stand below."""


def case_html(case: Case, folder: Path) -> str:
    """Build the report page of a case.

    Parameters
    ----------
    case : Case
        The analysed scan.
    folder : Path
        Case folder; its ``pictures`` are put into the page where they exist.

    Returns
    -------
    str
        HTML that needs no other file, no network and no script.
    """
    decides = deciding_score(case.scores)
    return render(
        "case.html.j2",
        {
            "case": case,
            "record": case.record,
            "sentence": case_sentence(case),
            "patient": case.scores.patient,
            "question": question(decides),
            "question_level": None if decides is None else decides.level,
            "column": column_svg(column_rows(case), case.measurements.vertebrae),
            "overview": _picture(folder, "column"),
            "levels": [_level(case, score, folder) for score in sorted(case.scores.levels, key=_rank)],
            "vertebrae": [_vertebra_row(v) for v in case.measurements.vertebrae],
            "caveats": [_caveat(caveat) for caveat in case.record.caveats],
            "summary": _summary(case),
            "component_words": tuple(COMPONENT_WORD.values()),
        },
    )


def column_rows(case: Case) -> list[ColumnRow]:
    """Tell what stands beside each level in the drawing of the column."""
    levels = {v.level for v in case.measurements.vertebrae} | {s.level for s in case.scores.levels}
    return [_column_row(case, level) for level in sorted(levels)]


def _column_row(case: Case, level: Level) -> ColumnRow:
    vertebra = case.measurements.vertebra(level)
    score = case.scores.of(level)
    doubt = vertebra is not None and len(vertebra.name_possible) > 1
    label = f"{level}?" if doubt else str(level)
    if score is None:
        return ColumnRow(level, label, _fracture_note(vertebra), (), unknown=_unmeasured(vertebra))
    link = f"level-{level}"
    if score.state == "not_scored":
        return ColumnRow(level, label, f"not scored: {score.reason}", (), unknown=True, link=link)
    colours = tuple(BAND_COLOUR[one] for one in score.band)
    words = f"{total_words(score.total)}, {band_words(score.band)}"
    if score.state == "candidate":
        note = f"{'cut by the edge' if cut(case, level) else 'doubtful'}, would be {total_words(score.total)}"
        if unsearched(case.measurements, level):
            note = f"lesions not looked for: {total_words(score.total)}"
        return ColumnRow(level, label, note, (), unknown=True, link=link)
    return ColumnRow(level, label, words, colours, strong=level is case.scores.patient.level, link=link)


def _unmeasured(vertebra: VertebraMeasurement | None) -> bool:
    return vertebra is None or not vertebra.complete


def _fracture_note(vertebra: VertebraMeasurement | None) -> str:
    if vertebra is None:
        return ""
    if vertebra.not_scorable is not None:
        return vertebra.not_scorable
    if not vertebra.complete:
        return "cut by the edge of the scan"
    if vertebra.genant_grade and min(vertebra.genant_grade) > 0 and vertebra.height_loss_percent is not None:
        return f"no lesion, height loss {vertebra.height_loss_percent.value:.0f} %"
    return ""


def _rank(score: LevelScore) -> int:
    """Scored levels first, then doubtful ones, then those not scored; head to foot within each."""
    return ("scored", "candidate", "not_scored").index(score.state)


def _level(case: Case, score: LevelScore, folder: Path) -> dict[str, object]:
    lesions = [x for x in case.measurements.lesions if x.level is score.level]
    return {
        "score": score,
        "anchor": f"level-{score.level}",
        "stripes": _stripes(score),
        "sagittal": _picture(folder, f"{score.level}_sagittal"),
        "axial": _picture(folder, f"{score.level}_axial"),
        "components": [
            (COMPONENT_WORD[name], component, points_words(component))
            for name, component in score.components.items()
        ],
        "lesions": [_sentence(lesion_words(x, case.measurements.vertebra(score.level))) for x in lesions],
        "question": LevelLesions.of(case.measurements, score.level).doubt(score.level) or question(score),
    }


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _stripes(score: LevelScore) -> str:
    """CSS of the bar above a level: a share for each band that is possible, grey where it does not count."""
    colours = [BAND_COLOUR[one] for one in score.band] if score.state == "scored" else [DOUBTFUL]
    share = 100 / len(colours)
    stops = ", ".join(f"{c} {k * share:.1f}% {(k + 1) * share:.1f}%" for k, c in enumerate(colours))
    return f"linear-gradient(90deg, {stops})"


def _caveat(caveat: Caveat) -> dict[str, str]:
    """Words of a caveat; its levels only where the message does not name them already."""
    named = all(str(level) in caveat.message for level in caveat.levels)
    return {
        "message": caveat.message,
        "code": caveat.code,
        "levels": "" if named else levels_words(caveat.levels),
    }


def _summary(case: Case) -> list[dict[str, object]]:
    """Points of every level that counts, or, where none does, of the candidates, for the first screen."""
    scores = [s for s in case.scores.levels if s.state == "scored"]
    if not scores:
        candidates = [s for s in case.scores.levels if s.state == "candidate"]
        scores = [s for s in candidates if not unsearched(case.measurements, s.level)]
    return [
        {
            "level": score.level,
            "anchor": f"level-{score.level}",
            "points": [
                (component.decided, points_words(component)) for _, component in score.components.items()
            ],
            "total": total_words(score.total),
            "candidate": score.state == "candidate",
        }
        for score in sorted(scores, key=_most)[:SUMMARY_ROWS]
    ]


def _most(score: LevelScore) -> tuple[int, int]:
    return (-score.total.high, -score.total.low)


def _vertebra_row(vertebra: VertebraMeasurement) -> dict[str, object]:
    heights = vertebra.heights_mm
    expected = vertebra.expected_heights_mm
    return {
        "level": vertebra.level,
        "names": " or ".join(str(one) for one in vertebra.name_possible),
        "doubt": len(vertebra.name_possible) > 1,
        "complete": vertebra.complete,
        "heights": [
            (_short(height), "" if wanted is None else f"{wanted.value:.1f}", _tall(height, wanted))
            for height, wanted in (
                (heights.anterior, expected.anterior),
                (heights.middle, expected.middle),
                (heights.posterior, expected.posterior),
            )
        ],
        "loss": _short(vertebra.height_loss_percent),
        "genant": " or ".join(str(one) for one in vertebra.genant_grade),
        "deformity": vertebra.deformity or "",
        "lesions": ", ".join(str(one) for one in vertebra.lesion_ids),
    }


def _tall(height: Estimate | None, wanted: Estimate | None) -> bool:
    """Whether a height lies above its expected interval: a mask that takes in more than the body."""
    return height is not None and wanted is not None and height.value > wanted.high


def _short(estimate: Estimate | None) -> str:
    return "not measured" if estimate is None else str(estimate)


def _picture(folder: Path, name: str) -> object:
    path = folder / "pictures" / f"{name}.png"
    return png_uri(path.read_bytes()) if path.is_file() else None
