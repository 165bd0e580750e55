"""Concretisation in the second act: a directive to all communes, one answers by a paper, one need not, the silent are reminded.

The commune's own system registers its paper; the head of its neighbour says that the directive does not apply; the standing
agency answers. Each run has a directive of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rich.table import Table

from deploy.local.account import Account, local_today
from deploy.local.partner import Partner
from deploy.local.sample import COMMUNE
from deploy.local.second_act_life import AGENCY, HEAD, NEIGHBOUR

NEIGHBOURS_HEAD, SILENT_HEAD = "per-demo-08", "per-demo-13"
"""Of data/demo_people.csv: heads of the neighbour, and of a commune that stays silent."""
COMMUNES = 124
ISSUED_AGO = 14
GIVEN = 5
"""Days since the directive was issued, and working days that it gives."""


class Concretising:
    """Plays its part and keeps what it saw in `table`."""

    def __init__(self, partner: Partner, commune: Partner, people: Mapping[str, Partner], account: Account, stamp: str) -> None:
        self.partner, self.commune, self.people, self.account, self.stamp = partner, commune, people, account, stamp
        self.today = local_today()
        self.table = Table("commune", "stands", "since", title="\nWho has concretised it", title_justify="left")

    def play(self, root_id: str) -> None:
        issued_on = (self.today - timedelta(days=ISSUED_AGO)).isoformat()
        asks = {"levels": ["commune"], "working_days": GIVEN}
        directive = self.paper(self.partner, "-CT/TU", root_id, issuer="Demo", issued_on=issued_on, asks_of=asks)
        self.path = f"/v1/directives/{directive}"
        self.account.expect("at first every commune is silent", self.counts(), {"silent": COMMUNES})
        self.answer(directive)
        self.remind()
        for row in [one for one in self.partner.items(f"{self.path}/concretisation") if one["state"] != "silent"]:
            late = f"{row['lag_working_days']} working days" if row["paper"] else row["claim"]["words"]
            self.table.add_row(row["name"], row["state"], late)
        head = self.partner.get(f"{self.path}/concretisation", limit=1)
        silent = self.partner.get(f"{self.path}/concretisation", state="silent", limit=1)["items"][0]
        days = f"{silent['silent_working_days']} working days, reminded {silent['reminders']} time"
        self.table.add_row(f"{head['counts']['silent']} of {head['units']}", "silent", days)

    def paper(self, who: Partner, kind: str, parent: str, **fields: Any) -> str:
        return str(who.post("/v1/directives", self.content(kind, parent, **fields), expect=201)["id"])

    def content(self, kind: str, parent: str, **fields: Any) -> dict[str, Any]:
        return {"number": f"{self.stamp[-6:]}{kind}", "issued_on": self.today.isoformat(), "parent_id": parent, **fields}

    def counts(self) -> dict[str, int]:
        found = self.partner.get(f"{self.path}/concretisation", limit=1)["counts"]
        return {state: number for state, number in found.items() if number}

    def answer(self, directive: str) -> None:
        """A commune's system registers the commune's paper, and nobody else's; its neighbour need not have one."""
        foreign = self.content("-KH/UBND", directive, issuer_unit_id=NEIGHBOUR, issuer="Demo")
        self.account.expect("a commune registers no other's paper", self.commune.refused("/v1/directives", foreign)[0], 403)
        own = self.paper(self.commune, "-KH/UBND", directive, issuer="UBND phường Hà Giang 1")
        (seen,) = self.commune.get(f"{self.path}/concretisation")["items"]
        self.account.expect(
            "its paper counts for it at once, and it sees itself alone",
            (seen["unit_id"], seen["state"], seen["paper"]["directive_id"], seen["late"]),
            (COMMUNE, "registered", own, True),
        )
        words = {"unit_id": NEIGHBOUR, "words": "Phường không có cơ sở thuộc diện này (demo)"}
        self.people[NEIGHBOURS_HEAD].post(f"{self.path}/claim-not-applicable", words)
        self.account.expect("a claim waits for its answer", self.counts(), {"registered": 1, "claimed": 1, "silent": 122})
        agreed = {"unit_id": NEIGHBOUR, "words": "Đồng ý (demo)"}
        self.people[AGENCY].post(f"{self.path}/confirm-not-applicable", agreed)
        self.account.expect(
            "confirmed, it owes no paper", self.counts(), {"registered": 1, "not_applicable": 1, "silent": COMMUNES - 2}
        )

    def remind(self) -> None:
        """The silent ones are reminded, once; their heads are told, and nobody else."""
        first = self.people[AGENCY].post(f"{self.path}/remind", {"words": "Đề nghị ban hành văn bản (demo)"})
        again = self.people[AGENCY].post(f"{self.path}/remind", {})
        told = {one["unit_id"] for one in first["reminded"]}
        self.account.expect("all that are silent are reminded", len(told), COMMUNES - 2)
        self.account.expect("and no others", told & {COMMUNE, NEIGHBOUR}, set())
        self.account.expect("not twice within some days", (len(again["reminded"]), len(again["too_soon"])), (0, COMMUNES - 2))
        self.account.eventually("the head of a silent commune is told", lambda: self.notices(SILENT_HEAD), lambda n: n == 1)
        self.account.expect("heads of the others are not", [self.notices(one) for one in (HEAD, NEIGHBOURS_HEAD)], [0, 0])

    def notices(self, person: str) -> int:
        found = self.people[person].items("/v1/notices", recipient=person, kind="concretisation_reminded")
        return sum(self.path in notice["about"] for notice in found)
