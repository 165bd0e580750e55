"""What the use cases of concretisation share: the matrix of a directive on a day, and its rows that follow the register.

A row (directive, unit) lists the unit's papers below the directive. Whatever registers, corrects or ends a paper restates the
rows of that paper in its own transaction; a paper that comes to stand under another one restates those of the papers below it
as well. `stated_anew` derives rows from the papers alone, so that `python -m tasks.verify` can hold both against each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from common.domain import Actor
from common.errors import FieldProblem, Forbidden, Invalid, RuleBroken, Words
from common.outbox import new_id
from common.repository import Reader
from common.unit_of_work import UnitOfWork
from tasks.domain.concretisation import Asked, Concretisation, DirectiveLine, Entry, Matrix, Standing
from tasks.domain.directive import Directive
from tasks.domain.directory import Unit
from tasks.domain.issuers import issuer_fields
from tasks.domain.working_days import WorkingDays
from tasks.store import (
    CONCRETISATIONS,
    DIRECTIVE_LINES,
    DIRECTIVES,
    UNITS,
    by_id,
    committee,
    issuers,
    papers_below,
    predecessors,
    rows_of_directive,
    units_asked,
    with_those_above,
)


@dataclass(frozen=True)
class Asking:
    """A directive on a day: the units that it asks, what there is to say of each, and whom they follow."""

    directive: Directive
    day: date
    units: dict[str, Unit]
    rows: dict[str, Concretisation]
    before: dict[str, list[str]]
    calendar: WorkingDays

    @cached_property
    def standings(self) -> dict[str, Standing]:
        """Where each unit stands by these rows."""
        matrix = Matrix(self.directive.paper, self.day, self.calendar, self.rows, self.before)
        return {unit.id: matrix.standing(unit.id, unit.valid_from) for unit in self.units.values()}


async def look(
    reader: Reader, directive: Directive, day: date, *, level: str | None = None, actor: Actor | None = None
) -> Asking:
    """The matrix of a directive on a day, of the units that the actor acts for; of one level when it is given.

    Reads the units of the levels asked, the rows of the directive and the successions of those units: a range of an index
    each, none of which grows with the tasks. A paper that asks nobody is held against the level that the caller names.
    """
    asked = directive.asks_of or Asked(levels=[] if level is None else [level])
    found: dict[str, Unit] = {}
    if directive.issued_on is None or directive.issued_on <= day:
        found = await units_asked(reader, asked, day)
    units = {
        unit.id: unit for unit in found.values() if level in (None, unit.level) and (actor is None or actor.acts_for(unit.id))
    }
    rows = await rows_of_directive(reader, directive.id) if units else {}
    before = await predecessors(reader, units, day) if units else {}
    return Asking(directive, day, units, rows, before, (await committee(reader)).working_days)


def row_of(asking: Asking, unit_id: str) -> Concretisation:
    """The row of a unit that the directive asks; a new one when nothing was to be said of it. Raises `Invalid` for others."""
    if unit_id not in asking.units:
        problem = not_asked("unit_id", unit_id)
        raise Invalid(problem.message, [problem])
    return asking.rows.get(unit_id) or Concretisation(
        id=Concretisation.id_of(asking.directive.id, unit_id), directive_id=asking.directive.id, unit_id=unit_id
    )


def not_asked(field: str, unit_id: str) -> FieldProblem:
    """Why a unit that the directive does not ask is refused."""
    message = Words("Văn bản không giao đơn vị này cụ thể hóa.", "The directive does not ask this unit to concretise it.")
    repair = Words(
        "Hãy xem các đơn vị được giao: GET /v1/directives/{id}/concretisation.",
        "See whom it asks: GET /v1/directives/{id}/concretisation.",
    )
    return FieldProblem(field, "unit_not_asked", message, repair, unit_id)


def check_asks_somebody(directive: Directive) -> None:
    """Raise `RuleBroken` for a directive that asks nobody to concretise it."""
    if directive.asks_of is None:
        message = Words("Văn bản chưa ghi giao ai cụ thể hóa.", "The directive does not say whom it asks to concretise it.")
        repair = Words("Hãy bổ sung asks_of (PATCH).", "Say so in asks_of (PATCH).")
        raise RuleBroken(message, [FieldProblem("asks_of", "nobody_asked", message, repair)])


def write_line(uow: UnitOfWork, directive_id: str, what: str, words: str, unit_ids: Iterable[str]) -> None:
    """Add a line to the history of a directive."""
    line = {"at": uow.now, "by": str(uow.actor), "what": what, "words": words, "unit_ids": sorted(unit_ids)}
    uow.add(DIRECTIVE_LINES, DirectiveLine.model_validate({"id": new_id(), "directive_id": directive_id, **line}))


# --- whose paper it is ---


def check_speaks_for(actor: Actor, unit_id: str | None) -> None:
    """Raise `Forbidden` when a caller limited to units speaks for another one: a paper counts for the unit that issued it. A
    paper of no unit in the register (None: the Politburo's) is the standing agency's to record.
    """
    if not actor.acts_for(unit_id):
        raise Forbidden(
            Words(
                "Văn bản của đơn vị nào do đơn vị ấy (issuer_unit_id) hoặc cơ quan thường trực ghi nhận.",
                "A unit's paper, and its word, is recorded by that unit (issuer_unit_id) or by the standing agency.",
            )
        )


async def check_units(reader: Reader, asked: Asked | None, issuer_unit_id: str | None, day: date | None) -> None:
    """Raise `Invalid`, field by field, for units that are not in the register, and for an issuer that did not exist then."""
    named = {f"asks_of.unit_ids.{place}": unit for place, unit in enumerate(asked.unit_ids if asked else ())}
    if issuer_unit_id is not None:
        named["issuer_unit_id"] = issuer_unit_id
    known = await by_id(reader, UNITS, named.values())
    unknown = Words("Không có đơn vị này trong danh mục.", "There is no such unit in the register.")
    repair = Words("Hãy tìm bằng GET /v1/units?q=&as_of=.", "Look it up by GET /v1/units?q=&as_of=.")
    problems = [
        FieldProblem(field, "unit_unknown", unknown, repair, unit) for field, unit in named.items() if unit not in known
    ]
    issuer = known.get(issuer_unit_id or "")
    if issuer is not None and day is not None and not issuer.stands_on(day):
        message = Words(f"Đơn vị này không tồn tại vào ngày {day:%d/%m/%Y}.", f"This unit did not exist on {day}.")
        problems.append(FieldProblem("issuer_unit_id", "unit_of_another_day", message, repair, issuer.id))
    if problems:
        raise Invalid(problems[0].message, problems)


async def resolve_issuer(reader: Reader, issuer: str, day: date) -> dict[str, object]:
    """Fields of a directive: the one unit that its issuer as written means on a day, or those between whom somebody decides."""
    return issuer_fields((await issuers(reader, [issuer])).find(issuer, day))


# --- the rows follow the papers ---


async def keep_rows(uow: UnitOfWork, papers: Iterable[str], *, relinked: Iterable[str] = ()) -> None:
    """Restate the rows of these papers, which are saved already; and of all below those that stand under another one now."""
    below = await papers_below(uow, relinked)
    for row in await stated_anew(uow, {*papers, *below}):
        uow.save(CONCRETISATIONS, row)


async def stated_anew(reader: Reader, papers: Iterable[str]) -> list[Concretisation]:
    """The rows that would say something else, had they been derived from these papers now. Nothing is written."""
    wanted = sorted(set(papers))
    found = await by_id(reader, DIRECTIVES, wanted)
    known = await with_those_above(reader, found.values())
    entries: dict[tuple[str, str], list[Entry]] = {}
    for paper in found.values():
        if paper.issuer_unit_id is not None:
            for above, entry in _entries(paper, known):
                entries.setdefault((above, paper.issuer_unit_id), []).append(entry)
    holding = await reader.find(CONCRETISATIONS, {"_d.papers": {"$in": wanted}}) if wanted else []
    rows = {(row.directive_id, row.unit_id): row for row in holding}
    if missing := sorted(Concretisation.id_of(*key) for key in entries.keys() - rows.keys()):
        stored = await reader.find(CONCRETISATIONS, {"_id": {"$in": missing}})
        rows |= {(row.directive_id, row.unit_id): row for row in stored}
    for directive_id, unit_id in entries.keys() - rows.keys():
        key = Concretisation.id_of(directive_id, unit_id)
        rows[directive_id, unit_id] = Concretisation(id=key, directive_id=directive_id, unit_id=unit_id)
    restated = set(wanted)
    return [
        row
        for key, row in sorted(rows.items())
        if row.hold([*(one for one in row.papers if one.directive_id not in restated), *entries.get(key, ())])
    ]


def _entries(paper: Directive, known: dict[str, Directive]) -> Iterable[tuple[str, Entry]]:
    """The paper as it stands in the matrix of each paper above it; a circle is passed once."""
    between: list[str] = []
    passed, above = {paper.id}, paper.parent_id
    while above is not None and above not in passed and above in known:
        yield above, paper.entry(list(reversed(between)))
        passed.add(above)
        between.append(above)
        above = known[above].parent_id
