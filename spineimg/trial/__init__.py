"""From a folder of cases and a clinical table to the analysis of a trial."""

from spineimg.trial.run import Decided, Trial, run_trial

__all__ = ["Decided", "Trial", "run_trial"]
