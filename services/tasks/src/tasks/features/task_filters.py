"""What a list of tasks may be asked for, and in which order: the same for a page, an export and a list that was saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from fastapi import Query
from pydantic import ConfigDict, TypeAdapter

from common.contracts.fields import IsoDay, Timeliness
from common.domain import Actor
from common.errors import FieldProblem, Invalid, NotFound, Words
from common.repository import Reader
from tasks.domain.committee import Committee
from tasks.domain.marks import Mark
from tasks.domain.pending import Pending
from tasks.domain.task import Asks, State, Task
from tasks.domain.timeliness import matching
from tasks.domain.views import TaskList
from tasks.store import BEHIND_ALL, TASKS, TO_DO, VIEWS, due_key, keyed_between, order_key, searched_for, visible_tasks

Sort = Literal["-created_at", "created_at", "due_on"]
Text = Annotated[str | None, Query(max_length=128)]
ViewName = Annotated[str, Query(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", examples=["late-this-week"])]


@dataclass(frozen=True, slots=True)
class Filters:
    """Everything that is given must match."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", str_strip_whitespace=True)

    unit: Annotated[str | None, Query(max_length=128, description="Leads or coordinates it")] = None
    directive: Text = None
    parent: Annotated[str | None, Query(max_length=128, description="Carries out this task")] = None
    state: State | None = None
    timeliness: Timeliness | None = None
    due_before: Annotated[IsoDay | None, Query(description="Due on an earlier day, itself or an open period")] = None
    responsible: Text = None
    reference: Text = None
    sample: Literal["foreign", "demo"] | None = None
    asks: Annotated[Asks | None, Query(description="Somebody has to decide about it")] = None
    pending: Annotated[Pending | None, Query(description="What waits for somebody")] = None
    mark: Annotated[Mark | None, Query(description="What its means are marked with")] = None
    focus: Annotated[bool | None, Query(description="Stands on the short list")] = None
    owing: Annotated[str | None, Query(max_length=128, description="This unit owes the lead its part")] = None
    disputed: Annotated[bool | None, Query(description="A dispute waits for its answer")] = None
    q: Annotated[
        str | None,
        Query(max_length=200, description="All of these words, with or without tone marks; the last may be a beginning"),
    ] = None
    sort: Annotated[
        Sort | None,
        Query(
            description="`-created_at`, newest first, when left out. `due_on`: what is still to be done by its due day, those "
            "without one behind, and then what is done or cancelled; not for a search (`q`), which is by the time of writing"
        ),
    ] = None

    def given(self) -> dict[str, Any]:
        """What is asked for, as JSON says it."""
        found: dict[str, Any] = FILTERS.dump_python(self, mode="json", exclude_none=True)
        return found


FILTERS = TypeAdapter(Filters)


class Order(NamedTuple):
    """A derived key by which tasks are listed: one task stands behind each."""

    field: str
    sign: str
    key: Callable[[Task], str]


ORDERS: Mapping[Sort, Order] = {
    "-created_at": Order("_d.order", "-", order_key),
    "created_at": Order("_d.order", "", order_key),
    "due_on": Order("_d.by_due", "", due_key),
}


