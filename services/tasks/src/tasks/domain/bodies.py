"""Which body of the register a name in a plan means on a day, also when the body has since been merged into another.

51 of the 140 rows of Resolution 03/NQ-CP name a ministry that ended seven weeks later (golden case G074).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal, NamedTuple

from tasks.domain.directory import Succession, Unit
from tasks.domain.leads import Names, name_key

How = Literal["present", "successor", "several", "elsewhere", "unknown"]


class Found(NamedTuple):
    """`unit` stands on the day: `present` bears the name itself, a `successor` follows the body that bore it.

    `several` bear or follow it; one that is `elsewhere` belongs to another province, whose plan is only a sample.
    """

    how: How
    unit: Unit | None = None


class Bodies:
    """Agencies by their names, present and former, on one day."""

    def __init__(self, agencies: Iterable[Unit], successions: Iterable[Succession], day: date) -> None:
        self._day = day
        self._by_id = {agency.id: agency for agency in agencies}
        self._bearers: dict[tuple[str, ...], list[Unit]] = {}
        self._heirs: dict[tuple[str, ...], list[Unit]] = {}
        for agency in self._by_id.values():
            self._bearers.setdefault(name_key(agency.full_name), []).append(agency)
            for name in agency.former_names:
                self._heirs.setdefault(name_key(name), []).append(agency)
        self._followed: dict[str, list[str]] = {}
        for succession in successions:
            if succession.effective_on <= day:
                self._followed.setdefault(succession.from_unit_id, []).append(succession.to_unit_id)
        self.names = Names(name for agency in self._by_id.values() for name in (agency.full_name, *agency.former_names))
        self.written = [agency.full_name for agency in self._by_id.values()]

    def find(self, name: str, *, foreign: bool = False) -> Found:
        """The body that a name means. In a plan of another province (`foreign`) only central bodies are ours as well."""
        key = name_key(name)
        bearers = self._bearers.get(key, [])
        standing = [unit for unit in bearers if unit.stands_on(self._day)]
        how: How = "present" if standing else "successor"
        found = standing or self._successors(bearers, self._heirs.get(key, []))
        if foreign and found:
            found = [unit for unit in found if unit.level == "central"]
            if not found:
                return Found("elsewhere")
        if not found:
            return Found("unknown")
        return Found(how, found[0]) if len(found) == 1 else Found("several")

    def _successors(self, ended: Iterable[Unit], heirs: Iterable[Unit]) -> list[Unit]:
        """Who stands today behind bodies that ended: by registered successions, and by former names."""
        waiting, seen = [*(unit.id for unit in ended), *(unit.id for unit in heirs)], dict[str, Unit]()
        passed: set[str] = set()
        while waiting:
            unit_id = waiting.pop()
            unit = self._by_id.get(unit_id)
            if unit_id in passed or unit is None:
                continue
            passed.add(unit_id)
            if unit.stands_on(self._day):
                seen[unit.id] = unit
            else:
                waiting += self._followed.get(unit_id, [])
        return list(seen.values())
