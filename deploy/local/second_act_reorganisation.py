"""A reorganisation in the second act, its last scene: three demo units become three others, one of them by a split.

It is rehearsed, refused while something is undecided, decided, and carried out. Each run has units of its own, which follow
each other today; they are marked as demo and are no communes, so that what is counted of the province stays as it is.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rich.table import Table

from deploy.local.account import Account, local_today
from deploy.local.partner import Partner
from deploy.local.second_act_life import OFFICER

OPEN = ("rehearsing", "rehearsed", "ordered")
UNITS = {"a": "Tổ một", "b": "Tổ hai", "s": "Tổ ba", "x": "Đội mới", "p": "Đội phía đông", "q": "Đội phía tây"}
ENDING = "abs"
FOLLOWED = (("a", "x", "merge"), ("b", "x", "merge"), ("s", "p", "partial"), ("s", "q", "partial"))


class Reorganised:
    """Plays its part and keeps what it saw in `table`."""

    def __init__(self, partner: Partner, officer: Partner, account: Account, stamp: str) -> None:
        self.partner, self.officer, self.account = partner, officer, account
        self.mark = stamp.replace("-", "")
        self.today = local_today()
        self.table = Table("unit", "its tasks", "go to", title="\nReorganisation of demo units", title_justify="left")

    def unit(self, letter: str) -> str:
        return f"demo:{self.mark}:{letter}"

    def play(self) -> None:
        self.register()
        tasks = [
            self.task("Lập danh sách hộ", "a"),
            self.task("Lập danh sách hộ", "b"),
            self.task("Tập huấn kỹ năng số", "a", "b"),
            self.task("Rà soát thiết bị", "s"),
            self.task("Rà soát đường truyền", "s"),
        ]
        path = self.rehearse(tasks)
        self.decide(path, tasks)
        self.carry_out(path, tasks)

    def register(self) -> None:
        """Units that ended yesterday and those that stand since today, and who follows whom."""
        yesterday, today = (self.today - timedelta(days=1)).isoformat(), self.today.isoformat()
        rows = [
            f"{self.unit(letter)},{self.mark}{letter},commune_body,{name} ({self.mark}),"
            + (f",{yesterday}" if letter in ENDING else f"{today},")
            + ",demo"
            for letter, name in UNITS.items()
        ]
        self.bring("units", "unit_uid,nso_code,level,full_name,valid_from,valid_to,note", rows)
        relations = [f"{self.unit(old)},{self.unit(new)},{kind},{today}" for old, new, kind in FOLLOWED]
        self.bring("successions", "from_uid,to_uid,kind,effective_date", relations)

    def bring(self, kind: str, header: str, rows: list[str]) -> None:
        content = "\n".join([header, *rows, ""]).encode()
        counts = self.partner.post("/v1/imports", content=content, params={"kind": kind})["counts"]
        self.account.expect(f"demo {kind} taken over", counts["created"] + counts["unchanged"], len(rows))

    def task(self, title: str, lead: str, *coordinators: str) -> str:
        body = {
            "title": title, "lead_unit_id": self.unit(lead), "coordinator_unit_ids": [self.unit(one) for one in coordinators],
            "responsible_id": OFFICER,
        }  # fmt: skip
        return str(self.partner.post("/v1/tasks", body, expect=201)["id"])

    def leads(self, tasks: list[str]) -> list[str]:
        """The letters of the units that lead them now."""
        return [self.partner.get(f"/v1/tasks/{task}")["lead_unit_id"][-1] for task in tasks]

    def rehearse(self, tasks: list[str]) -> str:
        for one in self.partner.items("/v1/reorganisations"):
            if one["state"] in OPEN:  # of a run that was broken off
                self.partner.post(f"/v1/reorganisations/{one['id']}/discard", {"words": "Lần diễn trước bị ngắt (demo)"})
        body = {"title": f"Sắp xếp minh họa {self.mark} (demo)", "effective_on": self.today.isoformat()}
        path = f"/v1/reorganisations/{self.partner.post('/v1/reorganisations', body, expect=201)['id']}"
        shown = self.account.eventually(
            "it is rehearsed", lambda: self.partner.get(path), lambda one: bool(one["state"] == "rehearsed")
        )
        found: dict[str, Any] = shown["rehearsal"] or {"outcomes": {}, "findings": {}}
        self.account.expect("three move by rule, two ask", found["outcomes"], {"by_rule": 3, "choice": 2})
        self.account.expect("what would be double", found["findings"], {"same_words": 2, "double_lead": 1})
        self.account.expect("a rehearsal changes nothing", self.leads(tasks), ["a", "b", "a", "s", "s"])
        return path

    def decide(self, path: str, tasks: list[str]) -> None:
        refused = self.partner.refused(f"{path}/execute", {"words": "Thực hiện"})
        self.account.expect("the unit that was split is undecided", refused, (409, ["undecided"]))
        choices = [
            {"unit_id": self.unit("s"), "to_unit_id": self.unit("p")},
            {"task_id": tasks[4], "to_unit_id": self.unit("q")},
        ]
        shown = self.partner.post(f"{path}/decide", {"decisions": choices, "words": "Theo địa bàn (demo)"})
        self.account.expect("everything is decided", shown["undecided"], 0)

    def carry_out(self, path: str, tasks: list[str]) -> None:
        self.partner.post(f"{path}/execute", {"words": "Thực hiện (demo)"})
        shown = self.account.eventually(
            "it is carried out", lambda: self.partner.get(path), lambda one: bool(one["state"] == "executed")
        )
        execution = shown["execution"]
        self.account.expect("every count adds up", execution["adds_up"], True)
        self.account.expect("none is lost, none doubled", execution["check"], {"tasks": 5, "lost": 0, "doubled": 0})
        self.account.expect("each task is where it belongs", self.leads(tasks), ["x", "x", "x", "p", "q"])
        lines = [line["what"] for line in self.partner.items(f"/v1/tasks/{tasks[0]}/history")]
        self.account.expect("its history tells of it", lines, ["drafted", "handed_over"])
        self.account.eventually(
            "who is responsible for three tasks of a unit is told once", self.notices, lambda told: told == ["p", "q", "x"]
        )
        for letter, went in (("a", "x"), ("b", "x"), ("s", "p, q")):
            number = sum(one["from_unit_id"] == self.unit(letter) for one in self.handovers(tasks))
            goes_to = ", ".join(UNITS[one] for one in went.split(", "))
            self.table.add_row(UNITS[letter], str(number), goes_to)

    def notices(self) -> list[str]:
        """The letters of the units of whose new tasks the officer was told in this run."""
        told = self.officer.items("/v1/notices", recipient=OFFICER, kind="unit_received")
        return sorted(one["about"][-1] for one in told if self.mark in one["about"])

    def handovers(self, tasks: list[str]) -> list[Any]:
        return [self.partner.get(f"/v1/tasks/{task}")["handovers"][0] for task in tasks]
