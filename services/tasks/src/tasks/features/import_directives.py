"""Import papers and meeting conclusions (`directives.csv`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from common.errors import Words
from tasks.domain.directive import Directive
from tasks.domain.document_number import read_number
from tasks.domain.rows import Reading, differing, unique
from tasks.domain.rows_directives import judge_issuer, number_key, read_directive
from tasks.features.concretising import keep_rows
from tasks.features.importing import Import, accepted
from tasks.store import DIRECTIVES, UNITS, by_id, directives_numbered, issuers


async def import_directives(work: Import) -> list[Reading]:
    """Register papers. One that was registered without its day of issue gets it; the same paper twice is one."""
    readings = work.readings()
    wanted = {id(reading): read_directive(reading) for reading in readings}
    parents = {id(reading): reading.text("parent_number") for reading in readings}
    numbers = [*(fields["number"] for fields in wanted.values()), *parents.values()]
    stored = {directive.id: directive for directive in await directives_numbered(work.uow, numbers)}
    known = {(number_key(paper.number), paper.issuer, paper.issued_on): paper.id for paper in stored.values()}
    for reading in readings:  # a paper keeps the id of its first registration, also when its day is found out later
        reading.id = _id_of_known(known, wanted[id(reading)]) or reading.id
    unique(readings, "number")
    bearers: dict[str, list[str]] = {}
    for directive in stored.values():
        bearers.setdefault(number_key(directive.number), []).append(directive.id)
    for directive_id, reading in accepted(readings):
        if directive_id not in stored:
            bearers.setdefault(number_key(wanted[id(reading)]["number"]), []).append(directive_id)
    await _judge_issuers(work, readings, wanted)
    saved, relinked = list[str](), list[str]()
    for directive_id, reading in accepted(readings):
        fields, stored_one = wanted[id(reading)], stored.get(directive_id)
        if reading.has("parent_number"):
            fields |= _parent_of(reading, directive_id, parents[id(reading)], bearers)
        if stored_one is None:
            kind = read_number(fields["number"]).type
            work.save(DIRECTIVES, Directive(id=directive_id, **{"type": kind, **fields}).register())
            reading.created()
            saved.append(directive_id)
            continue
        if stored_one.issuer_unit_id is not None and not reading.text("issuer_uid"):
            fields.pop("issuer_unit_id", None)  # somebody has said it, or it was clear when the paper was registered
            fields.pop("issuer_candidates", None)
        if fields["issued_on"] is None:
            del fields["issued_on"]  # this file does not know it, which is no reason to forget it
        del fields["number"]  # another spelling of the same number
        if changes := differing(stored_one, fields):
            reading.compare(stored_one, changes)
            stored_one.correct(changes)
            work.save(DIRECTIVES, stored_one)
            reading.updated(changes)
            saved.append(directive_id)
            relinked += [directive_id] if "parent_id" in changes else []
        else:
            reading.unchanged()
    if not work.dry_run:
        await keep_rows(work.uow, saved, relinked=relinked)
    return readings


async def _judge_issuers(work: Import, readings: Sequence[Reading], wanted: Mapping[int, dict[str, Any]]) -> None:
    """Add to each row's fields the unit that issued the paper, as far as that is clear."""
    known = await by_id(work.uow, UNITS, [reading.text("issuer_uid") or None for reading in readings])
    names = await issuers(work.uow, {fields["issuer"] for fields in wanted.values()})
    for reading in readings:
        fields = wanted[id(reading)]
        meant = names.find(fields["issuer"], fields["issued_on"] or work.today)
        fields |= judge_issuer(reading, fields["issuer"], meant, known)


def _id_of_known(known: Mapping[tuple[str, str, date | None], str], fields: Mapping[str, object]) -> str | None:
    number, issuer, day = number_key(str(fields["number"])), str(fields["issuer"]), fields["issued_on"]
    dated = known.get((number, issuer, day if isinstance(day, date) else None))
    return dated or known.get((number, issuer, None))


def _parent_of(
    reading: Reading, directive_id: str, written: str, bearers: Mapping[str, Sequence[str]]
) -> dict[str, str | None]:
    """The field `parent_id`: nothing at all when the number leads nowhere, so that a stored parent stays."""
    if not written:
        return {"parent_id": None}
    found = [one for one in bearers.get(number_key(written), ()) if one != directive_id]
    if len(found) == 1:
        return {"parent_id": found[0]}
    if found:
        code = "parent_ambiguous"
        message = Words(
            "Nhiều văn bản mang số này; số đánh lại mỗi năm.",
            "Several papers bear this number; numbers start again every year.",
        )
    else:
        code = "parent_unknown"
        message = Words("Văn bản cấp trên chưa được đăng ký.", "The superior paper is not registered.")
    reading.say(
        code,
        "warning",
        "parent_number",
        message,
        written,
        Words("Hãy đăng ký văn bản cấp trên rồi nhập lại dòng này.", "Register the superior paper, then import the row again."),
    )
    return {}
