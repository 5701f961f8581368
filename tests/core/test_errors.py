"""Errors: one line with code, facts and a way out; they survive a worker pool."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from spineimg.core.errors import EnvironmentFault, InputRefused, ModelError, SpineimgError, UsageError


@pytest.mark.parametrize(
    ("kind", "code"), [(UsageError, 2), (InputRefused, 3), (ModelError, 4), (EnvironmentFault, 5)]
)
def test_exit_codes(kind: type[SpineimgError], code: int) -> None:
    error = kind("some-code", "what happened", "do this", Path("/scan"))
    assert error.exit_code == code
    assert str(error) == "error[some-code]: what happened, /scan; do this"


def test_a_place_that_the_message_names_is_not_said_twice() -> None:
    assert (
        str(UsageError("c", "nothing at /scan", "look", Path("/scan"))) == "error[c]: nothing at /scan; look"
    )


def test_an_error_comes_back_from_another_process() -> None:
    error = pickle.loads(pickle.dumps(InputRefused("c", "m", "r", Path("/scan"))))
    assert (error.code, error.message, error.remedy, error.where) == ("c", "m", "r", Path("/scan"))
    assert isinstance(error, InputRefused)
