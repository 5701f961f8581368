"""Estimators of the trial analysis: libraries where they equal the reference programs, else the textbook formula."""
