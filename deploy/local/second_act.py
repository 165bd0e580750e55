"""The second act of `make demo`: what waits for papers, scores, the month's report, targets, the load of units, the working
life (`second_act_life.py`) with its means (`second_act_means.py`), concretisation (`second_act_concretisation.py`) and a
reorganisation (`second_act_reorganisation.py`), on the real tables, through the gateway.

Each run has papers and tasks of its own; the rubric, the calendar of reports and the targets are the province's, so a later
run meets them as they are. What a frozen month holds never changes, which is what is looked at.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from rich.table import Table

from deploy.local.account import Account, local_today
from deploy.local.partner import Partner
from deploy.local.sample import COMMUNE
from deploy.local.second_act_concretisation import Concretising
from deploy.local.second_act_life import OFFICER, WorkingLife
from deploy.local.second_act_means import Means
from deploy.local.second_act_reorganisation import Reorganised

ROOT_PAPER = "57-NQ/TW"
WAITED_FOR = "Trung ương"
WORDS = "30 ngày sau khi Trung ương ban hành"
"""As the plan of Khánh Hòa has it (data/tasks.csv, KH11-04)."""
DAYS = 30
RUBRIC = {"name": "monthly", "source": "data/scoring_rubric.csv", "valid_from": "2026-01-01"}
SOURCE = "Số liệu minh họa (demo)"
FORMS = ("json", "csv", "xlsx", "html", "digest")


class SecondAct:
    """Plays one act and keeps what it saw for `tell`."""

    def __init__(
        self,
        partner: Partner,
        commune: Partner,
        account: Account,
        stamp: str,
        data: Path,
        people: Mapping[str, Partner],
    ) -> None:
        self.life = WorkingLife(partner, people, account, stamp)
        self.concretising = Concretising(partner, commune, people, account, stamp)
        self.reorganised = Reorganised(partner, people[OFFICER], account, stamp)
        self.partner, self.account, self.stamp, self.data = partner, account, stamp, data
        self.today = local_today()
        self.tables: list[Table] = []

    def play(self) -> None:
        self.wait_for_a_paper()
        period = self.freeze_the_month()
        self.score_a_unit(period)
        self.measure_targets()
        self.weigh_the_load()
        (root,) = self.partner.get("/v1/directives", number=ROOT_PAPER)["items"]
        self.life.play(root["id"])
        means = Means(self.life)
        means.play()
        self.concretising.play(root["id"])
        self.reorganised.play()
        self.tables += [self.life.table, means.table, self.concretising.table, self.reorganised.table]

    # --- a clock that waits for a paper ---

    def paper(self, number: str, parent: str, **fields: Any) -> str:
        body = {"number": f"{self.stamp[-6:]}{number}", "issuer": "Demo", "issued_on": self.today.isoformat()}
        return str(self.partner.post("/v1/directives", {**body, "parent_id": parent, **fields}, expect=201)["id"])

    def wait_for_a_paper(self) -> None:
        """Two levels wait for a paper of the centre; registered once, it dates both; withdrawn, both wait again."""
        (root,) = self.partner.get("/v1/directives", number=ROOT_PAPER)["items"]
        province = self.paper("-KH/BCĐ", root["id"])
        commune = self.paper("-KH/ĐU", province)
        tasks = [
            self.partner.post("/v1/tasks", {"title": f"Quy chế của {level} ({self.stamp})", "deadline_written": WORDS,
                                            "directive_id": paper}, expect=201)["id"]
            for level, paper in (("tỉnh", province), ("xã", commune))
        ]  # fmt: skip
        _, codes = self.partner.refused(f"/v1/tasks/{tasks[0]}/publish")
        self.account.expect("a task that waits for a paper is not published", "deadline_relative_event" in codes, True)
        arrived = self.paper("-KH/BCĐTW", root["id"], awaited_as=[WAITED_FOR])
        due = (self.today + timedelta(days=DAYS)).isoformat()
        self.account.eventually("one paper dates two levels", lambda: self.due_days(tasks), lambda got: got == [due] * 2)
        withdrawn = {"words": "Ban hành nhầm (demo)", "effective_on": self.today.isoformat()}
        self.partner.post(f"/v1/directives/{arrived}/withdraw", withdrawn)
        self.account.eventually("withdrawn, both wait again", lambda: self.due_days(tasks), lambda got: got == [None] * 2)
        table = Table("body", "wait", "dated", "days booked", title="\nWho is waited for", title_justify="left")
        for one in self.partner.get("/v1/summary/waiting")["items"]:
            table.add_row(one["body"], str(one["waiting"]), str(one["dated"]), str(one["days"]))
        self.tables.append(table)

    def due_days(self, tasks: list[str]) -> list[str | None]:
        return [self.partner.get(f"/v1/tasks/{task}")["due_on"] for task in tasks]

    # --- the month's report ---

    def freeze_the_month(self) -> str:
        """The last month that is closed, frozen: the same bytes however often they are asked for, in every form."""
        plan = self.partner.patch("/v1/committee/report-plans/committee", {"samples": True})  # demo tasks are samples
        closed = [month["period"] for month in plan["months"] if date.fromisoformat(month["frozen_after"]) < self.today]
        if not closed:
            first = plan["months"][0]
            title = f"\nNo month is closed yet: {first['period']} is frozen after {first['frozen_after']}"
            self.tables.append(Table(title=title, title_justify="left"))
            return str(first["period"])
        period = str(closed[-1])
        report = self.partner.post("/v1/reports", {"plan_id": "committee", "period": period}, expect=201)
        path = f"/v1/reports/committee/{period}"
        first = {form: self.partner.download(f"{path}/export", format=form) for form in FORMS}
        again = {form: self.partner.download(f"{path}/export", format=form) for form in FORMS}
        self.account.expect(
            "the frozen bytes are known by their digest", hashlib.sha256(first["json"]).hexdigest(), report["sha256"]
        )
        self.account.expect("the same bytes in every form", [form for form in FORMS if first[form] != again[form]], [])
        by_state = sum(figure["count"] for figure in report["by_state"].values())
        self.account.expect("figures by state add up", by_state, report["total"]["count"])
        table = Table("of the month", "", title=f"\nReport of {period}, as of {report['as_of']}", title_justify="left")
        for what, figure in (
            ("tasks", report["total"]),
            *report["by_timeliness"].items(),
            ("late changes", report["late_changes"]),
        ):
            table.add_row(what, str(figure["count"]))
        table.add_row("sha256", report["sha256"][:16] + "...")
        table.add_row("forms", ", ".join(f"{form} {len(data):,} B" for form, data in first.items()))
        table.add_row("late list public from", report["public_from"])
        self.tables.append(table)
        return period

    # --- a score and its sum ---

    def score_a_unit(self, period: str) -> None:
        """A commune's month by the rubric: every point with its band, and the smallest change that gains one."""
        content = (self.data / "scoring_rubric.csv").read_bytes()
        self.partner.post("/v1/rubrics", content=content, params=RUBRIC, expect=201)
        facts = [{"criterion": "M-II-6", "part": "5999", "whole": "10000", "source": SOURCE},
                 {"criterion": "M-II-3", "applies": False, "source": SOURCE}]  # fmt: skip
        self.partner.post("/v1/scores/facts", {"unit_id": COMMUNE, "period": period, "facts": facts})
        found = self.partner.get("/v1/scores/preview", unit=COMMUNE, period=period)["sum"]
        lines = found["lines"]
        self.account.expect("the points of the lines are the points", sum(Fraction(line["points"]) for line in lines),
                            Fraction(found["points"]))  # fmt: skip
        counted = sum(Fraction(line["max_points"]) for line in lines if line["counted"])
        self.account.expect("what counts is the denominator", counted, Fraction(found["applicable"]))
        mute = [line["criterion"] for line in lines if not (line["source"] or line["because"])]
        self.account.expect("lines without a source or a reason", mute, [])
        spent = next(line for line in lines if line["criterion"] == "M-II-6")
        self.account.expect(
            "59.99 % of the money spent earns nothing", (spent["points"], spent["gain"]["points"]), ("0", "7.06")
        )
        title = f"\nScore of {COMMUNE}, {period}: {found['shown']} of 100" + (", provisional" if found["provisional"] else "")
        table = Table("criterion", "points", "of", "gains next", "why", title=title, title_justify="left")
        for line in lines:
            gain = line["gain"]
            more = "" if gain is None else f"+{gain['points']}"
            table.add_row(line["criterion"], line["points"], line["max_points"] if line["counted"] else "left out", more,
                          line["because"] or line["band"])  # fmt: skip
        self.tables.append(table)

    # --- targets, and who carries how much ---

    def measure_targets(self) -> None:
        """81 targets; one is measured by parts of wholes, which alone may be put together."""
        content = (self.data / "targets.csv").read_bytes()
        counts = self.partner.post("/v1/imports", content=content, params={"kind": "targets"})["counts"]
        self.account.expect("targets taken over", counts["created"] + counts["unchanged"], 81)
        measured = {"on": self.today.isoformat(), "unit_id": COMMUNE, "part": "30", "whole": "40", "source": SOURCE}
        self.partner.post("/v1/targets/BDHVS-26-3/measure", measured)
        stands = Counter(one["progress"]["stands"] or "no figure" for one in self.partner.items("/v1/targets"))
        self.account.expect("targets listed", stands.total(), 81)
        table = Table("against time", "targets", title="\nTargets", title_justify="left")
        for what, number in stands.most_common():
            table.add_row(what, str(number))
        self.tables.append(table)

    def weigh_the_load(self) -> None:
        found = self.partner.get("/v1/summary/evenness", level="commune")
        self.account.expect("communes that stand today", found["units"], 124)
        table = Table("of the load", "", title="\nHow evenly open tasks lie on the communes", title_justify="left")
        for what, value in (
            ("open tasks", found["total"]),
            ("communes", found["units"]),
            ("Gini", found["shown"] or "nothing to carry"),
        ):
            table.add_row(what, str(value))
        self.tables.append(table)
