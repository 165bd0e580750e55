"""Collections, indexes and named queries of the tasks service."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from common.domain import Actor
from common.errors import NotFound, Words
from common.mongo import Index
from common.outbox import new_id
from common.repository import A, D, Filter, Reader, Store
from common.unit_of_work import UnitOfWork
from tasks.domain.bodies import Bodies
from tasks.domain.catch_up import may_break, plan_reminder_from
from tasks.domain.chain import LONGEST
from tasks.domain.clears import Facts
from tasks.domain.committee import COMMITTEE_ID, Committee
from tasks.domain.concretisation import Asked, Concretisation, DirectiveLine
from tasks.domain.directive import Directive
from tasks.domain.directory import AGENCY_LEVELS, Person, PersonName, Succession, Unit
from tasks.domain.dispute import is_disputed, open_dispute
from tasks.domain.document_number import read_number
from tasks.domain.handover import Fate, fates, is_live, led_on
from tasks.domain.issuers import Issuers, unit_spellings
from tasks.domain.leads import Names
from tasks.domain.load import Carried, weighs
from tasks.domain.long_import import ImportPart, LongImport
from tasks.domain.marks import marks
from tasks.domain.matters import LEVELS
from tasks.domain.month import Month
from tasks.domain.parts import owing, untold_day
from tasks.domain.pending import pending
from tasks.domain.periods import Period
from tasks.domain.reorganisation import OPEN as OPEN_REORGANISATIONS
from tasks.domain.reorganisation import Numbering, Reorganisation, TaskMove, UnitMove
from tasks.domain.report import Report, ReportBody, moment
from tasks.domain.reporting import ReportPlan, Submission
from tasks.domain.rubric import Rubric
from tasks.domain.scores import Score, ScoreFacts
from tasks.domain.scoring import RULES_ID, ScoringRules
from tasks.domain.standings import Board, Change, Group, Wait, added_up
from tasks.domain.steps import FEWEST, climbed, counted_from
from tasks.domain.target import Target, TargetActual
from tasks.domain.task import OPEN, HistoryLine, Task
from tasks.domain.text import body_key, fold, spelling, tokens
from tasks.domain.timeliness import next_due
from tasks.domain.views import TaskList
from tasks.domain.waiting import waits

Holder = Literal["_d.weighs_on_unit", "_d.weighs_on_person"]
"""On whom a task weighs: the unit that leads it, or the person who is responsible."""


def _instant(at: datetime) -> str:
    """A moment to the millisecond, as keys begin with it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}"


def order_key(task: Task) -> str:
    """Where a task stands in a list: by when it was written down, then by id."""
    return f"{_instant(task.created_at)}/{task.id}"


def due_key(task: Task) -> str:
    """Where a task stands in the order of what is to be done: open ones by the next due day, of their own or of a period, then
    those without one, then what is done or cancelled, likewise. What is done and owes a period is to be done.
    """
    done = task.state == "cancelled" or (task.state == "completed" and not task.owed_periods)
    return f"{DONE if done else TO_DO}{(task.due_on if done else next_due(task)) or '~'}/{task.id}"


TO_DO, DONE = "0/", "1/"
"""What the keys of open tasks begin with, and those of the others."""


def score_key(score: Score) -> str:
    """Where a score stands in a list: by its month, then by when it was computed, its number and its id."""
    return f"{score.period}/{_instant(score.at)}/{score.number:04d}/{score.id}"


def report_key(report: Report) -> str:
    """Where a report stands in a list: by its month, then by its plan."""
    return f"{report.period}/{report.plan_id}"


def issue_key(directive: Directive) -> str:
    """Where a directive stands in a list: by its day of issue, then by id."""
    return f"{directive.issued_on or ''}/{directive.id}"


def line_key(at: datetime, tail: str) -> str:
    """Where a line stands in a directive's history: by its moment, then by what makes it one of its own."""
    return f"{_instant(at)}/{tail}"


def _searched(task: Task) -> dict[str, Any]:
    units = [unit for unit in (task.lead_unit_id, *task.coordinator_unit_ids) if unit is not None]
    people = [person for person in (task.responsible_id, task.approver_id) if person is not None]
    return {
        "order": order_key(task),
        "by_due": due_key(task),
        "units": units,
        "seen_by": [*(f"unit:{unit}" for unit in units), *(f"person:{person}" for person in people)],
        "look": _on(task.look_on, task.id),
        "clock_of": None if task.clock is None else f"{task.clock.directive_id}/{task.id}",
        "waits": waits_key(task.directive_id, task.waits_for) + task.id if waits(task) else None,
        "tokens": tokens(" ".join((task.title, task.reference or "", task.lead_written, task.product))),
        "owing": owing(task),
        "weighs_on_unit": task.lead_unit_id if weighs(task) else None,
        "weighs_on_person": task.responsible_id if weighs(task) else None,
        "owes": True if task.owed_periods else None,
        "owed_on": _written(task.owed_on),
        "unclosed_on": _written(task.unclosed_on),
        **_untold(task.due_on if task.state in OPEN else None, task.told, task.id),
        "part_untold": _on(untold_day(task, 1), task.id),
        "part_due": _on(untold_day(task, 2), task.id),
        **_standing(task),
    }


def _standing(task: Task) -> dict[str, Any]:
    """What the ladder of lateness, the clock of disputes and that of promises look for."""
    start, waiting = counted_from(task), open_dispute(task) if is_disputed(task) else None
    answer_by = None if waiting is None or waiting.level == LEVELS[-1] else waiting.answer_by
    return {
        "pending": pending(task),
        "marks": marks(task),
        "late": _on(start, task.id),
        "climbed": climbed(task),
        "answer_by": _on(answer_by, task.id),
        "promised": _on(min((one.day for one in may_break(task)), default=None), task.id),
        "owes_plan": _on(plan_reminder_from(task), task.id),
    }


