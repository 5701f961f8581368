"""Volume and labels to measurements.

Frame, endplates, heights, lesions, posterolateral structures, alignment.
"""

from spineimg.measurement.lesions import find_lesions
from spineimg.measurement.measure import measure
from spineimg.measurement.parts import divide

__all__ = ["divide", "find_lesions", "measure"]
