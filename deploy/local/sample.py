"""The sample province: what `data/` holds, brought in through the gateway over HTTP as a partner system would.

Every request's Idempotency-Key is derived from what it says, and the services answer the same list again with
"unchanged": loading twice, or going on after an interruption, is the same as loading once.
"""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.partner import Partner, Refused
from deploy.local.parts import Trouble

ADMINISTRATION = frozenset({"clients:admin"})
"""Scopes that no demonstration client gets."""
PORTAL, AUDITOR = "province-portal", "auditor"
COMMUNE = "vn:commune:00694@2025-07-01"
COMMUNE_SCOPES = (
    "units:read", "people:read", "directives:read", "directives:write", "summary:read",
    "tasks:read", "tasks:write", "tasks:assign", "tasks:review",
    "courses:read", "programmes:read", "enrolments:read", "enrolments:write", "notices:read", "notices:write",
)  # fmt: skip
AUDITOR_SCOPES = ("ledger:read",)
PLANS = (("nq03", "NQ03-", "foreign"), ("khanh-hoa", "KH", "foreign"), ("ha-giang", "HG", "demo"))
"""The three task files that `data/tasks.csv` is made of: name, beginning of its rows' ids, and how they are marked. Plans
of the Government and of another province show shape and difficulty; they are not this province's tasks.
"""
PROGRAMME = "Bình dân học vụ số: lãnh đạo học trước"
PROGRAMME_COURSES = ("C-INFOSEC", "C-PII", "C-DX", "C-AI")
MAIL_DOMAIN = "demo.roviec.example"
IMPORT_SECONDS = 180.0


@dataclass(frozen=True)
class ClientWanted:
    """A demonstration partner system. `units` None: for the whole province."""

    name: str
    scopes: tuple[str, ...]
    units: tuple[str, ...] | None = None

    def served_by(self, client: Mapping[str, Any] | None) -> bool:
        """False when there is no such client, or one of a version that wanted fewer scopes."""
        return client is not None and set(self.scopes) <= set(client["scopes"])


def clients_wanted(every_scope: Iterable[str]) -> list[ClientWanted]:
    """The demonstration clients, given the scopes that the platform knows."""
    known = set(every_scope) - ADMINISTRATION
    return [
        ClientWanted(PORTAL, tuple(sorted(known))),
        ClientWanted("commune-ha-giang-1", tuple(scope for scope in COMMUNE_SCOPES if scope in known), (COMMUNE,)),
        ClientWanted(AUDITOR, AUDITOR_SCOPES),
    ]


