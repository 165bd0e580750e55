"""Months in which work is reported, and the days that belong to them."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from tasks.domain.working_days import WeekendRule, WorkingDays

PERIOD = r"^(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])$"


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month; `str()` gives `2026-11`."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @classmethod
    def read(cls, text: str) -> Month:
        """Raises ValueError for anything but `YYYY-MM`."""
        if not re.fullmatch(PERIOD, text):
            raise ValueError(f"{text!r} is no month")
        return cls(int(text[:4]), int(text[5:]))

    @classmethod
    def of(cls, day: date) -> Month:
        return cls(day.year, day.month)

    @property
    def first(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        return date(self.year, self.month, monthrange(self.year, self.month)[1])

    def plus(self, months: int) -> Month:
        count = self.year * 12 + self.month - 1 + months
        return Month(count // 12, count % 12 + 1)

    def until(self, last: Month) -> Iterator[Month]:
        """This month and the ones after it, `last` included."""
        one = self
        while one <= last:
            yield one
            one = one.plus(1)

    def quarter_so_far(self) -> list[Month]:
        """The months of its quarter from the first to this one."""
        return [self.plus(-back) for back in range((self.month - 1) % 3, -1, -1)]

    def day(self, number: int, weekend: WeekendRule) -> date:
        """The day of this number (the last, where the month is shorter), moved off a weekend as the rule says.

        The 22nd or the 25th falls on one in 8 of 12 months of 2026, and no text read says which way it goes (golden cases
        G034-G041): a setting of each plan.
        """
        return WorkingDays().shifted(date(self.year, self.month, min(number, self.last.day)), weekend)
