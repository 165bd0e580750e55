"""The chain of parent tasks (nhiệm vụ cấp trên): a task carries out tasks of the plans above, and others below carry it out.

Both ways it is many to many: in Khánh Hòa one central task became five local ones (NV 9), some rows quote two, and a commune's
list quotes the province's rows in its turn; a local initiative has no parent (DOMAIN 2.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal, Protocol, TypeVar

from common.errors import FieldProblem, Words
from tasks.domain.findings import Finding

LONGEST = 8
"""Tasks in a chain, both ends included: it bounds every walk. Four are seen with numbers (DOMAIN 2.4: Politburo, central
plan, province, commune), and each body may hand on within itself."""

Links = Mapping[str, Sequence[str]]
"""By task, the tasks next to it: all parents, or all children."""
Carrying = Literal["issued", "draft", "silent"]


class Dated(Protocol):
    """All of a task that its place in a chain of deadlines depends on."""

    @property
    def state(self) -> str: ...
    @property
    def due_on(self) -> date | None: ...


D = TypeVar("D", bound=Dated)


def chain_length(first: Iterable[str], links: Links) -> int:
    """Tasks in the longest chain that begins with one of these; `LONGEST` + 1 for all that are longer, and for a circle."""
    level, length = set(first), 0
    while level and length <= LONGEST:
        level, length = {after for one in level for after in links.get(one, ())}, length + 1
    return length


def link_problems(task_id: str, parent_ids: Sequence[str], above: Links, below: Links) -> list[FieldProblem]:
    """What speaks against these parents: a task that stands above itself, or a chain that becomes too long."""
    message = Words("Nhiệm vụ không đứng trên chính nó.", "No task stands above itself.")
    repair = Words("Hãy bỏ nhiệm vụ này: nó là cấp dưới.", "Leave it out: it stands below.")
    circles = [
        FieldProblem(f"parent_task_ids.{place}", "parent_circle", message, repair, parent)
        for place, parent in enumerate(parent_ids)
        if task_id in _reached(parent, above)
    ]
    length = 0 if circles else chain_length(parent_ids, above) + chain_length([task_id], below)
    if length <= LONGEST:
        return circles
    message = Words(f"Chuỗi dài hơn {LONGEST} nhiệm vụ.", f"The chain would have more than {LONGEST} tasks.")
    repair = Words("Hãy nối với nhiệm vụ ở cấp cao hơn.", "Link it to a task of a higher level.")
    return [FieldProblem("parent_task_ids", "chain_too_long", message, repair)]


def _reached(first: str, links: Links) -> set[str]:
    found, level = {first}, {first}
    while level:
        level = {after for one in level for after in links.get(one, ())} - found
        found |= level
    return found


def due_before(task: Dated, parents: Iterable[D]) -> list[D]:
    """Parents whose due day comes before that of the task: its result would come too late for them."""
    if task.due_on is None or task.state in ("completed", "cancelled"):
        return []
    return [one for one in parents if one.due_on is not None and one.due_on < task.due_on and one.state != "cancelled"]


def due_after_parent(task: Dated, parents: Iterable[Dated]) -> Finding | None:
    """What is said of a task that is due after a parent of its (a finding; the committee may have it refused)."""
    days = [one.due_on for one in due_before(task, parents) if one.due_on is not None]
    if not days:
        return None
    first = min(days)
    return Finding(
        "due_after_parent",
        "warning",
        "due_on",
        Words(f"Hạn muộn hơn hạn của nhiệm vụ cấp trên ({first:%d/%m/%Y}).", f"It is due after the task above it, on {first}."),
        str(task.due_on),
        Words("Hãy đặt hạn sớm hơn, hoặc xin gia hạn nhiệm vụ cấp trên.", "Set an earlier day, or have the other extended."),
    )


def carrying(states: Iterable[str]) -> Carrying:
    """Where a unit stands towards a task above, by the states of what it leads below it: a cancelled one carries nothing."""
    live = set(states) - {"cancelled"}
    return "silent" if not live else "draft" if live == {"draft"} else "issued"
