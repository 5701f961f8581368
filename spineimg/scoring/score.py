"""Measurements and pain in, SINS of every level with a lesion out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from spineimg.core.errors import UsageError
from spineimg.core.levels import Level
from spineimg.core.measurements import Measurements, VertebraMeasurement
from spineimg.core.scores import (
    COMPONENTS,
    ComponentName,
    Components,
    LevelScore,
    Pain,
    PatientScore,
    Question,
    SinsScores,
    State,
    Total,
    Verdict,
)
from spineimg.core.settings.scoring import ScoringSettings
from spineimg.scoring.alignment import score_alignment
from spineimg.scoring.bone_lesion import score_bone_lesion
from spineimg.scoring.collapse import score_collapse
from spineimg.scoring.finding import Finding
from spineimg.scoring.lesions import LevelLesions
from spineimg.scoring.location import score_location
from spineimg.scoring.pain import pain_at, refuse_unseen, score_pain
from spineimg.scoring.posterolateral import score_posterolateral
from spineimg.scoring.table import LOCATIONS, bands_of, total_of
from spineimg.scoring.verdicts import NO_VERDICTS, Verdicts, with_verdict
from spineimg.scoring.wording import listed

UNSCORED_LEVELS = (Level.COCCYX,)


def score(
    measurements: Measurements,
    pain: Mapping[Level, Pain],
    settings: ScoringSettings,
    earlier: Measurements | None = None,
    verdicts: Verdicts = NO_VERDICTS,
) -> SinsScores:
    """Score every level that has a lesion, or that cement or an implant hides.

    Where nobody looked for lesions (MR has no network for them), every level is a candidate.

    Parameters
    ----------
    measurements : Measurements
        What was measured on the scan.
    pain : mapping
        Pain per level; a level left out has unknown pain.
    settings : ScoringSettings
        Every threshold.
    earlier : Measurements or None
        An earlier scan with the same level names: it decides whether a deformity or a slip is new.
    verdicts : mapping
        A reader's word on components: it stands, whatever was measured.

    Raises
    ------
    UsageError
        ``pain-level-not-imaged`` for pain at a level that the scan does not show; ``level-not-scored`` for a
        verdict on a level without lesion.
    """
    refuse_unseen(pain, [vertebra.level for vertebra in measurements.vertebrae])
    levels = {lesion.level for lesion in measurements.lesions}
    levels |= {vertebra.level for vertebra in measurements.vertebrae if vertebra.not_scorable is not None}
    if not measurements.lesions_searched:
        levels |= {vertebra.level for vertebra in measurements.vertebrae}
    strange = sorted(set(verdicts) - levels)
    if strange:
        raise UsageError(
            "level-not-scored",
            f"a verdict is given for {strange[0]}, which has no lesion",
            f"levels with a score: {listed([str(level) for level in sorted(levels)]) or 'none'}",
        )
    scores = tuple(
        _score_level(level, (measurements, earlier), pain_at(pain, level), verdicts.get(level, ()), settings)
        for level in sorted(levels)
    )
    return SinsScores(scores, patient_score(scores))


def patient_score(scores: Sequence[LevelScore]) -> PatientScore:
    """Largest of the minima and largest of the maxima over the scored levels; candidates never raise it."""
    scored = [s for s in scores if s.state == "scored"]
    if not scored:
        return PatientScore(None, (), None)
    total = Total(max(s.total.low for s in scored), max(s.total.high for s in scored))
    worst = max(scored, key=lambda s: (s.total.high, s.total.low))
    return PatientScore(total, bands_of(total), worst.level)


def _score_level(
    level: Level,
    scans: tuple[Measurements, Measurements | None],
    pain: Pain | None,
    verdicts: tuple[Verdict, ...],
    settings: ScoringSettings,
) -> LevelScore:
    measurements, earlier = scans
    vertebra = measurements.vertebra(level)
    lesions = LevelLesions.of(measurements, level)
    findings: dict[ComponentName, Finding] = {
        "location": score_location(level, vertebra, lesions),
        "pain": score_pain(level, pain),
        "bone_lesion": score_bone_lesion(level, measurements, lesions, settings),
        "alignment": score_alignment(level, measurements, settings, earlier),
        "collapse": score_collapse(level, vertebra, lesions, settings),
        "posterolateral": score_posterolateral(level, vertebra, lesions, settings),
    }
    for verdict in verdicts:
        findings[verdict.component] = with_verdict(findings[verdict.component], verdict)
    components = Components(**{name: findings[name].component for name in COMPONENTS})
    total = total_of(components)
    state, reason = _state(level, vertebra, lesions)
    decide = () if state == "not_scored" else decisive_questions(findings)
    return LevelScore(level, state, reason, pain, components, total, bands_of(total), decide, verdicts)


def decisive_questions(findings: Mapping[ComponentName, Finding]) -> tuple[Question, ...]:
    """Questions of the open components, first the one whose answer narrows the total most."""
    open_ones = [(name, findings[name]) for name in COMPONENTS if findings[name].question is not None]
    ranked = sorted(open_ones, key=lambda pair: -pair[1].span)
    return tuple(Question(name, found.question) for name, found in ranked if found.question is not None)


def _state(
    level: Level, vertebra: VertebraMeasurement | None, lesions: LevelLesions
) -> tuple[State, str | None]:
    """State of a level, and why it is not scored."""
    if level in UNSCORED_LEVELS:
        return "not_scored", f"the published table has no {level}; it ends at {max(LOCATIONS)}"
    if vertebra is None:
        return "not_scored", f"{level} could not be measured"
    if vertebra.not_scorable is not None:
        return "not_scored", f"{vertebra.not_scorable} in {level}"
    if not lesions.searched and not lesions.unlikely and not lesions.counted:
        return "candidate", f"lesions of {level} were not looked for on this image"
    if not lesions.counted:
        names = sorted({lesion.look_alike or "an unlikely lesion" for lesion in lesions.unlikely})
        return "not_scored", f"no lesion of {level} is likely a metastasis: {listed(names).replace('-', ' ')}"
    if not vertebra.complete:
        return "candidate", f"{level} is cut by the edge of the field of view"
    if not lesions.likely:
        names = sorted({lesion.look_alike for lesion in lesions.doubtful if lesion.look_alike})
        like = f": it looks like {listed(names, 'or').replace('-', ' ')}" if names else ""
        return "candidate", f"the lesion of {level} is doubtful{like}"
    return "scored", None
