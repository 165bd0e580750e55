"""The working life in the second act: an extension, a dispute rejected and one upheld, a late task that goes up.

People act by tokens of their own: an officer and the head of a commune, the standing agency. Each run has tasks of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from rich.table import Table

from deploy.local.account import Account, local_today
from deploy.local.partner import Partner
from deploy.local.sample import COMMUNE

HEAD, OFFICER, AGENCY = "per-demo-03", "per-demo-05", "per-demo-02"
"""Of data/demo_people.csv: head and officer of the commune, the standing agency."""
NEIGHBOUR = "vn:commune:00691@2025-07-01"
LATE_DAYS = 6


class WorkingLife:
    """Plays its part and keeps what it saw in `table`."""

    def __init__(self, partner: Partner, people: Mapping[str, Partner], account: Account, stamp: str) -> None:
        self.partner, self.account, self.stamp = partner, account, stamp
        self.head, self.officer, self.agency = (people[one] for one in (HEAD, OFFICER, AGENCY))
        self.today = local_today()
        self.table = Table("what", "how it went", title="\nWorking life", title_justify="left")

    def play(self, directive_id: str) -> None:
        self.extend(directive_id)
        self.dispute(directive_id)
        self.let_it_be_late()

    def task(self, title: str, due_in: int, **fields: Any) -> str:
        """A task of the commune that its officer has accepted."""
        body = {
            "title": f"{title} ({self.stamp})", "lead_unit_id": COMMUNE, "responsible_id": OFFICER, "approver_id": HEAD,
            "due_on": (self.today + timedelta(days=due_in)).isoformat(), "product": "Báo cáo kết quả", **fields,
        }  # fmt: skip
        made = str(self.partner.post("/v1/tasks", body, expect=201)["id"])
        for verb in ("publish", "assign"):
            self.partner.post(f"/v1/tasks/{made}/{verb}")
        self.officer.post(f"/v1/tasks/{made}/accept")
        return made

    def notices(self, who: Partner, person: str, task: str, kind: str) -> int:
        found = who.items("/v1/notices", recipient=person, kind=kind)
        return sum(notice["about"].endswith(task) for notice in found)

    def extend(self, directive_id: str) -> None:
        """The lead unit moves no due day; it asks, the authority grants, both days are shown."""
        task = self.task("Rà soát thiết bị", 10, directive_id=directive_id)
        path, wanted = f"/v1/tasks/{task}", (self.today + timedelta(days=25)).isoformat()
        first = self.partner.get(path)["due_on"]
        self.account.expect(
            "the lead unit moves a due day by itself",
            self.head.refused(path, {"due_on": wanted}, "PATCH"),
            (409, ["due_day_issued"]),
        )
        self.officer.post(f"{path}/request-extension", {"due_on": wanted, "words": "Chờ số liệu của hai thôn"})
        grant = {"decision": "grant", "words": "Đồng ý gia hạn một lần"}
        self.account.expect(
            "the approver extends a day that a paper set", self.head.refused(f"{path}/decide-extension", grant)[0], 403
        )
        shown = self.agency.post(f"{path}/decide-extension", grant)
        self.account.expect("both days are shown", (shown["due_on"], shown["original_due_on"]), (wanted, first))
        self.account.eventually(
            "the officer is told of the extension",
            lambda: self.notices(self.officer, OFFICER, task, "extension_granted"),
            lambda number: number == 1,
        )
        self.table.add_row("extension", f"asked by {OFFICER}, granted by {AGENCY}: {first} → {wanted}")

    def dispute(self, directive_id: str) -> None:
        """One dispute is rejected, one upheld: the task is then without lead, to be assigned anew."""
        task = self.task("Quản lý biển báo", 20, directive_id=directive_id)
        path = f"/v1/tasks/{task}"
        self.head.post(f"{path}/dispute", {"kind": "wording", "words": "Nên ghi rõ số lượng biển báo"})
        listed = [one["id"] for one in self.partner.items("/v1/tasks", disputed="true", q=self.stamp)]
        self.account.expect("the task is listed as disputed", listed, [task])
        self.agency.post(f"{path}/answer-dispute", {"answer": "reject", "words": "Số lượng có trong phụ lục"})
        theirs = {"kind": "not_our_function", "words": "Tuyến đường thuộc xã bên", "proposed_unit_id": NEIGHBOUR}
        self.head.post(f"{path}/dispute", theirs)
        self.agency.post(f"{path}/answer-dispute", {"answer": "uphold", "words": "Giao lại cho xã bên"})
        shown = self.partner.get(path)
        self.account.expect(
            "upheld, it is to be assigned anew",
            (shown["state"], shown["lead_unit_id"], shown["responsible_id"], shown["disputed"]),
            ("published", None, None, False),
        )
        texts = [(one["state"], bool(one["said"]["words"] and one["answered"]["words"])) for one in shown["disputes"]]
        self.account.expect("both texts of both disputes stay", texts, [("rejected", True), ("upheld", True)])
        self.account.eventually(
            "the head is told of the answer",
            lambda: self.notices(self.head, HEAD, task, "dispute_upheld"),
            lambda number: number == 1,
        )
        for one in shown["disputes"]:
            self.table.add_row(f"dispute: {one['kind']}", f"{one['state']} by {one['answered']['by']}")

    def let_it_be_late(self) -> None:
        """A late task goes up by its days: the head and the standing agency are told, once each; its unit owes two letters."""
        task = self.task("Cập nhật dữ liệu dân cư", -LATE_DAYS)
        path = f"/v1/tasks/{task}"
        steps = self.partner.get("/v1/committee")["escalations"]
        reached = sorted(step["level"] for step in steps if step["days"] <= LATE_DAYS)
        levels = self.account.eventually("each step that was reached is said once", lambda: self.levels(path), reached.__eq__)
        self.account.expect("what its unit owes", self.partner.get(path)["owed"], ["remedy_plan", "commitment"])
        for who, person in ((self.head, HEAD), (self.agency, AGENCY)):
            asked = partial(self.notices, who, person, task, "task_escalated")
            self.account.eventually(f"{person} is told of the late task", asked, lambda number: number == 1)
        day = (self.today + timedelta(days=3)).isoformat()
        milestones = [{"due_on": day, "words": "Xong toàn bộ các thôn"}]
        self.head.post(f"{path}/give-remedy-plan", {"words": "Tăng người trong ba ngày", "milestones": milestones})
        shown = self.head.post(f"{path}/commit", {"day": day, "words": "Cam kết trình trong ba ngày"})
        self.account.expect("nothing is owed any more", (shown["owed"], shown["commitments"][0]["stands"]), ([], "open"))
        self.table.add_row(f"late by {LATE_DAYS} days", f"told: {', '.join(levels)}; committed to {day}")

    def levels(self, path: str) -> list[str]:
        lines = self.partner.items(f"{path}/history")
        return sorted(line["changes"]["level"][1] for line in lines if line["what"] == "escalated")
