"""What a reorganisation (sắp xếp đơn vị) does to one task: pure rules, the same for the rehearsal and for the execution.

A unit that is followed by one whole unit, alone or together with others, hands its tasks over by rule. A unit that was split
cannot: which part's task it is, somebody has to say; five of the 330 old communes of 2025 were split (DOMAIN 5.2). A unit
that ends without a successor (the districts) has nobody to hand over to: its tasks ask as well. Coordinators may be many
(226-KL/TW knows one lead alone), so that all parts of a split unit coordinate where it did.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from common.contracts.tasks_reorganisation import TaskHandedOver
from tasks.domain.directory import Succession, Unit
from tasks.domain.matters import HandOver
from tasks.domain.task import Changes, Task
from tasks.domain.text import each_once, fold

How = Literal["rule", "choice", "orphan"]
"""Whether a unit's tasks move by rule, need a choice among its successors, or have no successor at all."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a unit: who follows it, and, where somebody had to say, whose its tasks are unless said otherwise."""

    unit_id: str
    how: How
    heirs: tuple[str, ...]
    default: str | None = None

    def heir(self, chosen: str | None = None) -> str | None:
        """The unit that takes a task over; None while somebody has to say."""
        return self.heirs[0] if self.how == "rule" else chosen or self.default

    def stand_ins(self) -> tuple[str, ...]:
        """Who coordinates in its place: itself where it goes on or nobody is known to follow it."""
        if self.unit_id in self.heirs:
            return (self.unit_id,)
        return self.heirs or (self.default or self.unit_id,)


def fates(successions: Iterable[Succession], units: Mapping[str, Unit], ended: Iterable[str], day: date) -> dict[str, Fate]:
    """What becomes of every unit on a day, by id: of those that are followed, and of those that `ended` without a successor.

    Moves by rule: one successor, wholly. A part that was given away asks, also of a unit that goes on: it may keep the task.
    A successor that is itself followed wholly on that very day is passed through.
    """
    followed: dict[str, list[Succession]] = {}
    for one in successions:
        followed.setdefault(one.from_unit_id, []).append(one)
    found: dict[str, Fate] = {}
    for unit_id, relations in followed.items():
        heirs = sorted({one.to_unit_id for one in relations})
        partial = [one.kind == "partial" for one in relations]
        if len(heirs) == 1 and not any(partial):
            found[unit_id] = Fate(unit_id, "rule", tuple(heirs))
        else:
            stays = [unit_id] if all(partial) and units[unit_id].stands_on(day) else []
            found[unit_id] = Fate(unit_id, "choice", (*heirs, *stays))
    through = {one: _last(found, one, units, day) for one in found}
    reached = {
        unit_id: Fate(unit_id, fate.how, tuple(each_once(through.get(heir, heir) for heir in fate.heirs)))
        for unit_id, fate in found.items()
    }
    return reached | {one: Fate(one, "orphan", ()) for one in ended if one not in reached}


def _last(found: Mapping[str, Fate], unit_id: str, units: Mapping[str, Unit], day: date) -> str:
    """The unit at the end of a chain of whole successions of one day; units that exchange their tasks end it."""
    passed: set[str] = set()
    while unit_id in found and found[unit_id].how == "rule" and not units[unit_id].stands_on(day) and unit_id not in passed:
        passed.add(unit_id)
        unit_id = found[unit_id].heirs[0]
    return unit_id


@dataclass(frozen=True, slots=True)
class Move:
    """What a reorganisation would do to a task. `lead` is None for a task that has none, or while it is `undecided`."""

    fate: Fate
    """Of its lead, or of the first of its coordinators that is followed when the lead stays."""
    lead: str | None
    coordinators: tuple[str, ...]
    leads: bool
    """The lead is concerned; otherwise coordinators alone are."""
    undecided: bool = False
    followed: Mapping[str, str] = field(default_factory=dict)
    """Who follows, by rule, a unit that owes a part or reaches a party."""
    double_lead: bool = False
    """Its lead and one of its coordinators would be the same unit, which then leads alone."""


def is_live(task: Task) -> bool:
    """True while somebody still has to do something about it: what is done stays with the unit that did it."""
    return task.state not in ("completed", "cancelled") or task.goes_on_when_done