def _written(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _on(day: date | None, key: str) -> str | None:
    """Where something stands that is to be looked at on a day; None: nowhere."""
    return None if day is None else f"{day.isoformat()}/{key}"


def _untold(due_on: date | None, told: int, key: str) -> dict[str, str | None]:
    """Where stands what the clock has yet to say of a due day: that it is near, that it has passed."""
    due = _on(due_on, key)
    return {"untold": due if told < 1 else None, "due": due if told < 2 else None}


def waits_key(directive_id: str | None, body: str | None = None) -> str:
    """Where tasks of a directive stand that wait for a paper; of this body, when one is given."""
    return f"{directive_id or ''}|" + ("" if body is None else f"{body_key(body)}/")


def period_order(period: Period) -> str:
    """Where a period stands in the list of its task's: by its first day, then by its key."""
    return f"{period.starts_on.isoformat()}/{period.key}"


def _due(period: Period) -> dict[str, Any]:
    due_on = period.due_on if period.state == "in_progress" else None
    late = {"late": _on(due_on, period.id), "climbed": period.climbed}
    return {"order": period_order(period), **_untold(due_on, period.told, period.id), **late}


UNITS = Store(
    Unit,
    "units",
    (
        Index("level", "_id"),
        Index("code", "_id"),
        Index("parent_id", "_id"),
        Index("valid_to"),
        Index("_d.spelling"),
        Index("_d.tokens", "_id"),
    ),
    lambda unit: {"spelling": spelling(unit.full_name), "tokens": tokens(unit.full_name)},
)
SUCCESSIONS = Store(Succession, "successions", (Index("from_unit_id"), Index("to_unit_id"), Index("effective_on")))
PEOPLE = Store(Person, "people", (Index("unit_id", "_id"), Index("position", "_id")))
NAMES = Store(PersonName, "person_names")
"""The one place where a person's id meets a name; deleting a document here erases the name (Law 91/2025/QH15)."""
DIRECTIVES = Store(
    Directive,
    "directives",
    (
        Index("_d.canonical", "_d.issued_on"),
        Index("_d.issued_on"),
        Index("parent_id", "_d.issued_on"),
        Index("_d.awaited"),
        Index("_d.unfollowed"),
        Index("_d.asks_issuer"),
    ),
    lambda directive: {
        "canonical": fold(directive.canonical),
        "issued_on": issue_key(directive),
        "awaited": [body_key(body) for body in directive.awaited_as],
        "unfollowed": directive.id if directive.unfollowed else None,
        "asks_issuer": issue_key(directive) if directive.issuer_candidates else None,
    },
)
CONCRETISATIONS = Store(
    Concretisation,
    "concretisations",
    (Index("directive_id", "unit_id"), Index("_d.papers")),
    lambda row: {"papers": [entry.directive_id for entry in row.papers]},
)
DIRECTIVE_LINES = Store(
    DirectiveLine,
    "directive_lines",
    (Index("directive_id", "_d.order"),),
    lambda line: {"order": line_key(line.at, line.id)},
)
TASKS = Store(
    Task,
    "tasks",
    (
        Index("lead_unit_id", "due_on"),
        Index("-_d.order"),
        Index("_d.seen_by", "-_d.order"),
        Index("_d.units", "-_d.order"),
        Index("state", "-_d.order"),
        Index("directive_id", "-_d.order"),
        Index("parent_task_ids", "-_d.order"),
        Index("responsible_id", "-_d.order"),
        Index("reference", "-_d.order"),
        Index("source", "reference"),
        Index("_d.tokens", "-_d.order"),
        Index("_d.by_due"),
        *(Index(field, "_d.by_due") for field in ("_d.seen_by", "_d.units", "state", "directive_id", "responsible_id")),
        *(Index(field, "_d.by_due") for field in ("asks", "_d.pending")),
        Index("_d.untold"),
        Index("_d.due"),
        Index("_d.part_untold"),
        Index("_d.part_due"),
        Index("_d.look"),
        Index("_d.clock_of"),
        Index("_d.waits"),
        Index("waits_for"),
        Index("asks", "-_d.order"),
        Index("_d.pending", "-_d.order"),
        Index("_d.marks", "-_d.order"),
        Index("_d.owing", "-_d.order"),
        Index("_d.weighs_on_unit", "_d.weighs_on_person"),
        Index("_d.weighs_on_person"),
        Index("_d.owes", "-_d.order"),
        Index("_d.owes", "_d.by_due"),
        Index("lead_unit_id", "last_period_due_on"),
        Index("handovers.from_unit_id", "last_period_due_on"),
        Index("_d.climbed", "_d.late"),
        Index("_d.answer_by"),
        Index("_d.promised"),
        Index("_d.owes_plan"),
        Index("handovers.reorganisation_id"),
        Index("handovers.from_unit_id", "due_on"),
    ),
    _searched,
)
BOARDS = Store(Board, "boards")
BOARD_CHANGES = Store(Change, "board_changes")
"""What boards do not hold yet. Only ever inserted into and deleted from, so that no writer waits for another (ADR 0011)."""
IMPORTS = Store(LongImport, "imports", (Index("_d.open"),), lambda one: {"open": one.id if one.ended_at is None else None})
IMPORT_PARTS = Store(ImportPart, "import_parts", (Index("at", expire_seconds=30 * 24 * 3600),))
"""What was found on the rows of a long import goes after 30 days; the import itself stays."""
VIEWS = Store(TaskList, "views", (Index("owner", "_id"),))
PERIODS = Store(
    Period,
    "periods",
    (
        Index("task_id", "-_d.order"),
        Index("task_id", "due_on"),
        Index("_d.untold"),
        Index("_d.due"),
        Index("_d.climbed", "_d.late"),
    ),
    _due,
)
HISTORY = Store(HistoryLine, "history", (Index("task_id", "number"),))
COMMITTEE = Store(Committee, "committee")
RUBRICS = Store(Rubric, "rubrics", (Index("-valid_from", "-_id"),))
SCORING_RULES = Store(ScoringRules, "scoring_rules")
SCORE_FACTS = Store(ScoreFacts, "score_facts")
SCORES = Store(
    Score,
    "scores",
    (Index("-_d.order"), Index("unit_id", "-_d.order"), Index("period", "-_d.order"), Index("unit_id", "period", "-number")),
    lambda score: {"order": score_key(score)},
)
REPORT_PLANS = Store(ReportPlan, "report_plans")
SUBMISSIONS = Store(
    Submission,
    "submissions",
    (Index("plan_id", "period", "_id"), Index("plan_id", "_d.came_in")),
    lambda one: {"came_in": moment(one.handed_in[0].at) if one.handed_in else ""},
)
REPORTS = Store(
    Report, "reports", (Index("-_d.order"), Index("plan_id", "-period")), lambda report: {"order": report_key(report)}
)
REPORT_BODIES = Store(ReportBody, "report_bodies")
TARGETS = Store(Target, "targets", (Index("source", "_id"),))
TARGET_ACTUALS = Store(TargetActual, "target_actuals", (Index("target_id", "-_id"),))
REORGANISATIONS = Store(Reorganisation, "reorganisations", (Index("state"),))
REORGANISATION_NUMBERS = Store(Numbering, "reorganisation_numbers")
UNIT_MOVES = Store(
    UnitMove, "unit_moves", (Index("reorganisation_id", "unit_id"), Index("reorganisation_id", "how", "unit_id"))
)
TASK_MOVES = Store(
    TaskMove,
    "task_moves",
    (
        Index("reorganisation_id", "rehearsal", "task_id"),
        Index("reorganisation_id", "rehearsal", "outcome", "task_id"),
        Index("reorganisation_id", "rehearsal", "findings", "task_id"),
        Index("reorganisation_id", "rehearsal", "unit_id", "task_id"),
        Index("reorganisation_id", "chosen"),
    ),
)

STORES = (
    UNITS,
    SUCCESSIONS,
    PEOPLE,
    NAMES,
    DIRECTIVES,
    CONCRETISATIONS,
    DIRECTIVE_LINES,
    TASKS,
    BOARDS,
    BOARD_CHANGES,
    IMPORTS,
    IMPORT_PARTS,
    VIEWS,
    PERIODS,
    HISTORY,
    COMMITTEE,
    RUBRICS,
    SCORING_RULES,
    SCORE_FACTS,
    SCORES,
    REPORT_PLANS,
    SUBMISSIONS,
    REPORTS,
    REPORT_BODIES,
    TARGETS,
    TARGET_ACTUALS,
    REORGANISATIONS,
    REORGANISATION_NUMBERS,
    UNIT_MOVES,
    TASK_MOVES,
)


async def by_id(reader: Reader, store: Store[D], ids: Iterable[str | None]) -> dict[str, D]:
    """The documents of these ids that there are; None names none."""
    wanted = sorted({one for one in ids if one is not None})
    return {one.id: one for one in await reader.find(store, {"_id": {"$in": wanted}})} if wanted else {}


async def with_their_tasks(reader: Reader, period_ids: Iterable[str]) -> list[tuple[Period, Task]]:
    """The periods of these ids by id, each with its task: the same object for all periods of one task."""
    periods = await reader.find(PERIODS, {"_id": {"$in": list(period_ids)}}, sort=("_id",))
    tasks = await by_id(reader, TASKS, [one.task_id for one in periods])
    return [(period, tasks[period.task_id]) for period in periods]


async def existing(reader: Reader, store: Store[A], key: str) -> A:
    """The aggregate of this id, to be read; to be changed, a unit of work loads it. Raises `NotFound`."""
    found = await reader.get(store, key)
    if found is None:
        raise NotFound.of(Words(*store.model.noun), key)
    return found


async def _with_those_above(
    reader: Reader, store: Store[D], known: dict[str, D], wanted: set[str], above: Callable[[D], Iterable[str]]
) -> dict[str, D]:
    """What is known, what is wanted and all above that, by id: a query a level; a circle is passed once."""
    asked = set(known)
    while wanted := wanted - asked:
        asked |= wanted
        level = await by_id(reader, store, wanted)
        known |= level
        wanted = {one for found in level.values() for one in above(found)}
    return known


# --- the register ---


def standing_on(day: date) -> dict[str, Any]:
    """The condition on units that they exist on a day, both ends included: `Unit.stands_on` in the database's words."""
    written = day.isoformat()
    return {
        "$and": [
            {"$or": [{"valid_from": None}, {"valid_from": {"$lte": written}}]},
            {"$or": [{"valid_to": None}, {"valid_to": {"$gte": written}}]},
        ]
    }


def of_units(actor: Actor, asked: str | None = None, field: str = "unit_id") -> dict[str, Any]:
    """The condition on `unit_id`, or another field, of what this actor sees; `asked` narrows it to one unit."""
    if asked is not None:
        return {field: asked if actor.acts_for(asked) else {"$in": []}}
    return {} if actor.units is None else {field: {"$in": sorted(actor.units)}}


def keep_name(uow: UnitOfWork, person_id: str, name: str) -> None:
    """Keep the name of a person, in the one collection that holds any."""
    uow.put(NAMES, PersonName(id=person_id, name=name))


async def erase_name(uow: UnitOfWork, person_id: str) -> None:
    """Cut the tie between an opaque id and a name (quyền xóa dữ liệu: Law 91/2025/QH15)."""
    await uow.database.collection(NAMES.collection).delete_one({"_id": person_id}, session=uow.session)


async def directives_numbered(reader: Reader, numbers: Iterable[str]) -> list[Directive]:
    """The papers that bear one of these numbers, however it is spelt."""
    wanted = sorted({fold(read_number(number).canonical) for number in numbers if number})
    return await reader.find(DIRECTIVES, {"_d.canonical": {"$in": wanted}}) if wanted else []


# --- concretisation ---


async def issuers(reader: Reader, written: Iterable[str]) -> Issuers:
    """The units that these issuers, as written, may stand for, whatever their dates."""
    wanted = sorted({one for issuer in written for one in unit_spellings(issuer)})
    return Issuers(await reader.find(UNITS, {"_d.spelling": {"$in": wanted}}) if wanted else ())


async def rows_of_directive(reader: Reader, directive_id: str) -> dict[str, Concretisation]:
    """What there is to say of a directive, by unit: at most a row for every unit of the register."""
    found = await reader.find(CONCRETISATIONS, {"directive_id": directive_id}, sort=("directive_id", "unit_id"))
    return {row.unit_id: row for row in found}


async def units_asked(reader: Reader, asked: Asked, day: date) -> dict[str, Unit]:
    """The units that a directive asks, as they stand on a day, by id; who has ended is stood for by who follows."""
    found = {unit.id: unit for unit in await _of_levels(reader, asked.levels, day)}
    waiting, passed = set(asked.unit_ids) - found.keys(), set[str]()
    while waiting:
        passed |= waiting
        named = await reader.find(UNITS, {"_id": {"$in": sorted(waiting)}})
        found |= {unit.id: unit for unit in named if unit.stands_on(day)}
        ended = sorted(unit.id for unit in named if unit.valid_to is not None and unit.valid_to < day)
        since = {"from_unit_id": {"$in": ended}, "effective_on": {"$lte": day.isoformat()}}
        waiting = {one.to_unit_id for one in await reader.find(SUCCESSIONS, since)} - passed - found.keys() if ended else set()
    return dict(sorted(found.items()))


async def _of_levels(reader: Reader, levels: list[str], day: date) -> list[Unit]:
    if not levels:
        return []
    return await reader.find(UNITS, {"$and": [{"level": {"$in": levels}}, standing_on(day)]}, sort=("level", "_id"))


async def predecessors(reader: Reader, unit_ids: Iterable[str], day: date) -> dict[str, list[str]]:
    """Whom these units follow by a day, and whom those follow in their turn, by unit."""
    found: dict[str, list[str]] = {}
    waiting = set(unit_ids)
    passed: set[str] = set()
    while waiting:
        passed |= waiting
        query = {"to_unit_id": {"$in": sorted(waiting)}, "effective_on": {"$lte": day.isoformat()}}
        relations = await reader.find(SUCCESSIONS, query)
        for one in relations:
            found.setdefault(one.to_unit_id, []).append(one.from_unit_id)
        waiting = {one.from_unit_id for one in relations} - passed
    return {unit: sorted(before) for unit, before in found.items()}


async def with_those_above(reader: Reader, papers: Iterable[Directive]) -> dict[str, Directive]:
    """These papers and all above them, by id."""
    known = {paper.id: paper for paper in papers}
    wanted = {one for paper in known.values() for one in _paper_above(paper)}
    return await _with_those_above(reader, DIRECTIVES, known, wanted, _paper_above)


def _paper_above(paper: Directive) -> list[str]:
    return [] if paper.parent_id is None else [paper.parent_id]


async def heads_of(reader: Reader, unit_ids: Iterable[str]) -> list[Person]:
    """The heads in office of these units."""
    return await reader.find(PEOPLE, {"unit_id": {"$in": sorted(unit_ids)}, "position": "unit_head", "active": True})


async def units_with_heads(reader: Reader, unit_ids: Iterable[str]) -> set[str]:
    """Those of the units that have a head in office: somebody is told of what is sent to them."""
    return {person.unit_id for person in await heads_of(reader, unit_ids)}


# --- tasks ---


def seen_as(actor: Actor) -> list[str] | None:
    """As whom this actor sees tasks: for each unit of theirs, and in person; None for one who sees all."""
    if actor.units is None:
        return None
    return [*(f"unit:{unit}" for unit in sorted(actor.units)), *([f"person:{actor.id}"] if actor.kind == "person" else [])]


def visible_tasks(actor: Actor) -> dict[str, Any]:
    """The condition on tasks that this actor sees: those of their units, and those that are theirs in person."""
    mine = seen_as(actor)
    return {} if mine is None else {"_d.seen_by": {"$in": mine}}


def searched_for(words: str) -> dict[str, Any]:
    """The condition on tasks that hold all these words, whatever their case and tone marks; the last may be a beginning."""
    wanted = tokens(words)
    if not wanted:  # punctuation alone is found nowhere, rather than everywhere
        return {"_id": {"$in": []}}
    *whole, last = wanted
    return {"$and": [*({"_d.tokens": token} for token in whole), {"_d.tokens": {"$regex": f"^{last}"}}]}


def overdue(today: date, _: Committee, after: str, key: str = "due") -> dict[str, Any]:
    """The condition on tasks, or periods, of which nobody was told that their due day has passed; those behind a key. With
    `part_due`: on tasks with such parts.
    """
    return keyed_between(key, after, f"{today.isoformat()}/")


def due_soon(today: date, rules: Committee, after: str, key: str = "untold") -> dict[str, Any]:
    """The condition on tasks, or periods, of which nobody was told that their due day is near; those behind a key. With
    `part_untold`: on tasks with such parts.
    """
    last = today + timedelta(days=rules.nearly_due_days)
    return keyed_between(key, max(f"{today.isoformat()}/", after), f"{last.isoformat()}/{BEHIND_ALL}")


def unclimbed(days: int, today: date, after: str) -> dict[str, Any]:
    """The condition on tasks, or periods, that are so many days late and of which no step so high was said; those behind a
    key.
    """
    said = [None, *range(FEWEST, days)]
    until = (today - timedelta(days=days)).isoformat() + f"/{BEHIND_ALL}"
    return {"_d.climbed": {"$in": said}, "_d.late": {"$gt": after, "$lt": until}}


def unanswered(today: date, after: str) -> dict[str, Any]:
    """The condition on tasks with a dispute whose term has passed, and that can go up a level; those behind a key."""
    return keyed_between("answer_by", after, f"{today.isoformat()}/")


def promised_before(today: date, after: str) -> dict[str, Any]:
    """The condition on tasks with a commitment whose day has passed and of which that was not said; those behind a key."""
    return keyed_between("promised", after, f"{today.isoformat()}/")


def owing_plan(until: date, after: str) -> dict[str, Any]:
    """The condition on tasks whose remedy plan was last asked for on this day or earlier; those behind a key."""
    return keyed_between("owes_plan", after, f"{until.isoformat()}/{BEHIND_ALL}")


BEHIND_ALL = "\uffff"
"""Sorts behind every id and every name of a body: `<day>/` and this is the end of a day's keys."""


def keyed_between(field: str, after: str, before: str) -> dict[str, Any]:
    """The condition on documents whose derived key lies between two, both excluded: a range of one index."""
    return {f"_d.{field}": {"$gt": after, "$lt": before}}


async def papers_below(reader: Reader, roots: Iterable[str]) -> list[str]:
    """Ids of these papers and of all that carry them out, level by level; a circle is passed once."""
    found = dict.fromkeys(roots)
    level = list(found)
    while level:
        below = await reader.find(DIRECTIVES, {"parent_id": {"$in": level}})
        level = [paper.id for paper in below if paper.id not in found]
        found |= dict.fromkeys(level)
    return list(found)


async def papers_above(reader: Reader, directive_id: str | None) -> set[str]:
    """Ids of a paper and of all above it."""
    found: set[str] = set()
    while directive_id is not None and directive_id not in found:
        found.add(directive_id)
        paper = await reader.get(DIRECTIVES, directive_id)
        directive_id = None if paper is None else paper.parent_id
    return found


async def _newest_first(reader: Reader, query: Filter) -> AsyncIterator[list[Task]]:
    """All tasks of a query, page by page: a province has tens of thousands."""
    behind: dict[str, Any] = {}
    while page := await reader.find(TASKS, {**query, **behind}, sort=("-_d.order",), limit=_PAGE):
        yield page
        behind = {"_d.order": {"$lt": order_key(page[-1])}}


_PAGE = 500


async def tasks_of_sources(reader: Reader, sources: Iterable[str]) -> list[Task]:
    """The tasks that were imported from these sources, as plans word them, by the ids that they have there."""
    query = {"source": {"$in": sorted(set(sources))}, "reference": {"$gt": ""}}
    return await reader.find(TASKS, query, sort=("source", "reference"))


# --- tasks that stand alike ---


_DAYS = {
    "due_on": "due_on", "submitted_on": "submitted_on", "completed_on": "completed_on", "owed_on": "_d.owed_on",
    "unclosed_on": "_d.unclosed_on",
}  # fmt: skip
"""Days of a group, and where a task keeps them."""
_STOOD = {name: f"${field}" for name, field in ({"state": "state", "deadline_kind": "deadline_kind"} | _DAYS).items()}


def _group(row: Mapping[str, Any]) -> Group:
    days = {name: None if row.get(name) is None else date.fromisoformat(row[name]) for name in _DAYS}
    return Group(state=row["state"], deadline_kind=row["deadline_kind"], **days)


async def _counted(reader: Reader, query: Filter, key: Mapping[str, str]) -> list[tuple[dict[str, Any], int]]:
    """How many tasks of a query are alike in the values of a key; a value that a task does not have may be left out."""
    pipeline = [{"$match": dict(query)}, {"$group": {"_id": dict(key), "count": {"$sum": 1}}}]
    return [(row["_id"], row["count"]) for row in await reader.aggregate(TASKS, pipeline)]


# --- the chain of parent tasks ---


async def with_parents(reader: Reader, ids: Iterable[str]) -> dict[str, Task]:
    """The tasks of these ids and all above them, by id."""
    return await _with_those_above(reader, TASKS, {}, set(ids), lambda task: task.parent_task_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Below(Group):
    """A task below another one, as far as counts and lists of those below look at it; `depth` 1 is a child."""

    id: str
    depth: int
    order: str
    parent_task_ids: list[str]
    lead_unit_id: str | None
    seen_by: list[str]


async def tasks_below(reader: Reader, task_id: str) -> list[Below]:
    """All tasks that carry this one out, at any depth, nearest first: an index range a level; a circle is passed once."""
    found: dict[str, Below] = {}
    level = [task_id]
    for depth in range(1, LONGEST):
        wanted = {"parent_task_ids": {"$in": level}}
        rows = await reader.aggregate(TASKS, [{"$match": wanted}, {"$project": _BELOW}])
        fresh = {row["_id"]: _below(row, depth) for row in rows if row["_id"] != task_id and row["_id"] not in found}
        if not fresh:
            break
        found |= fresh
        level = sorted(fresh)
    return sorted(found.values(), key=lambda one: (one.depth, one.order))


_BELOW: dict[str, Any] = {
    **_STOOD, "parent_task_ids": 1, "lead_unit_id": 1, "order": "$_d.order", "seen_by": "$_d.seen_by",
}  # fmt: skip


def _below(row: dict[str, Any], depth: int) -> Below:
    return Below(
        **asdict(_group(row)), id=row["_id"], depth=depth, order=row["order"], parent_task_ids=row["parent_task_ids"],
        lead_unit_id=row["lead_unit_id"], seen_by=row["seen_by"],
    )  # fmt: skip


async def hold_chain(uow: UnitOfWork, ids: Iterable[str]) -> None:
    """Have no other transaction link these tasks meanwhile: two that each close half of a circle meet here."""
    touched = {"_id": {"$in": sorted(ids)}}
    await uow.database.collection(TASKS.collection).update_many(touched, {"$inc": {"_d.held": 1}}, session=uow.session)


def save_task(uow: UnitOfWork, task: Task) -> Task:
    """Save a task, publish what it recorded, write the lines of its history and what changes about the boards."""
    lines, before = task.take_lines(), task.sequence
    if (change := Change.between(task.take_saved(), task, new_id())) is not None:
        uow.add(BOARD_CHANGES, change)
    uow.save(TASKS, task)
    for number, (what, words, changes) in enumerate(lines, before + 1):
        line = HistoryLine(
            id=f"{task.id}/{number:06d}",
            task_id=task.id,
            number=number,
            at=uow.now,
            actor=str(uow.actor),
            what=what,
            words=words,
            changes=changes,
        )
        uow.add(HISTORY, line)
    return task


# --- boards ---


async def board(reader: Reader, unit_id: str | None, directive_id: str | None) -> Board:
    """The board of a unit, of a paper, of both, or of all, as it stands now: what was added up, and what is still to be.
    Both are read on one snapshot, and grow with neither the tasks nor the time.
    """
    key = Board.id_of(unit_id, directive_id)

    async def read(session: Any) -> Board:
        at = Reader(reader.database, session)
        found = await at.get(BOARDS, key) or Board.empty(unit_id, directive_id)
        waiting = added_up(await at.find(BOARD_CHANGES, {}))
        return found.add(waiting[key]) if key in waiting else found

    async with reader.in_time():
        return await reader.database.snapshot(read)


def boards_of(actor: Actor, unit_id: str | None) -> tuple[str | None, dict[str, Any] | None] | None:
    """The unit on whose board stands what this actor sees (None: all units), and the condition on tasks that they see beside
    it. None when no board holds it: units of one caller may share tasks, which a sum would count twice.
    """
    if actor.units is None or (unit_id is not None and actor.acts_for(unit_id)):
        return unit_id, None
    if unit_id is not None or len(actor.units) != 1:
        return None
    (mine,) = actor.units
    beside = {"_d.seen_by": f"person:{actor.id}", "_d.units": {"$ne": mine}}
    return mine, beside if actor.kind == "person" else None


async def count_groups(
    reader: Reader, actor: Actor, unit_id: str | None = None, directive_id: str | None = None
) -> list[tuple[Group, int]]:
    """How many tasks that an actor sees stand alike: read from a board where one holds it."""
    asked = {"_d.units": unit_id, "directive_id": directive_id}
    query = {name: value for name, value in asked.items() if value is not None}
    held = boards_of(actor, unit_id)
    if held is None:
        return await _grouped(reader, query | visible_tasks(actor))
    found = [(Group.read(key), count) for key, count in (await board(reader, held[0], directive_id)).stands.items()]
    return found if held[1] is None else found + await _grouped(reader, query | held[1])


async def _grouped(reader: Reader, query: Filter) -> list[tuple[Group, int]]:
    alike = await _counted(reader, query, _STOOD)
    return [(_group(values), count) for values, count in alike]


@dataclass(slots=True)
class Waited:
    """What is booked to one body whose paper plans wait for; `days` and `longest` in calendar days."""

    body: str
    waiting: int = 0
    dated: int = 0
    days: int = 0
    longest: int = 0

    def book(self, tasks: int, days: int, *, dated: bool) -> None:
        self.waiting, self.dated = self.waiting + (0 if dated else tasks), self.dated + (tasks if dated else 0)
        self.days, self.longest = self.days + days * tasks, max(self.longest, days)


async def count_waits(reader: Reader, actor: Actor, today: date) -> list[Waited]:
    """What is booked to each body over the tasks that an actor sees, most days first."""
    found: dict[str, Waited] = {}
    for wait, count in await _waits(reader, actor):
        days = max(0, (today - wait.since).days) if wait.booked is None and wait.since is not None else wait.booked or 0
        found.setdefault(body_key(wait.body), Waited(wait.body)).book(count, days, dated=wait.booked is not None)
    return sorted(found.values(), key=lambda one: (-one.days, -one.waiting, one.body))


async def _waits(reader: Reader, actor: Actor) -> list[tuple[Wait, int]]:
    held = boards_of(actor, None)
    if held is None:
        return await _waits_grouped(reader, visible_tasks(actor))
    found = [(Wait.read(key), count) for key, count in sorted((await board(reader, held[0], None)).waits.items())]
    return found if held[1] is None else found + await _waits_grouped(reader, held[1])


async def _waits_grouped(reader: Reader, query: Filter) -> list[tuple[Wait, int]]:
    key = {"body": "$waits_for", "since": "$waiting_since", "booked": "$clock.days_waited"}
    live = {"waits_for": {"$gt": ""}, "$or": [{"_d.waits": {"$gt": ""}}, {"clock.days_waited": {"$gte": 0}}]}
    alike = await _counted(reader, {"$and": [live, dict(query)]}, key)
    return [(Wait(one["body"], date.fromisoformat(one["since"]), one.get("booked")), count) for one, count in alike]


async def load_by_unit(reader: Reader, directive_id: str | None) -> dict[str, int]:
    """Open tasks by the unit that leads them, sample data apart."""
    return (await board(reader, None, directive_id)).loads


async def loads_by(reader: Reader, holder: Holder, query: Filter) -> dict[str, list[Carried]]:
    """Open tasks by the unit that leads them or the person who is responsible, those alike together, sample data apart."""
    key = _STOOD | {"holder": f"${holder}", "priority": "$rating.priority.value"}
    found: dict[str, list[Carried]] = {}
    for values, count in await _counted(reader, {"$and": [{holder: {"$gt": ""}}, dict(query)]}, key):
        found.setdefault(values["holder"], []).append((_group(values), values.get("priority"), count))
    return found


async def holders_behind(reader: Reader, holder: Holder, query: Filter, after: str, most: int) -> list[str]:
    """The next units, or persons, behind one on whom tasks of a query weigh, in the order of their ids. Goes from one to the
    next along an index, past the rest of each one's tasks.
    """
    found: list[str] = []
    while len(found) < most:
        behind = {"$and": [{holder: {"$gt": found[-1] if found else after}}, dict(query)]}
        first: list[dict[str, Any]] = [{"$match": behind}, {"$sort": {holder: 1}}, {"$limit": most}]
        rows = await reader.aggregate(TASKS, [*first, {"$group": {"_id": f"${holder}"}}])
        if not rows:
            break
        found += sorted(row["_id"] for row in rows)
    return found[:most]


# --- what a task is judged by ---


async def committee(reader: Reader) -> Committee:
    """The committee's settings; the defaults until it has decided otherwise."""
    return await reader.get(COMMITTEE, COMMITTEE_ID) or Committee()


async def agencies(reader: Reader) -> list[Unit]:
    """Bodies that plans name as leads (ministries, departments, bodies of a commune), whatever their dates."""
    return await reader.find(UNITS, {"level": {"$in": list(AGENCY_LEVELS)}}, sort=("level", "_id"))


async def bodies_on(reader: Reader, day: date) -> Bodies:
    """Who is meant on a day by the names, present and former, that plans give."""
    found = await agencies(reader)
    followed = await reader.find(SUCCESSIONS, {"from_unit_id": {"$in": [body.id for body in found]}})
    return Bodies(found, followed, day)


async def people_of(reader: Reader, tasks: Iterable[Task]) -> dict[str, Person]:
    """The people whom these tasks name, by id."""
    return await by_id(reader, PEOPLE, [person for task in tasks for person in (task.responsible_id, task.approver_id)])


async def facts_of(reader: Reader, task: Task, today: date) -> Facts:
    """What the clears of a task are judged against on a day."""
    people, decided = await people_of(reader, [task]), await committee(reader)
    if task.lead_unit_id is not None:  # the words matter only while no unit is named
        return Facts(people, Names(()).read(task.lead_written), decided)
    bodies = await bodies_on(reader, today)
    leads = bodies.names.read(task.lead_written)
    found = ((name, bodies.find(name)) for name in leads.named)
    successors = {name: body.unit.full_name for name, body in found if body.how == "successor" and body.unit is not None}
    return Facts(people, leads, decided, successors)


# --- reports and scores ---


async def scoring_rules(reader: Reader) -> ScoringRules:
    """How the committee reads its rubric; the defaults until it has decided otherwise."""
    return await reader.get(SCORING_RULES, RULES_ID) or ScoringRules()


async def rubric_on(reader: Reader, day: date) -> Rubric | None:
    """The rubric in force on a day: the latest that has begun, unless it has ended."""
    found = await reader.find(RUBRICS, {"valid_from": {"$lte": day.isoformat()}}, sort=("-valid_from", "-_id"), limit=1)
    return next((one for one in found if one.valid_to is None or day <= one.valid_to), None)


async def tasks_due_in(reader: Reader, unit_id: str, period: Month) -> list[Task]:
    """Tasks that fall due in a month and that a unit led on that day, sample data apart: what fell due before a unit ended
    counts for that unit, though another one has the task now.
    """
    due = {"$gte": period.first.isoformat(), "$lte": period.last.isoformat()}
    leads = await reader.find(TASKS, {"lead_unit_id": unit_id, "due_on": due}, sort=("due_on",))
    led = await reader.find(TASKS, {"handovers.from_unit_id": unit_id, "due_on": due}, sort=("due_on",))
    found = {task.id: task for task in (*leads, *led) if task.sample is None}
    return [task for _, task in sorted(found.items()) if led_on(task, task.due_on or period.first) == unit_id]


async def periods_due_in(reader: Reader, unit_id: str, month: Month) -> list[tuple[Task, Period]]:
    """Periods that fall due in a month, with their tasks, of which a unit was the lead on that day, sample data apart."""
    since = {"$gte": month.first.isoformat()}
    leads = await reader.find(TASKS, {"lead_unit_id": unit_id, "last_period_due_on": since})
    led = await reader.find(TASKS, {"handovers.from_unit_id": unit_id, "last_period_due_on": since})
    tasks = {task.id: task for task in (*leads, *led) if task.sample is None}
    found = await periods_due(reader, tasks, month.first, month.last)
    pairs = [(tasks[one.task_id], one) for one in sorted(found, key=lambda one: one.id)]
    return [(task, one) for task, one in pairs if led_on(task, one.due_on) == unit_id]


async def latest_score(reader: Reader, unit_id: str, period: Month) -> Score | None:
    """The last score that was computed of a unit's month."""
    found = await reader.find(SCORES, {"unit_id": unit_id, "period": str(period)}, sort=("-number",), limit=1)
    return found[0] if found else None


async def facts_of_months(reader: Reader, unit_id: str, months: Iterable[Month]) -> list[ScoreFacts]:
    """What was told of a unit's months, oldest first."""
    ids = [ScoreFacts.id_of(str(month), unit_id) for month in months]
    return await reader.find(SCORE_FACTS, {"_id": {"$in": ids}}, sort=("_id",))


async def last_report(reader: Reader, plan_id: str) -> Report | None:
    """The latest month of a plan that was frozen."""
    found = await reader.find(REPORTS, {"plan_id": plan_id}, sort=("-period",), limit=1)
    return found[0] if found else None


async def tasks_of_plan(reader: Reader, plan: ReportPlan) -> AsyncIterator[list[Task]]:
    """The issued tasks on which a plan reports, newest first, page by page."""
    within = {} if plan.directive_id is None else {"directive_id": plan.directive_id}
    async for page in _newest_first(reader, within):
        yield [task for task in page if task.state != "draft" and (plan.samples or task.sample is None)]


async def periods_due(reader: Reader, task_ids: Iterable[str], first: date, last: date) -> list[Period]:
    """Periods of these tasks that fall due from one day to another, both included."""
    wanted, due = sorted(task_ids), {"$gte": first.isoformat(), "$lte": last.isoformat()}
    return await reader.find(PERIODS, {"task_id": {"$in": wanted}, "due_on": due}) if wanted else []


async def submissions_of(reader: Reader, plan_id: str, period: str) -> list[Submission]:
    """What units handed in for a month, by unit."""
    return await reader.find(SUBMISSIONS, {"plan_id": plan_id, "period": period}, sort=("_id",))


async def submissions_since(reader: Reader, plan_id: str, since: datetime) -> list[Submission]:
    """What units first handed in since a moment, for whatever month."""
    query = {"plan_id": plan_id, "_d.came_in": {"$gte": moment(since)}}
    return await reader.find(SUBMISSIONS, query, sort=("_d.came_in",))


async def unit_names(reader: Reader, ids: Iterable[str]) -> dict[str, str]:
    """The full names of units by id."""
    return {unit.id: unit.full_name for unit in (await by_id(reader, UNITS, ids)).values()}


# --- reorganisations ---


async def fates_on(reader: Reader, day: date) -> tuple[dict[str, Fate], dict[str, Unit]]:
    """What becomes of every unit on a day, by id, by the successions that take effect on it and by units whose last day was
    the one before; and the units that are named there.
    """
    successions = await reader.find(SUCCESSIONS, {"effective_on": day.isoformat()})
    ended = {unit.id: unit for unit in await reader.find(UNITS, {"valid_to": (day - timedelta(days=1)).isoformat()})}
    followed = await reader.find(SUCCESSIONS, {"from_unit_id": {"$in": sorted(ended)}}) if ended else []
    alone = sorted(ended.keys() - {one.from_unit_id for one in followed})
    units = ended | await by_id(reader, UNITS, [unit for one in successions for unit in (one.from_unit_id, one.to_unit_id)])
    return fates(successions, units, alone, day), units


async def open_reorganisations(reader: Reader) -> dict[str, Reorganisation]:
    """Those that are neither carried out nor discarded, by id."""
    found = await reader.find(REORGANISATIONS, {"state": {"$in": list(OPEN_REORGANISATIONS)}})
    return {one.id: one for one in found}


async def moves_of_units(reader: Reader, reorganisation_ids: Iterable[str]) -> list[UnitMove]:
    """The units of these reorganisations."""
    query = {"reorganisation_id": {"$in": sorted(reorganisation_ids)}}
    return await reader.find(UNIT_MOVES, query, sort=("reorganisation_id", "unit_id"))


def live_tasks_of(reader: Reader, unit_id: str) -> AsyncIterator[list[Task]]:
    """Tasks that a unit leads or coordinates, newest first, page by page; a few that need nobody any more among them."""
    return _newest_first(reader, {"_d.units": unit_id, "state": {"$ne": "cancelled"}})


async def choices(reader: Reader, reorganisation_id: str) -> dict[str, TaskMove]:
    """The tasks about which it was decided one by one, by id."""
    query = {"reorganisation_id": reorganisation_id, "chosen": {"$gt": ""}}
    return {one.task_id: one for one in await reader.find(TASK_MOVES, query)}


async def undecided_tasks(reader: Reader, plan: Reorganisation, moves: Iterable[UnitMove]) -> dict[str, list[str]]:
    """Ids of live tasks of which nobody has said whose they will be, by the unit that leads them now."""
    asking = sorted(move.unit_id for move in moves if move.how != "rule" and move.default is None)
    if not asking:
        return {}
    chosen = await choices(reader, plan.id)
    found: dict[str, list[str]] = {}
    for task in await reader.find(TASKS, {"lead_unit_id": {"$in": asking}, "state": {"$ne": "cancelled"}}):
        if is_live(task) and task.id not in chosen:
            found.setdefault(task.lead_unit_id or "", []).append(task.id)
    return found


async def stand_now(reader: Reader, task_ids: Iterable[str]) -> list[tuple[str, str | None, str | None, int]]:
    """How these tasks stand in the database: state, lead, paper, and how many stand so."""
    key = {"state": "$state", "lead": "$lead_unit_id", "paper": "$directive_id"}
    alike = await _counted(reader, {"_id": {"$in": sorted(task_ids)}}, key)
    return [(values["state"], values.get("lead"), values.get("paper"), count) for values, count in alike]


@dataclass(frozen=True, slots=True)
class HandedOver:
    """Hand-overs that are alike: from whom, to whom, and who is responsible."""

    from_unit_id: str | None
    to_unit_id: str | None
    responsible_id: str | None
    count: int


async def handovers_of(reader: Reader, reorganisation_id: str) -> tuple[list[HandedOver], int]:
    """Every hand-over that the tasks themselves tell of, and in how many tasks they stand."""
    of_it = {"handovers.reorganisation_id": reorganisation_id}
    key = {"from": "$handovers.from_unit_id", "to": "$handovers.to_unit_id", "person": "$responsible_id"}
    rows = await reader.aggregate(
        TASKS,
        [{"$match": of_it}, {"$unwind": "$handovers"}, {"$match": of_it}, {"$group": {"_id": key, "count": {"$sum": 1}}}],
    )
    found = [HandedOver(row["_id"].get("from"), row["_id"].get("to"), row["_id"].get("person"), row["count"]) for row in rows]
    return found, await reader.count(TASKS, of_it)


async def people_by_unit(reader: Reader, unit_ids: Iterable[str]) -> dict[str, int]:
    """How many people are in office in each of these units."""
    people = await reader.find(PEOPLE, {"unit_id": {"$in": sorted(unit_ids)}, "active": True})
    return Counter(person.unit_id for person in people)
