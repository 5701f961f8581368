"""Sections of a body: what is the body's, and what is a slip of the mask."""

import numpy as np

from spineimg.measurement.slab import without_crumbs


def section() -> np.ndarray:
    body = np.zeros((40, 60))
    body[5:35, 10:50] = 1.0
    return body


def test_a_crumb_beside_the_neighbour_is_cleared() -> None:
    slipped = section()
    slipped[6:12, 54:57] = 0.6
    np.testing.assert_array_equal(without_crumbs(slipped), section())


def test_half_of_a_split_body_stays() -> None:
    split = section()
    split[12:14] = 0.0
    np.testing.assert_array_equal(without_crumbs(split), split)
