"""Working days of the province: Monday to Friday less holidays, plus weekend days that were swapped in.

Which days those are is data of the committee: the 100-day plan has its 100 working days only when 1-2 September are off
(DOMAIN 5.6, golden cases G031 and G032).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

WeekendRule = Literal["keep", "before", "after"]
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """`holidays` are days off besides weekends, `worked` weekend days that are worked in exchange (làm bù)."""

    holidays: Collection[date] = ()
    worked: Collection[date] = ()

    def is_one(self, day: date) -> bool:
        return day in self.worked or (day.weekday() < _SATURDAY and day not in self.holidays)

    def count(self, first: date, last: date) -> int:
        """Working days between two days, both included."""
        return sum(self.is_one(first + timedelta(days=number)) for number in range((last - first).days + 1))

    def after(self, day: date, number: int) -> date:
        """The working day that is so many working days after a day; the day itself is not counted. `number` >= 1."""
        while number > 0:
            day += timedelta(days=1)
            number -= self.is_one(day)
        return day

    def shifted(self, day: date, rule: WeekendRule) -> date:
        """A day that falls on a day off, moved as the committee says; no text read says which way (DOMAIN 1.4)."""
        step = {"keep": 0, "before": -1, "after": 1}[rule]
        while step and not self.is_one(day):
            day += timedelta(days=step)
        return day
