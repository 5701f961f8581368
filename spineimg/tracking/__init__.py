"""Cases of one patient over time: which level fractured, grew or changed."""

from spineimg.tracking.anchor import Anchor, anchor, own_level
from spineimg.tracking.follow import track
from spineimg.tracking.table import track_csv, track_rows
from spineimg.tracking.timepoint import Timepoint

__all__ = ["Anchor", "Timepoint", "anchor", "own_level", "track", "track_csv", "track_rows"]
