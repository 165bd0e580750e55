"""People as this service needs them, and how they want to be told."""

from __future__ import annotations

import re
from typing import ClassVar

from pydantic import Field

from common.domain import Actor, Aggregate, Document
from common.errors import FieldProblem, Invalid, Words

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*\Z")


def is_address(text: str) -> bool:
    """True for `local@domain` in ASCII with nothing around it (RFC 5321 dot-string): what every mail server takes, and
    nothing in which a second header or recipient could hide.
    """
    return _ADDRESS.match(text) is not None


class Person(Document):
    """Copy of a person in the tasks service: where they work and whether they still do. No name."""

    unit_id: str
    position: str
    active: bool = True


class Contact(Aggregate):
    """Where a person wants mail, and of what; the id is the person's. The address is personal data and is kept here alone."""

    noun: ClassVar = ("tùy chọn nhận tin", "preferences")
    address: str | None = None
    mail: dict[str, bool] = Field(default_factory=dict)
    """By kind of notice; a kind that is not named is on."""

    def choose(self, address: str | None, mail: dict[str, bool]) -> None:
        """Set both anew. Raises `Invalid` for an address that no mail can go to."""
        if address is not None and not is_address(address):
            raise Invalid(
                Words("Địa chỉ thư không hợp lệ.", "The e-mail address is not valid."),
                [
                    FieldProblem(
                        "address",
                        "address_invalid",
                        Words("Không phải địa chỉ thư điện tử.", "Not an e-mail address."),
                        Words(
                            "Hãy ghi dạng ten@coquan.gov.vn, không dấu.", "Write it as name@office.gov.vn, in ASCII letters."
                        ),
                    )
                ],
            )
        self.address, self.mail = address, mail


def mail_objection(person: Person | None, contact: Contact | None, kind: str) -> str | None:
    """Why this person gets no mail of this kind: a stable code, or None when they do.

    A person whom the copy does not know yet is taken for active: an address can only have been set for a real one.
    """
    if person is not None and not person.active:
        return "person_inactive"
    if contact is None or contact.address is None:
        return "no_address"
    return None if contact.mail.get(kind, True) else "mail_off"


def may_see(actor: Actor, recipient_id: str, person: Person | None) -> bool:
    """True when the actor may see and touch what is this person's: people their own, clients that of people of their units."""
    if actor.kind == "person":
        return actor.id == recipient_id
    return actor.acts_for(person.unit_id if person is not None else None)
