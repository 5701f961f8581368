"""Age at the baseline scan, as exactly as the clinical table allows."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from spineimg.trial.clinical import ClinicalRow
from spineimg.trial.records import CriterionVerdict

DAYS_A_YEAR = 365.25
_VERDICT: dict[bool, CriterionVerdict] = {True: "met", False: "not_met"}


@dataclass(frozen=True, slots=True)
class Age:
    """Age in years: the range that is possible, and where it comes from."""

    low_years: float
    high_years: float
    source: str

    @property
    def middle_years(self) -> float:
        """Middle of the range: what a model takes."""
        return (self.low_years + self.high_years) / 2


def age_at(row: ClinicalRow | None, date: datetime.date) -> Age | None:
    """Age on a date; None when the table does not say.

    A day of birth gives it to the day; a year alone leaves almost two years (31 December to 1 January); an
    age given as whole years leaves one.
    """
    values = row.values if row is not None else {}
    birth = values.get("birth_date")
    if birth is not None:
        years = (date - birth).days / DAYS_A_YEAR
        return Age(years, years, "birth_date")
    year = values.get("birth_year")
    if year is not None:
        first, last = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
        return Age((date - last).days / DAYS_A_YEAR, (date - first).days / DAYS_A_YEAR, "birth_year")
    age = values.get("age_at_baseline")
    return None if age is None else Age(age, age, "age_at_baseline")


def completed_years(birth: datetime.date, date: datetime.date) -> int:
    """Birthdays since birth; one on 29 February counts on 1 March in other years."""
    return date.year - birth.year - ((date.month, date.day) < (birth.month, birth.day))


def age_verdict(
    row: ClinicalRow | None, date: datetime.date, low_years: int, high_years: int
) -> tuple[CriterionVerdict, str]:
    """Whether a patient is low to high years old, both included, on a date.

    A year of birth alone leaves the limits open: the year of the lower birthday, and, because "to 65" may
    end with that birthday or with the next, the years of both (**ours**: unknown rather than one reading).
    """
    values = row.values if row is not None else {}
    birth, year, age = values.get("birth_date"), values.get("birth_year"), values.get("age_at_baseline")
    if birth is not None:
        years = completed_years(birth, date)
        return _VERDICT[
            low_years <= years <= high_years
        ], f"{years} years at the baseline scan, by date of birth"
    if age is not None:
        inside = low_years <= age < high_years + 1
        contradiction = year is not None and not date.year - year - 1 <= age < date.year - year + 1
        if contradiction:
            return "unknown", f"age {age:g} and year of birth {year} contradict each other"
        return _VERDICT[inside], f"{age:g} years at baseline as given"
    if year is not None:
        span = date.year - year
        words = f"{span - 1} or {span} years, by year of birth alone"
        if span in (low_years, high_years, high_years + 1):
            return "unknown", f"{words}: a limit lies there"
        return _VERDICT[low_years < span < high_years], words
    return "unknown", "neither birth date, birth year nor age is given"
