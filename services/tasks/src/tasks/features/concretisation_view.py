"""Where units stand towards a directive, as callers see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from pydantic import Field

from common.http import View
from common.repository import Reader
from tasks.domain.concretisation import Claim, Decision, Entry, Standing, State
from tasks.features.concretising import Asking
from tasks.store import DIRECTIVES, by_id, unit_names


class PaperView(View):
    directive_id: str
    number: str
    issued_on: date | None


class OwnPaperView(PaperView):
    through: list[PaperView] = Field(description="The papers between it and the directive, from the top down; empty: none")


class ClaimView(View):
    """A unit's word that the directive does not concern it, and the answer."""

    claimed_on: date
    claimed_by: str
    words: str
    decision: Decision | None
    decided_on: date | None
    decided_by: str | None
    decision_words: str

    @classmethod
    def of(cls, claim: Claim) -> ClaimView:
        return cls.model_validate(claim.model_dump())


class CarriedView(View):
    unit_id: str
    name: str
    state: State
    paper: OwnPaperView | None


class StandingView(View):
    """One unit; working days are those of the committee's calendar."""

    unit_id: str
    name: str
    level: str
    state: State = Field(
        description="registered: a paper of its own is in force; carried, partly_carried: all, or some, of the units that it"
        " follows had one; claimed, not_applicable: it says, and the standing agency confirmed, that this does not concern it"
    )
    paper: OwnPaperView | None = Field(description="Its earliest paper that is in force")
    first_issued_on: date | None = Field(description="Of its first paper, also when another one has replaced it since")
    lag_working_days: int | None = Field(description="From the directive's issue to that day; null while there is none")
    silent_working_days: int | None = Field(description="Since the directive's issue, or since the unit exists")
    due_on: date | None = Field(description="When the directive gives a number of working days")
    late: bool | None
    claim: ClaimView | None
    carried_from: list[CarriedView] = Field(description="The units that it follows, with what they had to say")
    reminders: int
    reminded_on: date | None


class Shower:
    """Shows standings with the names of units and the numbers of papers, which are read for a whole page at once."""

    def __init__(self, asking: Asking, names: Mapping[str, str], papers: Mapping[str, PaperView]) -> None:
        self._asking, self._names, self._papers = asking, names, papers

    def view(self, standing: Standing) -> StandingView:
        unit = self._asking.units[standing.unit_id]
        row = self._asking.rows.get(unit.id)
        reminded = [] if row is None else [day for day in row.reminded_on if day <= self._asking.day]
        return StandingView(
            unit_id=unit.id,
            name=unit.full_name,
            level=unit.level,
            state=standing.state,
            paper=self._own(standing.paper),
            first_issued_on=standing.first_issued_on,
            lag_working_days=standing.lag,
            silent_working_days=standing.silent,
            due_on=standing.due_on,
            late=standing.late,
            claim=None if standing.claim is None else ClaimView.of(standing.claim),
            carried_from=[
                CarriedView(
                    unit_id=one.unit_id,
                    name=self._names.get(one.unit_id, one.unit_id),
                    state=one.state,
                    paper=self._own(one.paper),
                )
                for one in standing.carried_from
            ],
            reminders=len(reminded),
            reminded_on=reminded[-1] if reminded else None,
        )

    def _own(self, entry: Entry | None) -> OwnPaperView | None:
        if entry is None:
            return None
        through = [self._papers[one] for one in entry.through if one in self._papers]
        return OwnPaperView(directive_id=entry.directive_id, number=entry.number, issued_on=entry.issued_on, through=through)


async def shower(reader: Reader, asking: Asking, shown: Iterable[Standing]) -> Shower:
    """Ready to show these standings."""
    carried = [one for standing in shown for one in standing.carried_from]
    entries = [standing.paper for standing in shown] + [one.paper for one in carried]
    between = {one for entry in entries if entry is not None for one in entry.through}
    found = await by_id(reader, DIRECTIVES, between)
    papers = {
        paper.id: PaperView(directive_id=paper.id, number=paper.number, issued_on=paper.issued_on) for paper in found.values()
    }
    return Shower(asking, await unit_names(reader, [one.unit_id for one in carried]), papers)


async def standing_view(reader: Reader, asking: Asking, unit_id: str) -> StandingView:
    """One unit of the matrix."""
    standing = asking.standings[unit_id]
    return (await shower(reader, asking, [standing])).view(standing)
