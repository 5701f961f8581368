"""Level names as people write them."""

from __future__ import annotations

import re

from spineimg.core.errors import UsageError
from spineimg.core.levels import Level

_NAME = re.compile(r"(C|T|TH|D|L|S)\s*[-.]?\s*0*(\d{1,2})")
_LETTER = {"TH": "T", "D": "T"}
_BY_NAME = {level.value.upper(): level for level in Level}


def parse_level(name: str) -> Level:
    """Level of a name: any case, spaces allowed, also Th12 or D12 for T12.

    Raises
    ------
    UsageError
        ``level-unknown`` when no level has this name.
    """
    text = name.strip().upper()
    match = _NAME.fullmatch(text)
    if match:
        text = f"{_LETTER.get(match[1], match[1])}{match[2]}"
    if text not in _BY_NAME:
        raise UsageError(
            "level-unknown", f"no level '{name.strip()}'", "use C1-C7, T1-T13, L1-L6, sacrum or S1-S5"
        )
    return _BY_NAME[text]
