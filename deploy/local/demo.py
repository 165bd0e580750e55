"""`make demo`: plays the main job through the gateway as a partner system would, over HTTP alone, and gives an account.

The 186 real rows of `data/tasks.csv` are imported under references of this run, tried as they were written, and refused
with reasons; the 14 rows of Hà Giang's first meeting are repaired by what each refusal proposes, issued, given to people,
reported on, proven and closed: one is refused and given to somebody else, one is sent back and handed in again, one is
late. Then everybody's inbox and mailbox and the leader-first waves are held against what was done; the second act
(`second_act.py`) plays papers that are waited for, a frozen month, a score, targets, the load of units, the working life
and who has concretised a directive; at last the ledger is held against all of it. Exit status: 0 when everything was as
expected, 1 when anything differed or could not be reached.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.local.account import VIETNAM, Account, local_today
from deploy.local.partner import Partner, Refused
from deploy.local.sample import COMMUNE, PLANS, as_csv, plans, rows_of
from deploy.local.second_act import SecondAct

ROOT = Path(__file__).resolve().parents[2]
REPAIRED = "ha-giang"
"""The plan of `sample.PLANS` whose rows are taken to their end."""
SHOWN = "NQ03-114"
EXPECTED_OF_114 = {"lead_several", "lead_abolished", "product_missing", "deadline_open_ended", "responsible_missing"}


@dataclass
class Person:
    """A demonstration person who acts through a token of their own."""

    id: str
    unit: str
    position: str
    partner: Partner


@dataclass
class Repaired:
    """One row that is repaired and done: who does it, who approves, how it ends."""

    reference: str
    id: str
    responsible: Person
    approver: Person
    due_on: date
    ending: str = "in time"
    proof: str = "document"
    """The kind of evidence that the task asks for."""
    refused_by: Person | None = None


class Demo:
    def __init__(self, run: dict[str, Any], console: Console) -> None:
        self.run, self.console = run, console
        self.account = Account(console)
        self.meeting: dict[str, str] = {}
        self.apart = 0
        self.stamp = f"{datetime.now(UTC) + VIETNAM:%m%d-%H%M%S}"
        self.http = httpx2.Client(base_url=run["gateway"], timeout=30.0, trust_env=False)
        admin = next(client for client in run["clients"] if client["units"] is None and "tasks:write" in client["scopes"])
        self.partner = Partner.client(self.http, admin["client_id"], admin["client_secret"])
        commune = next(client for client in run["clients"] if client["units"] == [COMMUNE])
        self.commune = Partner.client(self.http, commune["client_id"], commune["client_secret"])
        auditor = next(client for client in run["clients"] if "ledger:read" in client["scopes"])
        self.auditor = Partner.client(self.http, auditor["client_id"], auditor["client_secret"])
        self.people = [
            Person(one["person_id"], one["unit"], one["position"], Partner.person(self.http, one["token"]))
            for one in run["people"]
        ]
        self.progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )

    @contextmanager
    def step(self, title: str, total: int) -> Iterator[Callable[[], None]]:
        task = self.progress.add_task(title, total=total)
        yield lambda: self.progress.advance(task)

    def play(self) -> int:
        started = time.monotonic()
        with self.progress:
            first_entry = self.ledger_size()
            self.apart = self.rows_without_entry()
            tasks = self.import_plans()
            reasons = self.try_as_written(tasks)
            done = self.repair()
            self.work(done)
            waves = self.train()
            inbox = self.check_inboxes(done, waves)
            mails = self.check_mailboxes(done)
            second = self.second_act()
            ledger = self.check_ledger(first_entry)
        self.tell(reasons, done, inbox, mails, ledger)
        for table in second.tables:
            self.console.print(table)
        seconds = time.monotonic() - started
        partners = [self.partner, self.commune, self.auditor, *(person.partner for person in self.people)]
        retried = sum(partner.retried for partner in partners)
        if self.account.wrong:
            self.console.print(f"\n[bold red]{len(self.account.wrong)} things differ[/bold red] after {seconds:.0f} s:")
            for line in self.account.wrong:
                self.console.print(f"  {line}", highlight=False, markup=False)
            return 1
        self.console.print(
            f"\n[bold green]Everything as expected[/bold green]: {self.account.checks} checks in {seconds:.0f} s; "
            f"{retried} requests had to be sent again.",
            highlight=False,
        )
        return 0

    # --- 1. the plans come in ---

    def import_plans(self) -> dict[str, str]:
        """Import the real rows under references of this run; returns task ids by the row's own id."""
        rows = rows_of(ROOT / "data", "tasks.csv")
        self.account.expect("rows of data/tasks.csv", len(rows), 186)
        found: dict[str, str] = {}
        self.imported = Table("plan", "rows", "created", "refused", "warnings", title="Imported", title_justify="left")
        with self.step("import: dry run, for good, and once more", 3 * len(PLANS)) as advance:
            for name, mark, plan in plans(rows):
                of_this_run = as_csv([{**row, "task_uid": f"{row['task_uid']}@{self.stamp}"} for row in plan])
                answers = []
                for dry_run in ("true", "false", "false"):
                    asked = {"kind": "tasks", "sample": mark, "dry_run": dry_run}
                    answers.append(self.partner.post("/v1/imports", content=of_this_run, params=asked, timeout=120.0))
                    advance()
                rehearsed, imported, again = answers
                counts = imported["counts"]
                self.account.expect(f"{name}: the dry run says what happens", rehearsed["counts"], counts)
                self.account.expect(f"{name}: rows created", counts["created"], len(plan))
                self.account.expect(f"{name}: the same file again", again["counts"]["unchanged"], len(plan))
                found |= {row["task_uid"]: line["id"] for row, line in zip(plan, imported["rows"], strict=True)}
                if name == REPAIRED:
                    self.meeting = {row["task_uid"]: found[row["task_uid"]] for row in plan}
                warnings = sum(one["severity"] == "warning" for line in imported["rows"] for one in line["findings"])
                self.imported.add_row(name, str(len(plan)), str(counts["created"]), str(counts["refused"]), str(warnings))
        return found

    # --- 2. tried as they were written ---

    def try_as_written(self, tasks: dict[str, str]) -> dict[str, list[dict[str, str]]]:
        """Ask for each row to be published as it stands; returns why each was refused."""
        refused: dict[str, list[dict[str, str]]] = {}
        published = 0
        with self.step("publish as written", len(tasks)) as advance:
            for reference, task in tasks.items():
                try:
                    self.partner.post(f"/v1/tasks/{task}/publish")
                    published += 1
                except Refused as refusal:
                    self.account.expect(f"{reference} as written", refusal.status, 409)
                    refused[reference] = refusal.problem.get("errors", [])
                advance()
        self.account.expect("rows publishable as written", published, 0)
        silent = [name for name, reasons in refused.items() for one in reasons if not (one.get("repair") and one.get("quote"))]
        self.account.expect("refusals without quoted words or a repair", silent, [])
        codes = {one["code"] for one in refused.get(SHOWN, [])}
        self.account.expect(f"reasons missing against {SHOWN}", EXPECTED_OF_114 - codes, set())
        return refused

    # --- 3. repaired ---

    def repair(self) -> list[Repaired]:
        """Mend each row of the meeting by what its refusal proposes, until it can be issued."""
        chosen = self.choose(self.meeting)
        with self.step("repair and publish", len(chosen)) as advance:
            for one in chosen:
                mend = {
                    "lead_unit_id": one.responsible.unit,
                    "responsible_id": one.responsible.id,
                    "approver_id": one.approver.id,
                    "due_on": one.due_on.isoformat(),
                    "product": "Báo cáo kết quả có danh mục kèm theo",
                    "product_kind": "document",
                    "evidence_kind": "document",
                    "coordinator_unit_ids": [],
                    "authority": "Trưởng Ban Chỉ đạo quyết định và gia hạn",
                }
                asked = self.fields_to_mend(one.id)
                self.partner.patch(f"/v1/tasks/{one.id}", {name: mend[name] for name in asked if name in mend})
                left = self.fields_to_mend(one.id)
                if left:  # what could only be seen once the rest was mended
                    self.partner.patch(f"/v1/tasks/{one.id}", {name: mend[name] for name in left if name in mend})
                shown = self.partner.get(f"/v1/tasks/{one.id}")
                unmet = [clear["key"] for clear in shown["clears"] if not clear["met"]]
                self.account.expect(f"{one.reference}: clears that are not met after the repair", unmet, [])
                issued = self.partner.post(f"/v1/tasks/{one.id}/publish")
                one.proof = issued["evidence_kind"]
                self.account.expect(f"{one.reference}: published", issued["state"], "published")
                advance()
        return chosen

    def fields_to_mend(self, task: str) -> list[str]:
        """The fields that speak against the clears, each once; none when every clear is met."""
        shown = self.partner.get(f"/v1/tasks/{task}")
        return sorted({clear["field"] for clear in shown["clears"] if not clear["met"]})

    def choose(self, rows: dict[str, str]) -> list[Repaired]:
        """Spread the rows over the demonstration people of the units that have somebody to do and somebody to approve."""
        by_unit: dict[str, list[Person]] = {}
        for person in self.people:
            by_unit.setdefault(person.unit, []).append(person)
        pairs = [
            (officer, head)
            for people in by_unit.values()
            for head in people
            if head.position == "unit_head"
            for officer in people
            if officer.position == "officer"
        ]
        if not pairs:
            raise SystemExit("roviec: run.json names no unit with a head and an officer")
        today = local_today()
        chosen = []
        for number, (reference, task) in enumerate(sorted(rows.items())):
            officer, head = pairs[number % len(pairs)]
            chosen.append(Repaired(reference, task, officer, head, today + timedelta(days=20 + number)))
        refused, returned, late = chosen[0], chosen[1], chosen[2]
        colleagues = [o for o, _ in pairs if o.unit == refused.responsible.unit and o is not refused.responsible]
        refused.ending, refused.refused_by = "refused, then in time", refused.responsible
        refused.responsible = colleagues[0]
        returned.ending = "returned, then in time"
        late.ending, late.due_on = "late", today - timedelta(days=2)
        return chosen

    # --- 4. done ---

    def work(self, chosen: list[Repaired]) -> None:
        with self.step("assign, accept, report, prove, submit, review", len(chosen)) as advance:
            for one in chosen:
                path = f"/v1/tasks/{one.id}"
                if one.refused_by is not None:
                    self.partner.post(f"{path}/assign", {"responsible_id": one.refused_by.id})
                    no = {"reason_code": "overloaded", "words": "Đang chủ trì ba việc khác cùng hạn."}
                    one.refused_by.partner.post(f"{path}/refuse", no)
                self.assign_twice(one)
                if one.ending == "late":
                    self.wait_until_overdue(one)
                    for kind in ("task_overdue", "commitment_asked"):
                        self.wait_for_notice(one.approver, one.id, kind)
                does, reviews = one.responsible.partner, one.approver.partner
                does.post(f"{path}/accept")
                does.post(f"{path}/report-progress", {"percent": 60, "words": "Đã xong phần rà soát."})
                does.post(f"{path}/add-evidence", _evidence(one))
                does.post(f"{path}/submit", {"words": "Trình kết quả."})
                if one.ending.startswith("returned"):
                    no = {"reason_code": "incomplete", "words": "Thiếu số liệu của hai xã."}
                    reviews.post(f"{path}/return", no)
                    does.post(f"{path}/add-evidence", _evidence(one, 2))
                    does.post(f"{path}/submit", {"words": "Đã bổ sung, trình lại."})
                finished = reviews.post(f"{path}/complete", {"words": "Đạt yêu cầu."})
                wanted = "done_late" if one.ending == "late" else "done_in_time"
                self.account.expect(f"{one.reference}: how it ended", finished["timeliness"], wanted)
                told = [line["what"] for line in self.partner.items(f"{path}/history")]
                self.account.expect(f"{one.reference}: its history ends", told[-1], "completed")
                advance()

    def wait_until_overdue(self, one: Repaired) -> None:
        def stands() -> str:
            return str(self.partner.get(f"/v1/tasks/{one.id}")["timeliness"])

        self.account.eventually(f"{one.reference} is overdue", stands, lambda found: found == "overdue")

    def assign_twice(self, one: Repaired) -> None:
        """One key, sent twice: one effect and the very same answer."""
        path, body, key = f"/v1/tasks/{one.id}/assign", {"responsible_id": one.responsible.id}, f"assign-{one.id}-{self.stamp}"
        first = self.partner.post(path, body, key=key)
        again = self.partner.post(path, body, key=key)
        self.account.expect(f"{one.reference}: the answer to the same key", again, first)

    # --- 5. leaders first ---

    def train(self) -> list[Person]:
        """A programme in one unit: officers wait until every leader has passed. Returns whose wave opened then."""
        heads = [person for person in self.people if person.position == "unit_head"]
        unit = heads[0].unit
        staff = [person for person in self.people if person.unit == unit]
        leaders = [person for person in staff if person.position in ("unit_head", "deputy_head")]
        officers = [person for person in staff if person not in leaders]
        with self.step("leaders first", len(staff) + len(leaders)) as advance:
            course = next(iter(self.partner.items("/v1/courses")))["id"]
            programme = self.partner.post(
                "/v1/programmes",
                {
                    "title": f"Bình dân học vụ số {self.stamp}",
                    "course_ids": [course],
                    "audiences": {"AUD-LEAD": 0, "AUD-CBCC": 1},
                },
                expect=201,
            )["id"]
            enrolled: dict[str, str] = {}
            for person in [*leaders, *officers]:
                made = self.partner.post("/v1/enrolments", {"programme_id": programme, "person_id": person.id}, expect=201)
                enrolled[person.id] = made["id"]
                advance()
            early = officers[0]
            refused = self.partner.refused(f"/v1/enrolments/{enrolled[early.id]}/complete")[0]
            self.account.expect("an officer before the leaders", refused, 409)
            for person in leaders:
                self.partner.post(f"/v1/enrolments/{enrolled[person.id]}/complete")
                advance()
            state = f"/v1/enrolments/{enrolled[early.id]}"
            self.account.eventually("the officers' wave opens", lambda: self.partner.get(state)["state"], lambda s: s == "open")
        return officers

    # --- 6. everybody told ---

    def wait_for_notice(self, person: Person, task: str, kind: str) -> None:
        about = f"/v1/tasks/{task}"

        def kinds() -> list[str]:
            notices = person.partner.items("/v1/notices", recipient=person.id, kind=kind)
            return [notice["kind"] for notice in notices if notice["about"] == about]

        self.account.eventually(f"{person.id} is told of {kind}", kinds, lambda found: found == [kind])

    def check_inboxes(self, chosen: list[Repaired], opened: list[Person]) -> Counter[str]:
        """Each step's notice in the right inbox, once."""
        wanted: list[tuple[Person, str, str]] = []
        for one in chosen:
            does, reviews = one.responsible, one.approver
            wanted += [(does, one.id, "task_assigned"), (reviews, one.id, "task_submitted")]
            wanted += [(does, one.id, "task_completed"), (reviews, one.id, "task_completed")]
            if one.refused_by is not None:
                wanted += [(one.refused_by, one.id, "task_assigned"), (reviews, one.id, "task_refused")]
            if one.ending.startswith("returned"):
                wanted += [(does, one.id, "task_returned"), (reviews, one.id, "task_submitted")]
            if one.ending == "late":
                for kind in ("task_overdue", "commitment_asked"):
                    wanted += [(does, one.id, kind), (reviews, one.id, kind)]
        expected = Counter((person.id, task, kind) for person, task, kind in wanted)
        everybody = {person.id: person for person, _, _ in wanted}
        ids = {one.id for one in chosen}
        with self.step("inboxes", len(everybody) + len(opened)) as advance:
            found: Counter[tuple[str, str, str]] = Counter()
            for person in everybody.values():

                def inbox(person: Person = person) -> Counter[tuple[str, str, str]]:
                    notices = person.partner.items("/v1/notices", recipient=person.id)
                    keys = [(person.id, notice["about"].rpartition("/")[2], notice["kind"]) for notice in notices]
                    return Counter(key for key in keys if key[1] in ids)

                mine = Counter({key: n for key, n in expected.items() if key[0] == person.id})
                found += self.account.eventually(f"inbox of {person.id}", inbox, mine.__eq__)
                advance()
            for person in opened:

                def waves(person: Person = person) -> int:
                    notices = person.partner.items("/v1/notices", recipient=person.id, kind="wave_opened")
                    return sum(self.stamp in json.dumps(notice, ensure_ascii=False) for notice in notices)

                self.account.eventually(f"{person.id} is told that the wave is open", waves, lambda n: n == 1)
                advance()
        counted = Counter(kind for (_, _, kind), n in found.items() for _ in range(n))
        return counted + Counter(wave_opened=len(opened))

    def check_mailboxes(self, chosen: list[Repaired]) -> int:
        """The mail of each assignment lies in the mailbox of whoever it was given to."""
        mails = 0
        with self.step("mailboxes", len(chosen)) as advance:
            for one in chosen:

                def delivered(one: Repaired = one) -> list[str]:
                    notices = one.responsible.partner.items("/v1/notices", recipient=one.responsible.id, kind="task_assigned")
                    return [n["mail"]["state"] for n in notices if n["about"].endswith(one.id)]

                states = self.account.eventually(
                    f"{one.reference}: mail to {one.responsible.id}", delivered, lambda s: s == ["delivered"]
                )
                mails += len(states)
                advance()
            kept = httpx2.get(f"{self.run['mailbox']}/messages.json", trust_env=False).json()
            for one in chosen:
                address = f"{one.responsible.id}@"
                about = [m for m in kept if address in m["to"] and one.id in m["text"]]
                self.account.expect(f"{one.reference}: in the mailbox of {one.responsible.id}", bool(about), True)
        return mails

    # --- 7. on record ---

    def ledger_size(self) -> int:
        newest = self.auditor.get("/v1/ledger/entries", order="newest", limit=1)["items"]
        return newest[0]["index"] + 1 if newest else 0

    def rows_without_entry(self, seconds: float = 15.0) -> int:
        """How many more outbox rows than ledger entries there are before anything is done: none, unless somebody wrote to
        the topics past the services, which are then set aside as dead letters. What is only late is waited for.
        """
        until = time.monotonic() + seconds
        while True:
            ledger, (rows, pending) = self.ledger_size(), self.outboxes()
            if (rows == ledger and pending == 0) or time.monotonic() > until:
                return rows - ledger
            time.sleep(0.5)

    def check_ledger(self, first: int) -> list[float]:
        """As many entries as events were published; every effect of this run in it. Returns seconds from fact to entry."""
        with self.step("ledger", 2) as advance:
            self.account.eventually(
                "ledger entries = events of the services' outboxes",
                lambda: (self.ledger_size(), *self.outboxes()),
                lambda got: got[0] == got[1] - self.apart and got[2] == 0,
            )
            advance()
            asked = {
                i for p in (self.partner, self.commune, *(person.partner for person in self.people)) for i in p.request_ids
            }
            entries = [e for e in self.auditor.items("/v1/ledger/entries", after=first - 1) if e["correlation_id"] in asked]
            per_subject: dict[str, list[int]] = {}
            for entry in entries:
                per_subject.setdefault(f"{entry['source']}/{entry['type'].split('.')[1]}/{entry['subject']}", []).append(
                    entry["sequence"]
                )
            unordered = [subject for subject, numbers in per_subject.items() if numbers != sorted(set(numbers))]
            self.account.expect("streams out of order or doubled in the ledger", unordered, [])
            self.ledger_entries, self.ledger_whole = len(entries), self.ledger_size()
            advance()
        return [_seconds(entry["recorded_at"]) - _seconds(entry["time"]) for entry in entries]

    def outboxes(self) -> tuple[int, int]:
        """(events written, events not yet sent) of all services, from their own metrics."""
        rows = pending = 0
        for process in self.run["processes"]:
            if process.get("metrics") is None:
                continue
            try:
                text = httpx2.get(process["metrics"], trust_env=False, timeout=5.0).text
            except httpx2.TransportError:
                return -1, -1
            rows += _gauge(text, "roviec_outbox_rows")
            pending += _gauge(text, "roviec_outbox_pending")
        return rows, pending

    def second_act(self) -> SecondAct:
        people = {person.id: person.partner for person in self.people}
        second = SecondAct(self.partner, self.commune, self.account, self.stamp, ROOT / "data", people)
        with self.step(
            "second act: papers, report, score, targets, working life, concretisation, reorganisation", 1
        ) as advance:
            second.play()
            advance()
        return second

    # --- the account ---

    def tell(
        self,
        refused: dict[str, list[dict[str, str]]],
        chosen: list[Repaired],
        inbox: Counter[str],
        mails: int,
        ledger: list[float],
    ) -> None:
        show = self.console.print
        show()
        show(self.imported)
        why = Counter(one["code"] for reasons in refused.values() for one in reasons)
        table = Table("reason", "rows", title=f"\nRefused as written: {len(refused)} of {len(refused)}", title_justify="left")
        for code, number in why.most_common():
            table.add_row(code, str(number))
        show(table)
        table = Table("reason", "the words", "repair", title=f"\nWhy {SHOWN} was refused", title_justify="left")
        for one in refused.get(SHOWN, []):
            table.add_row(one["code"], one.get("quote", ""), one["repair"])
        show(table)
        table = Table("row", "ended", "due", "done by", title="\nRepaired, issued and done", title_justify="left")
        for row in chosen:
            table.add_row(row.reference, row.ending, row.due_on.isoformat(), row.responsible.id)
        show(table)
        late = sum(row.ending == "late" for row in chosen)
        table = Table("of the plans", "rows", title="\nIn all", title_justify="left")
        for what, number in (
            ("imported", 186),
            ("refused as they were written", len(refused)),
            ("repaired and published", len(chosen)),
            ("done in time", len(chosen) - late),
            ("done late", late),
        ):
            table.add_row(what, str(number))
        show(table)
        table = Table("notice", "in inboxes", title="\nEverybody told", title_justify="left")
        for kind, number in sorted(inbox.items()):
            table.add_row(kind, str(number))
        table.add_row("mails of assignments delivered", str(mails))
        show(table)
        if ledger:
            spread = f"median {statistics.median(ledger):.2f} s, slowest {max(ledger):.2f} s"
            show(f"\nLedger: {self.ledger_whole} entries = events published; {len(ledger)} of this run.", highlight=False)
            if self.apart:
                show(f"(Outbox rows less entries before this run: {self.apart}, by what was written past the services.)")
            show(f"From the request to the ledger: {spread}.", highlight=False)


def _evidence(one: Repaired, number: int = 1) -> dict[str, str]:
    return {"kind": one.proof, "title": f"Báo cáo lần {number}", "url": f"https://vanban.example/{one.reference}/{number}"}


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _gauge(text: str, name: str) -> int:
    return sum(int(float(line.rsplit(" ", 1)[1])) for line in text.splitlines() if line.startswith(f"{name} "))


def main() -> None:
    parser = argparse.ArgumentParser(prog="make demo", description=(__doc__ or "").partition("\n")[0])
    running = Path(os.environ.get("LOCAL_DIR") or ROOT / ".local") / "run.json"
    parser.add_argument("--run", type=Path, default=running, help="run.json of a running `make run`")
    arguments = parser.parse_args()
    console = Console(width=100)
    try:
        run = json.loads(arguments.run.read_text())
    except (OSError, ValueError):
        print(f"roviec: nothing runs here: {arguments.run} cannot be read. Start `make run` first.", file=sys.stderr)
        raise SystemExit(1) from None
    try:
        raise SystemExit(Demo(run, console).play())
    except (Refused, httpx2.TransportError) as error:
        console.print(f"[bold red]stopped[/bold red]: {type(error).__name__}: {error}", highlight=False)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