def rows_of(data: Path, name: str) -> list[dict[str, str]]:
    with (data / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def plans(rows: Sequence[dict[str, str]]) -> Iterator[tuple[str, str, list[dict[str, str]]]]:
    """The task list cut into the files that it was made of: (name, mark, rows). Raises `ValueError` for a row of none."""
    cut: dict[str, list[dict[str, str]]] = {name: [] for name, _, _ in PLANS}
    for row in rows:
        name = next((name for name, prefix, _ in PLANS if row["task_uid"].startswith(prefix)), None)
        if name is None:
            raise ValueError(f"{row['task_uid']} belongs to none of the plans")
        cut[name].append(row)
    for name, _, mark in PLANS:
        yield name, mark, cut[name]


def key_of(*parts: str | bytes) -> str:
    """An Idempotency-Key that stands for exactly this request."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return f"sample-{digest.hexdigest()[:32]}"


def address_of(person_id: str) -> str:
    return f"{person_id}@{MAIL_DOMAIN}"


class Loader:
    """Brings the sample in. `say(what, outcome)` is told of each step; `patient` is asked while something is waited for and
    raises when the run ends.
    """

    def __init__(self, data: Path, say: Callable[[str, str], None], patient: Callable[[], None] = lambda: None) -> None:
        self.data, self._say, self._patient = data, say, patient

    # --- clients ---

    def clients(
        self,
        admin: Partner,
        admin_id: str,
        kept: Sequence[dict[str, Any]],
        keep: Callable[[list[dict[str, Any]]], None] = lambda _: None,
    ) -> list[dict[str, Any]]:
        """The demonstration clients with their secrets, made where they are not among those `kept` from the last run.
        `keep` is given the list as soon as it has grown, since a secret is shown once.
        """
        found = {client["name"]: client for client in kept}
        for wanted in clients_wanted(admin.get(f"/v1/clients/{admin_id}")["scopes"]):
            if not wanted.served_by(found.get(wanted.name)):
                found[wanted.name] = self._client(admin, wanted)
                keep(list(found.values()))
                self._say("client", f"{wanted.name} admitted")
        return list(found.values())

    @staticmethod
    def _client(admin: Partner, wanted: ClientWanted) -> dict[str, Any]:
        units = None if wanted.units is None else list(wanted.units)
        body = {"name": wanted.name, "scopes": list(wanted.scopes), "unit_ids": units}
        living = (one for one in admin.items("/v1/clients") if one["name"] == wanted.name and one["revoked_at"] is None)
        made = next(living, None)
        if made is not None and not wanted.served_by(made):
            admin.effect("DELETE", f"/v1/clients/{made['id']}", expect=204)
            made = None
        made = made or admin.post("/v1/clients", body, expect=201)
        if made.get("client_secret") is None:  # nobody has it any more: it was shown to a run, or an answer, that was lost
            made = admin.post(f"/v1/clients/{made['id']}/rotate-secret", {"keep_old_minutes": 0})
        return {
            "name": wanted.name,
            "client_id": made["id"],
            "client_secret": made["client_secret"],
            "scopes": made["scopes"],
            "units": made["unit_ids"],
        }

    def example(self, partner: Partner, reference: str) -> str:
        """The id of an imported task by the id that it has in its plan."""
        found = next((task for task in partner.items("/v1/tasks", q=reference) if task["reference"] == reference), None)
        if found is None:
            raise Trouble(f"{reference} is not among the tasks; `make run FRESH=1` loads the sample anew")
        return str(found["id"])

    # --- lists ---

    def province(self, partner: Partner) -> None:
        """Everything but the clients. Raises `Refused` for an answer that was not expected, `Trouble` for refused rows."""
        self._bring_in(partner, "units", "units", (self.data / "units.csv").read_bytes())
        self._bring_in(partner, "agencies", "agencies", (self.data / "agencies.csv").read_bytes())
        self._bring_in(partner, "successions", "successions", (self.data / "unit_succession.csv").read_bytes())
        self._bring_in(partner, "directives", "directives", (self.data / "directives.csv").read_bytes())
        self._bring_in(partner, "people", "people", (self.data / "demo_people.csv").read_bytes())
        for name, mark, rows in plans(rows_of(self.data, "tasks.csv")):
            self._bring_in(partner, f"tasks {name}", "tasks", as_csv(rows), sample=mark)
        self._courses(partner)
        self._programme(partner)
        self._addresses(partner)

    def _bring_in(self, partner: Partner, what: str, kind: str, content: bytes, **asked: str) -> None:
        started = time.monotonic()
        answer = partner.post(
            "/v1/imports",
            content=content,
            params={"kind": kind, **asked},
            key=key_of(kind, *sorted(asked.values()), content),
            timeout=IMPORT_SECONDS,
        )
        counts = {outcome: number for outcome, number in answer["counts"].items() if number}
        said = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
        self._say(what, f"{said} in {time.monotonic() - started:.1f} s")
        if refused := [row for row in answer["rows"] if row["outcome"] == "refused"]:
            first = refused[0]
            why = "; ".join(f"{one['field']}: {one['message']}" for one in first["findings"] if one["severity"] == "error")
            raise Trouble(f"the sample's list of {what} was not taken whole: row {first['row']}: {why}")

    def _courses(self, partner: Partner) -> None:
        started, made = time.monotonic(), 0
        present = {course["id"] for course in partner.items("/v1/courses")}
        rows = rows_of(self.data, "courses.csv")
        for row in rows:
            if row["course_id"] not in present:
                body = {
                    "id": row["course_id"],
                    "title": row["title_en"],
                    "topic": row["topic"],
                    "source": row["where_it_comes_from"],
                }
                partner.post("/v1/courses", body, expect=201, key=key_of("course", *body.values()))
                made += 1
            self._patient()
        self._say("courses", f"{made} created, {len(rows) - made} unchanged in {time.monotonic() - started:.1f} s")

    def _programme(self, partner: Partner) -> None:
        """One programme for the 15 audiences, in the waves that training knows by itself (`data/audiences.csv`)."""
        if any(one["title"] == PROGRAMME for one in partner.items("/v1/programmes")):
            self._say("programme", "1 unchanged")
            return
        waves = {row["audience_id"]: int(row["wave(leader-first order; ours)"]) for row in rows_of(self.data, "audiences.csv")}
        body = {"title": PROGRAMME, "course_ids": list(PROGRAMME_COURSES), "audiences": waves}
        partner.post("/v1/programmes", body, expect=201, key=key_of("programme", repr(body)))
        self._say("programme", f"1 created, for {len(waves)} audiences")

    def _addresses(self, partner: Partner) -> None:
        """Give everybody an address in the local mailbox, as soon as notifications has heard of them."""
        started = time.monotonic()
        people = [row["person_id"] for row in rows_of(self.data, "demo_people.csv")]
        for person in people:
            self._once_known(partner, person)
            partner.effect("PUT", f"/v1/preferences/{person}", {"address": address_of(person)})
        self._say("addresses", f"{len(people)} people get mail, in {time.monotonic() - started:.1f} s")

    def _once_known(self, partner: Partner, person: str, seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while True:
            self._patient()
            try:
                partner.get(f"/v1/preferences/{person}")
                return
            except Refused as refused:
                if refused.status != 404 or time.monotonic() > until:
                    raise
            time.sleep(0.2)
