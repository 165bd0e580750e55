"""Plan a reorganisation: the successions that take effect on a day, to be rehearsed before anything changes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import AfterValidator, Field

from common.contracts.fields import IsoDay
from common.errors import FieldProblem, Invalid, RuleBroken, Words
from common.http import Command, Effect, Routes, writes
from common.outbox import new_id
from common.unit_of_work import UnitOfWork
from tasks.domain.matters import Said
from tasks.domain.permissions import check_standing_agency
from tasks.domain.reorganisation import Numbering, Reorganisation, UnitMove
from tasks.domain.text import tidy
from tasks.features.reorganisation_view import SECONDS, ReorganisationView, ShownReorganisation, to_show
from tasks.features.task_command import Said as Remark
from tasks.store import (
    REORGANISATION_NUMBERS,
    REORGANISATIONS,
    UNIT_MOVES,
    fates_on,
    moves_of_units,
    open_reorganisations,
    unit_names,
)

routes = Routes("reorganisations")


class PlanReorganisation(Command):
    title: Annotated[
        str, AfterValidator(tidy), Field(min_length=3, max_length=300, examples=["Sắp xếp 330 xã thành 124 đơn vị"])
    ]
    effective_on: Annotated[IsoDay, Field(description="The day on which the successions take effect, as the register has them")]
    words: Remark = ""


async def handle(command: PlanReorganisation, uow: UnitOfWork) -> ShownReorganisation:
    """Raises `Forbidden` for whoever is not the standing agency, `Invalid` for a day on which the register knows of no
    succession and of no end of a unit, `RuleBroken` while another reorganisation that is not finished touches a unit of it.
    """
    check_standing_agency(uow.actor)
    day = command.effective_on
    fates, units = await fates_on(uow, day)
    if not fates:
        message = Words(f"Không có kế thừa nào có hiệu lực ngày {day:%d/%m/%Y}.", f"No succession takes effect on {day}.")
        repair = Words("Hãy nhập danh sách kế thừa trước (kind=successions).", "Import the list first (kind=successions).")
        raise Invalid(message, [FieldProblem("effective_on", "nothing_to_reorganise", message, repair, str(day))])
    await _check_apart(uow, {one for fate in fates.values() for one in (fate.unit_id, *fate.heirs)})
    numbering = await uow.get(REORGANISATION_NUMBERS, "last") or Numbering(id="last")
    numbering.last += 1
    uow.save(REORGANISATION_NUMBERS, numbering)
    planned = Said.now(uow.now, uow.actor, command.words)
    made = Reorganisation(id=new_id(), number=numbering.last, title=command.title, effective_on=day, planned=planned)
    uow.save(REORGANISATIONS, made)
    for fate in fates.values():
        uow.save(
            UNIT_MOVES,
            UnitMove(
                id=UnitMove.id_of(made.id, fate.unit_id),
                reorganisation_id=made.id,
                unit_id=fate.unit_id,
                how=fate.how,
                heirs=list(fate.heirs),
                ends=fate.unit_id not in fate.heirs,
                level=units[fate.unit_id].level,
            ),
        )
    return await to_show(uow, made)


async def _check_apart(uow: UnitOfWork, touched: set[str]) -> None:
    """Raise `RuleBroken` when a reorganisation that is not finished touches one of these units."""
    others = await open_reorganisations(uow)
    shared: dict[str, set[str]] = {}
    for move in await moves_of_units(uow, others) if others else []:
        if both := touched.intersection((move.unit_id, *move.heirs)):
            shared.setdefault(move.reorganisation_id, set()).update(both)
    if not shared:
        return
    names = await unit_names(uow, [unit for both in shared.values() for unit in sorted(both)[:3]])
    message = Words("Có việc sắp xếp khác, chưa xong, về cùng đơn vị.", "Another one, not finished, touches the same units.")
    problems = [
        FieldProblem(
            "effective_on",
            "overlaps",
            Words(
                f"Việc sắp xếp số {others[one].number} chạm tới {len(both)} đơn vị này.",
                f"Reorganisation {others[one].number} touches {len(both)} of these units.",
            ),
            Words(
                f"Hãy thực hiện hoặc bỏ việc đó trước (/v1/reorganisations/{one}).",
                f"Carry it out or discard it first (/v1/reorganisations/{one}).",
            ),
            ", ".join(names[unit] for unit in sorted(both)[:3]),
        )
        for one, both in sorted(shared.items())
    ]
    raise RuleBroken(message, problems)


@routes.post("/reorganisations", response_model=ReorganisationView, status_code=201)
async def plan_reorganisation(body: PlanReorganisation, effect: Annotated[Effect, writes("reorganisations:write")]) -> Response:
    """Take the successions that take effect on a day. They are rehearsed at once, in the background: nothing changes."""
    return await effect.run(
        handle,
        body,
        ReorganisationView.of,
        status=201,
        location=lambda made: f"/v1/reorganisations/{made.plan.id}",
        seconds=SECONDS,
    )
