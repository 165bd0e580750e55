"""What runs gave, kept from run to run, and the page that is written from it."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deploy.local.broker import VERSION as KAFKA
from tests.faults.arena import LEASE_SECONDS, SESSION_SECONDS
from tests.faults.checker import bound

IN_SCOPE = {
    1: "kill -9 between effect and reply", 2: "kill -9 of a writer in its transaction", 3: "kill -9 of a relay after send",
    4: "kill -9 of a relay: take-over", 5: "kill -9 of a reader before its commit", 6: "kill -9 of a reader: take-over",
    7: "zombie relay", 8: "paused reader", 9: "broker killed and restarted", 10: "broker behind a black hole",
    11: "slow and resetting links", 12: "leader change, three brokers", 13: "broker errors on produce (mock)",
    14: "duplicate delivery", 15: "shuffled delivery within a key", 16: "poison", 17: "slow consumer",
    18: "blocked event loop", 19: "rebalance storm", 20: "database killed and restarted", 21: "failing database commands",
    22: "change stream lost", 23: "disk full", 24: "clock skew", 25: "no descriptors, memory cap", 26: "SIGTERM under load",
    31: "idempotency storm", 35: "mixed versions", 36: "soak of one hour",
}  # fmt: skip
"""The rows of the matrix that the event path answers for."""
DEATHS = ("kill -9 ", "crash point ", "pause ", "SIGTERM ")


@dataclass
class Result:
    """What became of one row or one control."""

    name: str
    title: str
    numbers: list[int]
    seed: int
    seconds: float
    faults: dict[str, int]
    figures: dict[str, float]
    findings: list[str]
    control: bool = False
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    story: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.findings

    def summary(self) -> str:
        faults = ", ".join(f"{number} x {kind}" for kind, number in sorted(self.faults.items()))
        figures = ", ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
        return "; ".join(filter(None, (faults, figures)))


def versions() -> dict[str, str]:
    names = ("aiokafka", "motor", "pymongo", "fastapi", "uvicorn", "secantusdb")
    found = {"Python": platform.python_version(), "Apache Kafka": KAFKA}
    for name in names:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:  # importlib.metadata's word for a package that is not in this environment
            continue
    return found


def keep(file: Path, results: Sequence[Result]) -> list[Result]:
    """Add these results to those of the runs before; returns all."""
    before: list[Any] = json.loads(file.read_text()) if file.exists() else []
    kept = [*before, *({**asdict(one), "story": []} for one in results)]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    return [Result(**one) for one in kept]


def write(file: Path, results: Sequence[Result]) -> None:
    file.write_text(page(results))


def page(results: Sequence[Result]) -> str:
    """docs/reliability.md: the last result of each row and control, and all runs added up."""
    last = {one.name: one for one in results}
    rows = [one for one in last.values() if not one.control]
    controls = [one for one in last.values() if one.control]
    covered = {number for one in rows for number in one.numbers}
    lines = [
        "# Reliability: the event path under faults",
        "",
        "Written by `make faults`; not to be edited. Real deployables as processes of their own, two replicas each, on one",
        "broker and one database that are killed as well; callers that ask again until they are answered; at the end every",
        "acknowledged write is looked for in the databases and on the topics (`tests/faults/`).",
        "",
        ", ".join(f"{name} {number}" for name, number in versions().items()) + f"; leases {LEASE_SECONDS:g} s, sessions "
        f"{SESSION_SECONDS:g} s.",
        "",
        "## Rows of the fault matrix",
        "",
        "Figures are of the last run of each row; faults and failures are added up over all runs kept. The bound is 3/n: with",
        "no failure in n faults, the chance of one is below it at 95 %.",
        "",
        "| rows | fault | last run | faults so far | runs, failed | bound | figures of the last run |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in rows:
        runs = [result for result in results if result.name == one.name]
        faults: Counter[str] = Counter()
        for result in runs:
            faults.update(result.faults)
        failed = sum(not result.passed for result in runs)
        number = faults.total()
        limit = f"<= {100 * bound(number):.2g} %" if number and not failed else "-"
        said = ", ".join(f"{count} x {kind}" for kind, count in sorted(faults.items())) or "none"
        figures = ", ".join(f"{name} {value:.4g}" for name, value in one.figures.items())
        numbers = ", ".join(map(str, one.numbers)) or "-"
        when = f"{one.at[:16]}, {'passed' if one.passed else 'FAILED'}"
        lines.append(f"| {numbers} | {one.title} | {when} | {said} | {len(runs)}, {failed} | {limit} | {figures} |")
    lines += ["", "## Deaths and pauses, all rows together", ""]
    total: Counter[str] = Counter()
    for result in results:
        if not result.control and result.passed:
            total.update({kind: n for kind, n in result.faults.items() if kind.startswith(DEATHS)})
    lines += [
        f"- {kind}: {number} without failure, bound <= {100 * bound(number):.2g} %" for kind, number in sorted(total.items())
    ]
    lines += ["", "## Negative controls", "", "The product with one safeguard taken out: the rig must report the damage.", ""]
    lines += ["| taken out | last run | damage reported |", "|---|---|---|"]
    for one in controls:
        lines.append(f"| {one.title} | {one.at[:16]} | {one.figures.get('damage reported', 0):.0f} places |")
    lines += ["", "## Not covered", ""]
    lines += [f"- row {number}: {what}" for number, what in IN_SCOPE.items() if number not in covered]
    lines += ["- the crash point `mail.after_send`, pairs of crash points, the gateway (callers ask the replicas directly)"]
    if open_ := [one for one in rows if not one.passed]:
        lines += ["", "## Open", ""]
        lines += [f"- {one.name}, seed {one.seed}: {finding[:300]}" for one in open_ for finding in one.findings]
    return "\n".join(lines) + "\n"
