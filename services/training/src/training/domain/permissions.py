"""Who may see and do what, beyond the scope that the endpoint asks for.

What belongs to a foreign unit is answered as if it did not exist. Courses and programmes are the whole province's: all
see them, and only who acts for the whole province makes them.
"""

from __future__ import annotations

from common.domain import Actor
from common.errors import Forbidden, NotFound, Words


def check_acts_for(actor: Actor, unit_id: str, noun: tuple[str, str], key: str) -> None:
    """Raise `NotFound` for this noun and key unless the actor may act for the unit."""
    if not actor.acts_for(unit_id):
        raise NotFound.of(Words(*noun), key)


def check_acts_for_province(actor: Actor) -> None:
    """Raise `Forbidden` for an actor who is limited to some units."""
    if actor.units is not None:
        raise Forbidden(
            Words(
                "Khóa học và chương trình là của toàn tỉnh: cần quyền không giới hạn đơn vị.",
                "Courses and programmes are the whole province's: this needs access that is not limited to units.",
            )
        )
