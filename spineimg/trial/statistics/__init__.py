"""Estimators of the trial: libraries where they equal the reference programs, else the textbook."""
