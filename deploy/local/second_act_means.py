"""A task's means in the second act: resources, evidence rejected and superseded, a coordinator's part, the short list, a party,
a month without work, an occurrence of what a task waits for.

Played with the people of the working life; the month's period is opened by the worker while the rest is played.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rich.table import Table

from deploy.local.sample import COMMUNE
from deploy.local.second_act_life import HEAD, NEIGHBOUR, OFFICER, WorkingLife

FUND = {"source": "Ngân sách xã (demo)"}
PAPER = {"kind": "document", "title": "Báo cáo số 12/BC-UBND (demo)"}
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
"""Of the word «test»: a file that is nowhere."""
IN_FORCE_DAYS = 60
"""So long a task on an event stands ready."""


class Means:
    """Plays its part and keeps what it saw in `table`."""

    def __init__(self, life: WorkingLife) -> None:
        self.life, self.account = life, life.account
        self.partner, self.head, self.officer, self.agency = life.partner, life.head, life.officer, life.agency
        self.table = Table("what", "how it went", title="\nMeans of a task", title_justify="left")

    def play(self) -> None:
        monthly = self.life.task(
            "Báo cáo hồ sơ trực tuyến", 0, due_on=None, deadline_written="Hằng tháng, trước ngày 25", product="Báo cáo tháng"
        )
        task = self.life.task(
            "Số hóa hồ sơ đất đai", 20, coordinator_unit_ids=[NEIGHBOUR], criteria=["100 % hồ sơ được quét", "Có biên bản"]
        )
        path = f"/v1/tasks/{task}"
        self.resources(path)
        self.focus(task, path)
        self.party(path)
        self.part(path)
        self.evidence(task, path)
        self.occurrence()
        self.month_without_work(monthly)

    def resources(self, path: str) -> None:
        """Planned by the unit, granted by the approver; what is spent beyond that is marked."""
        self.account.expect("a task without resources is marked", self.partner.get(path)["marks"], ["without_resources"])
        planned = {"people": 3, "months": "1.5", "money": [{**FUND, "planned": 250_000_000}]}
        self.head.post(f"{path}/plan-resources", planned)
        self.head.post(f"{path}/grant-money", {**FUND, "granted": 200_000_000, "words": "QĐ giao kinh phí (demo)"})
        shown = self.officer.post(f"{path}/report-spending", {**FUND, "spent": 210_000_000})
        self.account.expect("more spent than granted is marked", shown["marks"], ["overspent"])
        self.table.add_row("resources", "3 people, 250 million planned, 200 granted, 210 spent: overspent")

    def focus(self, task: str, path: str) -> None:
        """The short list is the standing agency's; each mark says who set it and why."""
        words = {"focus": True, "priority": "high", "words": "Kết luận họp (demo)"}
        self.account.expect("the unit sets its own priority", self.head.refused(f"{path}/mark", words)[0], 403)
        self.agency.post(f"{path}/mark", words)
        listed = [one["id"] for one in self.partner.items("/v1/tasks", focus="true", q=self.life.stamp)]
        self.account.expect("the short list", listed, [task])
        lines = self.partner.items("/v1/summary/load", by="person", unit=COMMUNE)
        load = next((one["open"] for one in lines if one["person_id"] == OFFICER), 0)
        self.account.expect("the officer carries what was assigned", load >= 2, True)
        self.table.add_row("short list", f"set by the standing agency; {OFFICER} carries {load} open tasks")

    def party(self, path: str) -> None:
        """Who has no account is called by role and reached through the commune."""
        body = {"kind": "prestigious_person", "label": "Người có uy tín thôn Lùng Tám (demo)", "unit_id": COMMUNE,
                "words": "Vận động các hộ mang hồ sơ đến"}  # fmt: skip
        (party,) = self.officer.post(f"{path}/name-party", body)["parties"]
        self.head.post(f"{path}/parties/{party['id']}/reach", {"words": "Đã họp thôn"})
        self.table.add_row("party", f"{party['label']}: reached through {COMMUNE}")

    def part(self, path: str) -> None:
        """A coordinating commune owes its part, hands it in, and the lead accepts it."""
        due = self.life.today.isoformat()
        self.officer.post(f"{path}/ask-part", {"unit_id": NEIGHBOUR, "due_on": due, "words": "Số liệu vùng giáp ranh"})
        owing = [one["id"] for one in self.partner.items("/v1/tasks", owing=NEIGHBOUR, q=self.life.stamp)]
        self.account.expect("the lead sees who is outstanding", [f"/v1/tasks/{one}" for one in owing], [path])
        result = {"words": "Đã gửi bảng số liệu", "file": "demo/so-lieu.xlsx", "sha256": SHA}
        self.partner.post(f"{path}/parts/1/submit", result)
        shown = self.officer.post(f"{path}/parts/1/decide", {"decision": "accept", "words": "Đủ số liệu"})
        self.account.expect("the part is in time", shown["parts"][0]["stands"], "in_time")
        self.table.add_row("part of a coordinator", f"{NEIGHBOUR}: asked, handed in, accepted")

    def evidence(self, task: str, path: str) -> None:
        """Rejected evidence proves nothing; another piece supersedes it, and a criterion without any keeps the task open."""
        first = self.officer.post(f"{path}/add-evidence", {**PAPER, "criteria": [1]})["evidence"][0]["id"]
        self.head.post(f"{path}/evidence/{first}/review", {"verdict": "rejected", "words": "Thiếu chữ ký"})
        self.account.expect(
            "nobody hands in on rejected evidence",
            self.officer.refused(f"{path}/submit"),
            (409, ["evidence_missing"]),
        )
        self.account.eventually(
            "the officer is told of the rejection",
            lambda: self.life.notices(self.officer, OFFICER, task, "evidence_rejected"),
            lambda number: number == 1,
        )
        signed: dict[str, Any] = {**PAPER, "file": "demo/12.pdf", "sha256": SHA, "criteria": [1], "supersedes": first}
        self.officer.post(f"{path}/add-evidence", signed)
        self.officer.post(f"{path}/submit")
        refused = self.head.refused(f"{path}/complete")
        self.account.expect("a criterion has no evidence", refused, (409, ["criterion_unproven"]))
        self.head.post(f"{path}/return", {"reason_code": "incomplete", "words": "Thiếu biên bản"})
        self.officer.post(f"{path}/add-evidence", {**PAPER, "title": "Biên bản (demo)", "criteria": [2]})
        self.officer.post(f"{path}/submit")
        done = self.head.post(f"{path}/complete")
        states = [one["state"] for one in done["evidence"]]
        self.account.expect("every piece stays", states, ["superseded", "unreviewed", "unreviewed"])
        self.table.add_row("evidence", f"{', '.join(states)}; both criteria shown met")

    def occurrence(self) -> None:
        """What a task waits for has happened: that has a due day and a result of its own, and the task stands as it does."""
        words = {"deadline_written": "Khi có nhiệm vụ chậm", "product": "Văn bản đôn đốc"}
        task = self.life.task("Đôn đốc nhiệm vụ chậm", IN_FORCE_DAYS, **words)
        path = f"/v1/tasks/{task}"
        due_on = (self.life.today + timedelta(days=2)).isoformat()
        happened = {"words": "Nhiệm vụ 12 chậm năm ngày (demo)", "due_on": due_on}
        key = self.partner.post(f"{path}/open-occurrence", happened, expect=201)["key"]
        shown = self.partner.get(path)
        open_ones = [one["key"] for one in shown["open_periods"]]
        stands = (shown["timeliness"], shown["days_left"], open_ones)
        self.account.expect("a task stands as its occurrence does", stands, ("nearly_due", 2, [key]))
        listed = [one["id"] for one in self.partner.items("/v1/tasks", timeliness="nearly_due", q=self.life.stamp)]
        self.account.expect("it is listed as nearly due", task in listed, True)
        self.officer.post(f"{path}/periods/{key}/add-evidence", PAPER)
        self.officer.post(f"{path}/periods/{key}/submit", {"words": "Đã gửi văn bản đôn đốc"})
        closed = self.head.post(f"{path}/periods/{key}/complete")
        self.account.expect("the occurrence is accepted", closed["timeliness"], "done_in_time")
        shown = self.partner.get(path)
        stands = (shown["timeliness"], shown["days_left"], shown["open_periods"])
        self.account.expect("the task waits again", stands, ("in_time", IN_FORCE_DAYS, []))
        self.table.add_row("occurrence", f"{key}, due {due_on}: nearly due, then accepted; the task waits again")

    def month_without_work(self, task: str) -> None:
        """The officer says that there was no work, the head confirms: the month is neither late nor done."""
        month = f"{self.life.today:%Y-%m}"
        periods = f"/v1/tasks/{task}/periods"
        opened = self.account.eventually(
            "the month's period is open",
            lambda: [one["key"] for one in self.partner.get(periods)["items"]],
            lambda keys: month in keys,
        )
        if month not in opened:
            return
        self.officer.post(f"{periods}/{month}/state-no-work", {"words": "Không phát sinh hồ sơ"})
        self.account.eventually(
            "the head is told of it",
            lambda: self.life.notices(self.head, HEAD, task, "no_work_stated"),
            lambda number: number == 1,
        )
        closed = self.head.post(f"{periods}/{month}/confirm-no-work")
        stands = closed["state"], closed["timeliness"]
        self.account.expect("a month without work is neither late nor done", stands, ("without_work", None))
        self.table.add_row("no work this month", f"{month}: stated by {OFFICER}, confirmed by {HEAD}")
