"""The report of one scan as PDF: the same facts on pages to print."""

from __future__ import annotations

import io
import textwrap
from pathlib import Path

import matplotlib.image
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from spineimg.core.case import Case
from spineimg.core.scores import LevelScore
from spineimg.report.palette import BAND_COLOUR, band_words, total_words
from spineimg.report.pdf_page import FOOT, lines, page, picture, tall
from spineimg.report.sentences import case_sentence, deciding_score, question
from spineimg.report.words import COMPONENT_WORD, points_words

_EVIDENCE_WRAP = 84


def case_pdf(case: Case, folder: Path) -> bytes:
    """Build the report of a case as PDF.

    Parameters
    ----------
    case : Case
        The analysed scan.
    folder : Path
        Case folder whose ``pictures`` are shown.

    Returns
    -------
    bytes
        A first page with the sentence and the column, then one page per level with a lesion.
    """
    stream = io.BytesIO()
    record = case.record
    # No dates inside: the same case gives the same bytes.
    about = {"Title": "Spine report", "Creator": f"spineimg {record.spineimg_version}", "CreationDate": None}
    with PdfPages(stream, metadata=about) as pages:
        pages.savefig(_first(case, folder))
        for score in case.scores.levels:
            for page in _level(score, folder):
                pages.savefig(page)
    return stream.getvalue()


def _first(case: Case, folder: Path) -> Figure:
    figure = page()
    record = case.record
    who = f", patient {record.patient_key[:12]}" if record.patient_key else ""
    figure.text(
        0.07, 0.955, f"{record.modality.value} of {record.study_date or 'unknown date'}{who}", fontsize=9
    )
    lines(figure, 0.935, case_sentence(case), 15, 62)
    asked = question(deciding_score(case.scores))
    if asked:
        lines(figure, 0.845, f"To decide {case.scores.patient.level}: {asked}", 11, 88)
    _picture(figure, folder / "pictures" / "column.png", (0.07, 0.25, 0.42, 0.55))
    height = 0.79
    for score in case.scores.levels:
        colours = [BAND_COLOUR[one] for one in score.band] if score.state == "scored" else ["#8c8c8c"]
        for k, colour in enumerate(colours):
            figure.text(
                0.56 - 0.016 * (len(colours) - k), height + 0.003, "■", color=colour, fontsize=9, va="top"
            )
        words = f"{score.level}: {total_words(score.total)}, {band_words(score.band)}"
        if score.state != "scored":
            words = f"{score.level}: {score.state.replace('_', ' ')}. {score.reason or ''}"
        height = lines(figure, height, words, 10, 46, left=0.56) - 0.012
    height = 0.21
    for caveat in case.record.caveats:
        height = lines(figure, height, f"{caveat.code}: {caveat.message}", 8, 125)
        if height < 0.09:
            lines(figure, height, "More caveats stand in case.json.", 8, 125)
            break
    engine = f"{record.engine.name} {record.engine.version}; weights {record.engine.weights_sha256 or 'none'}"
    source = f"Engine {engine}; settings {record.settings_digest}; spineimg {record.spineimg_version}"
    figure.text(0.07, 0.045, "\n".join(textwrap.wrap(source, 150)), fontsize=6.5, color="#555555")
    return figure


def _level(score: LevelScore, folder: Path) -> list[Figure]:
    figure = page()
    head = f"{score.level}: SINS {total_words(score.total)}, {band_words(score.band)}"
    if score.state != "scored":
        head = f"{score.level}: {score.state.replace('_', ' ')}"
    figure.text(0.07, 0.945, head, fontsize=16, fontweight="bold")
    if score.reason:
        lines(figure, 0.92, score.reason, 10, 100)
    _picture(figure, folder / "pictures" / f"{score.level}_sagittal.png", (0.07, 0.55, 0.42, 0.35))
    _picture(figure, folder / "pictures" / f"{score.level}_axial.png", (0.51, 0.55, 0.42, 0.35))
    pages = [figure]
    if score.state == "not_scored":
        return pages
    height = 0.52
    for name, component in score.components.items():
        words = " ".join(evidence.text for evidence in component.evidence)
        if height - tall(words, 9, _EVIDENCE_WRAP) < FOOT:
            pages.append(page())
            height = 0.95
        figure = pages[-1]
        figure.text(0.07, height, COMPONENT_WORD[name], fontsize=10, fontweight="bold", va="top")
        figure.text(0.22, height, points_words(component), fontsize=10, fontweight="bold", va="top")
        height = min(lines(figure, height, words, 9, _EVIDENCE_WRAP, left=0.32), height - 0.018) - 0.01
    asked = question(score)
    if asked:
        lines(pages[-1], height - 0.01, f"To decide: {asked}", 11, 84)
    return pages


def _picture(figure: Figure, path: Path, place: tuple[float, float, float, float]) -> None:
    if path.is_file():
        picture(figure, matplotlib.image.imread(path), place)
