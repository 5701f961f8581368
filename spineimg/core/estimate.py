"""A measured number with its interval, and a set of values that the data allow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value with its 95 % interval; the unit stands in the name of the field that holds it."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"not low <= value <= high: {self.low}, {self.value}, {self.high}")

    @classmethod
    def from_sd(cls, value: float, sd: float) -> Estimate:
        """Interval of 1.96 standard deviations on both sides."""
        return cls(value, value - 1.96 * sd, value + 1.96 * sd)

    def clipped(self, low: float, high: float) -> Estimate:
        """The estimate inside the limits that its quantity can have."""
        value, lower, upper = (min(max(x, low), high) for x in (self.value, self.low, self.high))
        return Estimate(value, lower, upper)

    def __str__(self) -> str:
        return f"{self.value:.1f} ({self.low:.1f} to {self.high:.1f})"


@dataclass(frozen=True, slots=True)
class Possible(Generic[T]):
    """The non-empty set of values the data allow, in their order; decided when it has one member."""

    values: tuple[T, ...]

    def __post_init__(self) -> None:
        if not self.values or len(set(self.values)) != len(self.values):
            raise ValueError(f"possible values: at least one, none twice, not {self.values!r}")

    @classmethod
    def of(cls, values: Iterable[T]) -> Possible[T]:
        """Collect values, each once, sorted."""
        return cls(tuple(sorted(set(values))))  # type: ignore[type-var]

    @property
    def decided(self) -> bool:
        """Whether one value is left."""
        return len(self.values) == 1

    def __or__(self, other: Possible[T]) -> Possible[T]:
        return Possible.of((*self.values, *other.values))
