"""Cases of one patient over time: which level fractured, grew or changed."""

from spineimg.tracking.anchor import Anchor, anchor, own_level
from spineimg.tracking.follow import track
from spineimg.tracking.table import track_csv, track_rows
from spineimg.tracking.timepoint import Timepoint
from spineimg.tracking.treatment import parse_treatments

__all__ = [
    "Anchor",
    "Timepoint",
    "anchor",
    "own_level",
    "parse_treatments",
    "track",
    "track_csv",
    "track_rows",
]