@dataclass(frozen=True)
class TaskQuery:
    """A list on a day. The same list goes on behind any key."""

    filters: Filters
    actor: Actor
    today: date
    rules: Committee

    def __post_init__(self) -> None:
        if self.sort == "due_on" and self.words:
            message = Words("Kết quả tìm kiếm xếp theo thời điểm lập.", "A search is listed by the time of writing.")
            repair = Words("Hãy bỏ q hoặc sort=due_on.", "Leave out q, or sort=due_on.")
            raise Invalid(message, [FieldProblem("sort", "sort_of_search", message, repair, self.sort)])

    @property
    def words(self) -> str:
        """What is searched for; nothing is no search."""
        return (self.filters.q or "").strip()

    @property
    def sort(self) -> Sort:
        return self.filters.sort or "-created_at"

    @property
    def order(self) -> Order:
        return ORDERS[self.sort]

    def place(self, task: Task) -> str:
        """Where a task stands in this list: what a cursor holds. Names the order, which a saved list may change."""
        return f"{self.sort} {self.order.key(task)}"

    def behind(self, place: str | None) -> str | None:
        """The key of a place. Raises `Invalid` for one in another order."""
        if place is None:
            return None
        sort, _, key = place.partition(" ")
        if sort != self.sort:
            message = Words("Danh sách đã lưu nay xếp thứ tự khác.", "The saved list has another order now.")
            repair = Words("Hãy đọc lại từ trang đầu.", "Begin again with the first page.")
            raise Invalid(message, [FieldProblem("cursor", "order_changed", message, repair)])
        return key

    def condition(self, after: str | None) -> dict[str, Any]:
        """What tasks of this list fulfil that stand behind a key."""
        wanted = self.filters
        asked = {
            "_d.units": wanted.unit,
            "directive_id": wanted.directive,
            "parent_task_ids": wanted.parent,
            "state": wanted.state,
            "responsible_id": wanted.responsible,
            "reference": wanted.reference,
            "sample": wanted.sample,
            "asks": wanted.asks,
            "_d.pending": wanted.pending,
            "_d.marks": wanted.mark,
            "_d.owing": wanted.owing,
        }
        found: list[Any] = [{name: value for name, value in asked.items() if value is not None}, visible_tasks(self.actor)]
        if wanted.timeliness is not None:
            found.append(matching(wanted.timeliness, self.today, self.rules))
            if self.sort == "due_on":
                found.append(self._days(wanted.timeliness))
        if wanted.disputed is not None:
            found.append({"_d.pending": "dispute" if wanted.disputed else {"$ne": "dispute"}})
        if wanted.focus is not None:
            found.append({"_d.marks": "focus" if wanted.focus else {"$ne": "focus"}})
        if wanted.due_before is not None:
            before = {"$lt": wanted.due_before.isoformat()}
            found.append({"$or": [{"due_on": before}, {"_d.owes": True, "_d.unclosed_on": before}]})
        if self.words:
            found.append(searched_for(self.words))
        if after is not None:
            found.append({self.order.field: {"$lt" if self.order.sign else "$gt": after}})
        return {"$and": [one for one in found if one] or [{}]}

    def _days(self, timeliness: Timeliness) -> dict[str, Any]:
        """The range of keys in which all tasks are that stand so: a late list reads what is late, and nothing else."""
        if timeliness not in ("overdue", "nearly_due"):
            return {}
        today, soon = self.today, self.today + timedelta(days=self.rules.nearly_due_days)
        if timeliness == "overdue":
            # a period that waits for its approval may be late while its task stands where it is to be done next
            until = "~" if self.rules.lateness_counts == "approval" else today
            return keyed_between("by_due", TO_DO, f"{TO_DO}{until}")
        return keyed_between("by_due", f"{TO_DO}{today}", f"{TO_DO}{soon}/{BEHIND_ALL}")

    async def page(self, reader: Reader, after: str | None, limit: int) -> list[Task]:
        """So many tasks behind a key."""
        order = self.order
        return await reader.find(TASKS, self.condition(after), sort=(order.sign + order.field,), limit=limit)


async def find_view(reader: Reader, actor: Actor, name: str) -> TaskList:
    """A list that this caller saved. Raises `NotFound`."""
    found = await reader.get(VIEWS, TaskList.id_of(str(actor), name))
    if found is None:
        raise NotFound.of(Words(*TaskList.noun), name)
    return found


async def asked_for(reader: Reader, actor: Actor, given: Filters, view: str | None) -> Filters:
    """What is asked for: what the saved list says, and what the caller says instead."""
    if view is None:
        return given
    saved = await find_view(reader, actor, view)
    found: Filters = FILTERS.validate_python({**saved.asks, **given.given()})
    return found
