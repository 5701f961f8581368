"""The published SINS table as data (Fisher et al., Spine 2010;35:E1221)."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from spineimg.core.errors import UsageError
from spineimg.core.levels import Level
from spineimg.core.scores import ALLOWED_POINTS, COMPONENTS, Band, ComponentName, Components, Total


class Option(enum.Enum):
    """A row of the table: component and finding, in the words of the table."""

    JUNCTIONAL = ("location", "junctional")
    MOBILE = ("location", "mobile")
    SEMIRIGID = ("location", "semirigid")
    RIGID = ("location", "rigid")
    MECHANICAL = ("pain", "mechanical")
    OCCASIONAL = ("pain", "occasional, not mechanical")
    PAINLESS = ("pain", "painless")
    LYTIC = ("bone_lesion", "lytic")
    MIXED = ("bone_lesion", "mixed")
    BLASTIC = ("bone_lesion", "blastic")
    TRANSLATION = ("alignment", "subluxation or translation")
    DEFORMITY = ("alignment", "de novo deformity (kyphosis or scoliosis)")
    ALIGNED = ("alignment", "normal")
    COLLAPSE_ABOVE_HALF = ("collapse", ">50%")
    COLLAPSE_BELOW_HALF = ("collapse", "<50%")
    BODY_INVOLVED = ("collapse", "none, with >50% of body involved")
    NO_COLLAPSE = ("collapse", "none of the above")
    BILATERAL = ("posterolateral", "bilateral")
    UNILATERAL = ("posterolateral", "unilateral")
    NO_POSTEROLATERAL = ("posterolateral", "none")

    @property
    def component(self) -> str:
        """Component that the row belongs to."""
        return self.value[0]

    @property
    def finding(self) -> str:
        """The finding in the words of the table."""
        return self.value[1]


POINTS: Mapping[Option, int] = MappingProxyType(
    {
        Option.JUNCTIONAL: 3,
        Option.MOBILE: 2,
        Option.SEMIRIGID: 1,
        Option.RIGID: 0,
        Option.MECHANICAL: 3,
        Option.OCCASIONAL: 1,
        Option.PAINLESS: 0,
        Option.LYTIC: 2,
        Option.MIXED: 1,
        Option.BLASTIC: 0,
        Option.TRANSLATION: 4,
        Option.DEFORMITY: 2,
        Option.ALIGNED: 0,
        Option.COLLAPSE_ABOVE_HALF: 3,
        Option.COLLAPSE_BELOW_HALF: 2,
        Option.BODY_INVOLVED: 1,
        Option.NO_COLLAPSE: 0,
        Option.BILATERAL: 3,
        Option.UNILATERAL: 1,
        Option.NO_POSTEROLATERAL: 0,
    }
)

LOCATIONS: Mapping[Level, Option] = MappingProxyType(
    {
        **dict.fromkeys((Level.C1, Level.C2, Level.C7, Level.T1, Level.T2), Option.JUNCTIONAL),
        **dict.fromkeys((Level.T11, Level.T12, Level.L1, Level.L5, Level.S1), Option.JUNCTIONAL),
        **dict.fromkeys((Level.C3, Level.C4, Level.C5, Level.C6), Option.MOBILE),
        **dict.fromkeys((Level.L2, Level.L3, Level.L4), Option.MOBILE),
        **dict.fromkeys((Level.T3, Level.T4, Level.T5, Level.T6), Option.SEMIRIGID),
        **dict.fromkeys((Level.T7, Level.T8, Level.T9, Level.T10), Option.SEMIRIGID),
        **dict.fromkeys((Level.S2, Level.S3, Level.S4, Level.S5), Option.RIGID),
    }
)
"""Region of every level that the table names; T13, L6 and the undivided sacrum are in `location`."""

BANDS: tuple[tuple[Band, int, int], ...] = (
    ("stable", 0, 6),
    ("potentially_unstable", 7, 12),
    ("unstable", 13, 18),
)
"""Band, its lowest and its highest total."""


def checked(component: ComponentName, points: Iterable[int]) -> tuple[int, ...]:
    """Points that the table knows, ascending, each once.

    Raises
    ------
    UsageError
        ``sins-impossible-points`` for a value that the table does not have (pain 2, bone lesion 3, ...).
    """
    found = tuple(sorted(set(points)))
    allowed = ALLOWED_POINTS[component]
    for value in found:
        if value not in allowed:
            raise UsageError(
                "sins-impossible-points",
                f"SINS has no {value} points for {component}",
                f"use one of {', '.join(str(p) for p in allowed)}",
            )
    return found


def total_of(components: Components) -> Total:
    """Sum of the lowest and sum of the highest possible points."""
    found = [component.possible for _, component in components.items()]
    return Total(sum(points[0] for points in found), sum(points[-1] for points in found))


def bands_of(total: Total) -> tuple[Band, ...]:
    """Bands that the range of a total reaches; one member when the whole range lies in one band."""
    return tuple(band for band, low, high in BANDS if total.low <= high and total.high >= low)


def total_from_points(points: Mapping[ComponentName, int]) -> Total:
    """Total of six decided components, as a reader adds them up.

    Raises
    ------
    UsageError
        ``sins-impossible-points`` for a value that the table does not have; ``sins-incomplete`` for a
        component left out.
    """
    missing = [name for name in COMPONENTS if name not in points]
    if missing:
        raise UsageError("sins-incomplete", f"no points for {missing[0]}", "give all six components")
    total = sum(checked(name, (points[name],))[0] for name in COMPONENTS)
    return Total(total, total)
