"""Parties without accounts: prestigious persons, youth union, firms, cooperatives take part in a task (DOMAIN 0).

They are reached through a unit of the task, which answers for having reached them. They are called by role: what could tell who
a person is stays out (Law 91/2025/QH15), and events carry an opaque id.
"""

from __future__ import annotations

import re
from typing import Any

from common.contracts import tasks_means as events
from common.errors import FieldProblem, Invalid, NotFound, RuleBroken, Words
from tasks.domain.matters import Said
from tasks.domain.means import Party
from tasks.domain.task import OPEN, RUNNING, Task

_NOUN = Words("bên tham gia", "party")
_TAKEN_PART = (*RUNNING, "paused")
_PERSONAL = re.compile(r"@|\d(?:[ .-]?\d){8}")
"""An address of mail, a telephone number, a citizen id."""


def party_of(task: Task, key: str) -> Party:
    """The party of this id. Raises `NotFound` when there is none."""
    found = next((one for one in task.parties if one.id == key), None)
    if found is None:
        raise NotFound.of(_NOUN, key)
    return found


def name_party(task: Task, party: Party) -> None:
    """Name a party and the unit through which it is reached. Raises `Invalid` for a label that tells more than a role,
    `RuleBroken` for a unit that neither leads nor coordinates the task: it could not see it.
    """
    task.require_state(*OPEN, verb=Words("nêu bên tham gia", "given parties"))
    if _PERSONAL.search(party.label):
        message = Words("Chỉ gọi theo vai trò, không ghi số điện thoại, số định danh, thư điện tử.",
                        "A party is called by its role: no telephone number, citizen id or mail address.")  # fmt: skip
        repair = Words("Ví dụ: «Người có uy tín thôn Lùng Tám».", "For example: 'prestigious person of Lùng Tám village'.")
        raise Invalid(message, [FieldProblem("label", "label_personal", message, repair)])
    if party.unit_id not in (task.lead_unit_id, *task.coordinator_unit_ids):
        message = Words("Đơn vị này không chủ trì hay phối hợp nhiệm vụ.", "This unit neither leads nor coordinates the task.")
        repair = Words("Hãy thêm đơn vị vào coordinator_unit_ids trước.", "Add it to coordinator_unit_ids first.")
        raise RuleBroken(message, [FieldProblem("unit_id", "unit_not_of_task", message, repair, party.unit_id)])
    task.parties.append(party)
    changes = {"party": [None, party.label], "unit_id": [None, party.unit_id]}
    task.tell(events.PartyNamed, "party_named", party.named.words, changes, **_public(party))


def reach_party(task: Task, party: Party, said: Said) -> None:
    """Say that the unit has reached the party. Raises `RuleBroken` for one that was removed."""
    task.require_state(*_TAKEN_PART, verb=Words("ghi nhận liên hệ", "taken part in"))
    _check_takes_part(party)
    party.reached.append(said)
    task.tell(events.PartyReached, "party_reached", said.words, {"party": [None, party.label]}, **_public(party))


def remove_party(task: Task, party: Party, said: Said) -> None:
    """Say that the party takes part no more; that it did, stays."""
    task.require_state(*_TAKEN_PART, verb=Words("bỏ bên tham gia", "taken parties from"))
    _check_takes_part(party)
    party.removed = said
    task.tell(events.PartyRemoved, "party_removed", said.words, {"party": [party.label, None]}, **_public(party))


def _check_takes_part(party: Party) -> None:
    if party.removed is not None:
        message = Words("Bên này không còn tham gia.", "This party takes part no more.")
        repair = Words("Hãy nêu lại bằng name-party.", "Name it anew by name-party.")
        raise RuleBroken(message, [FieldProblem("party_id", "party_removed", message, repair, party.label)])


def _public(party: Party) -> dict[str, Any]:
    return {"party_id": party.id, "party": party.kind, "unit_id": party.unit_id}