def move_of(task: Task, fates: Mapping[str, Fate], chosen: str | None = None) -> Move | None:
    """What becomes of a task when units go these ways and somebody may have `chosen` its new lead; None: nothing."""
    lead = fates.get(task.lead_unit_id or "")
    concerned = [fate for one in task.coordinator_unit_ids if (fate := fates.get(one)) is not None]
    if not is_live(task) or (lead is None and not concerned):
        return None
    heir = task.lead_unit_id if lead is None else lead.heir(chosen)
    stand_ins = each_once(
        new for one in task.coordinator_unit_ids for new in (fates[one].stand_ins() if one in fates else (one,))
    )
    move = Move(
        fate=concerned[0] if lead is None else lead,
        lead=heir,
        coordinators=tuple(one for one in stand_ins if one != heir),
        leads=lead is not None,
        undecided=lead is not None and heir is None,
        followed={one: fates[one].heirs[0] for one in _named(task) if one in fates and fates[one].how == "rule"},
        double_lead=heir is not None and heir in stand_ins and task.lead_unit_id not in task.coordinator_unit_ids,
    )
    same = (move.lead, list(move.coordinators)) == (task.lead_unit_id, task.coordinator_unit_ids)
    return None if same and not move.undecided else move


def _named(task: Task) -> list[str]:
    """Units that owe a part, or reach a party."""
    return each_once((*(one.unit_id for one in task.parts), *(one.unit_id for one in task.parties)))


Text = tuple[str, str, str]
"""Unit, paper and folded words of a task: two tasks that agree in them say the same."""


def text_of(task: Task, lead: str) -> Text:
    return lead, task.directive_id or "", fold(task.title)


def said_twice(texts: Iterable[Text]) -> set[Text]:
    """What one unit would be told to do more than once, because several units were told so that become one."""
    return {text for text, times in Counter(texts).items() if times > 1}


# --- the hand-over itself ---


def was_handed_over(task: Task, reorganisation_id: str) -> bool:
    """True when this reorganisation has done with the task what it does: it is never done twice."""
    return any(one.reorganisation_id == reorganisation_id for one in task.handovers)


def hand_over(task: Task, move: Move, reorganisation_id: str, on: date, at: datetime) -> None:
    """Give the task to the unit that follows. Whoever follows a unit takes its tasks as they stand: state, due day, evidence,
    extensions and disputes, promises, and the steps of lateness that were said. Who is responsible stays so until the new unit
    assigns it anew. Parts that are missing and parties go with a unit that is followed by rule; the lead sees the others stand
    with the unit that ended, and asks anew.
    """
    lead, coordinators = task.lead_unit_id, task.coordinator_unit_ids
    task.lead_unit_id, task.coordinator_unit_ids = move.lead, list(move.coordinators)
    for part in task.parts:
        if part.missing:
            part.unit_id = move.followed.get(part.unit_id, part.unit_id)
    for party in task.parties:
        party.unit_id = move.followed.get(party.unit_id, party.unit_id)
    task.handovers.append(
        HandOver(
            reorganisation_id=reorganisation_id,
            on=on,
            at=at,
            from_unit_id=lead,
            to_unit_id=move.lead,
            coordinators_before=coordinators,
        )
    )
    pairs: Changes = {
        "lead_unit_id": [lead, move.lead],
        "coordinator_unit_ids": [coordinators, task.coordinator_unit_ids],
    }
    task.tell(
        TaskHandedOver, "handed_over", "", {name: pair for name, pair in pairs.items() if pair[0] != pair[1]},
        reorganisation_id=reorganisation_id, effective_on=on, former_lead_unit_id=lead,
        coordinator_unit_ids=task.coordinator_unit_ids,
    )  # fmt: skip


def led_on(task: Task, day: date) -> str | None:
    """The unit that led the task on a day, as far as reorganisations changed that: what a unit handed in, or let fall due,
    before it ended stays its own.
    """
    lead = task.lead_unit_id
    for one in reversed(task.handovers):
        if day < one.on:
            lead = one.from_unit_id
    return lead
