"""Who has concretised a directive on a day, and who is silent: the matrix of one paper (bảng cụ thể hóa)."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated, get_args

from fastapi import Query, Response
from pydantic import Field

from common.contracts.fields import IsoDay
from common.domain import local_day
from common.http import Call, Items, Paged, Routes, View, reads
from tasks.domain.concretisation import Asked, State
from tasks.domain.directory import Level
from tasks.features.concretisation_view import StandingView, shower
from tasks.features.concretising import look
from tasks.features.headed_page import headed
from tasks.store import DIRECTIVES, existing

routes = Routes("directives")


class Head(View):
    """What holds of the whole list, whatever its page and whichever state is asked for."""

    directive_id: str
    number: str
    issued_on: date | None
    as_of: date
    asks_of: Asked | None = Field(description="null: it does not say whom it asks; `level` then says whose papers to look for")
    units: int = Field(description="Asked on that day, of the level if one is given, and the caller's to see")
    counts: dict[State, int] = Field(description="Adds up to `units`")


class ConcretisationPage(Items[StandingView], Head):
    """A page of the matrix."""


@routes.get("/directives/{directive_id}/concretisation", response_model=ConcretisationPage)
async def show_concretisation(
    directive_id: str,
    call: Annotated[Call, reads("directives:read")],
    listing: Paged,
    level: Level | None = None,
    state: Annotated[State | None, Query(description="`silent`: who owes a paper, in one call")] = None,
    as_of: Annotated[
        IsoDay | None, Query(description="The day (Asia/Ho_Chi_Minh): its units, its papers; today when left out")
    ] = None,
) -> Response:
    """By unit: its paper with the lag in working days, or how long it has been silent, or why it does not apply."""
    directive = await existing(call.reader, DIRECTIVES, directive_id)
    day = as_of or local_day(call.units.clock())
    asking = await look(call.reader, directive, day, level=level, actor=call.actor)
    counts = Counter[State](dict.fromkeys(get_args(State), 0))
    counts.update(standing.state for standing in asking.standings.values())
    after = call.after(listing) or ""
    wanted = [one for one in asking.standings.values() if one.unit_id > after and state in (None, one.state)]
    rows = wanted[: listing.limit + 1]
    view = (await shower(call.reader, asking, rows)).view
    head = Head(
        directive_id=directive.id,
        number=directive.number,
        issued_on=directive.issued_on,
        as_of=day,
        asks_of=directive.asks_of,
        units=len(asking.units),
        counts=dict(counts),
    )
    return headed(head, call.page(rows, listing, lambda one: one.unit_id, view))
