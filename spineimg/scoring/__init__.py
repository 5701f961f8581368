"""Measurements and pain to SINS: the published table, possible sets, totals, explanation."""

from spineimg.scoring.explain import explain
from spineimg.scoring.level_names import parse_level
from spineimg.scoring.pain_entries import PainEntry, parse_pain, read_pain_file, settle_pain
from spineimg.scoring.score import patient_score, score
from spineimg.scoring.verdicts import Verdicts, merged, parse_verdicts

__all__ = [
    "PainEntry",
    "Verdicts",
    "explain",
    "merged",
    "parse_level",
    "parse_pain",
    "parse_verdicts",
    "patient_score",
    "read_pain_file",
    "score",
    "settle_pain",
]
