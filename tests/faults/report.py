"""What runs gave, kept from run to run in docs/reliability.json, and the page that is written from it.

A whole run of the matrix is added to those before it: deaths and pauses of each role add up over runs, and a run with a
failure stays listed. The soak has a place of its own, which a run of the matrix leaves alone, and the other way round.
"""

from __future__ import annotations

import json
import platform
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from deploy.local.bootstrap import ROOT
from deploy.local.broker import VERSION as KAFKA
from deploy.local.database import version_of
from tests.faults.arena import LEASE_SECONDS, SESSION_SECONDS
from tests.faults.callers import RATE
from tests.faults.checker import bound
from tests.faults.leaks import HeldRows, Level

DATA = ROOT / "docs" / "reliability.json"
DOCUMENT = ROOT / "docs" / "reliability.md"
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
IN_THE_SUITE = {13: "tests/integration/test_broker_errors.py"}
"""Rows that need no processes to die, and are played whenever `make test` is run."""
ROLES = ("api", "relay", "consumer", "sender", "gateway")
DEATHS, PAUSES = ("kill -9", "crash point"), ("pause",)
WANTED_DEATHS, WANTED_PAUSES = 300, 100
MOST_SAID = 5
"""Findings of a failed row that its run keeps."""


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def commit() -> str:
    """The commit that is tested; with a plus when the tree holds something else."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/reliability.*")
        return git("rev-parse", "--short=10", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


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
    at: str = field(default_factory=now)
    database: str = field(default_factory=version_of)
    """Empty for the local one."""
    story: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.findings

    def summary(self) -> str:
        faults = ", ".join(f"{number} x {kind}" for kind, number in sorted(self.faults.items()))
        figures = ", ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
        return "; ".join(filter(None, (faults, figures)))


@dataclass
class Tally:
    """What one run did to one row, and what was found."""

    faults: dict[str, int]
    findings: list[str] = field(default_factory=list)


@dataclass
class Run:
    """One run of the matrix: the faults of each row, and which of them failed."""

    at: str
    commit: str
    seed: int
    minutes: float
    rows: dict[str, Tally]
    database: str = field(default_factory=version_of)

    @classmethod
    def of(cls, results: Sequence[Result], seed: int, minutes: float, at: str = "") -> Run:
        """What a run that began at this time gave so far; controls are listed only when the rig did not see them."""
        rows = {one.name: Tally(one.faults, one.findings[:MOST_SAID]) for one in results if not one.control or not one.passed}
        return cls(at or now(), commit(), seed, round(minutes, 1), rows)

    @property
    def failed(self) -> list[str]:
        return [name for name, tally in self.rows.items() if tally.findings]


@dataclass
class Soak:
    """What an hour without faults showed of each process and each collection."""

    at: str
    commit: str
    seed: int
    minutes: float
    figures: dict[str, float]
    levels: list[Level]
    held: list[HeldRows]
    findings: list[str]
    database: str = field(default_factory=version_of)


@dataclass
class Book:
    """All that is kept: the last result of each row and control, every run, the last soak."""

    results: list[Result] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    soak: Soak | None = None

    @classmethod
    def read(cls, file: Path = DATA) -> Book:
        if not file.exists():
            return cls()
        kept = json.loads(file.read_text())
        runs = [Run(**{**run, "rows": {n: Tally(**t) for n, t in run["rows"].items()}}) for run in kept["runs"]]
        return cls([Result(**one) for one in kept["results"]], runs, None if kept["soak"] is None else soak_of(kept["soak"]))

    def add(self, results: Sequence[Result], run: Run) -> None:
        """Keep these results; the run takes the place of what it gave before, when it goes on."""
        last = {one.name: one for one in (*self.results, *results)}
        self.results = list(last.values())
        self.runs = [*(one for one in self.runs if (one.at, one.seed) != (run.at, run.seed)), run]

    def write(self, data: Path = DATA, document: Path = DOCUMENT) -> None:
        kept = asdict(self)
        for result in kept["results"]:
            result["story"] = []
        data.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
        document.write_text(page(self))


def soak_of(kept: dict[str, Any]) -> Soak:
    """From JSON, which knows no pairs."""

    def level(process: str, **pairs: Any) -> Level:
        return Level(process, **{name: (pair[0], pair[1]) for name, pair in pairs.items()})

    levels, held = [level(**one) for one in kept["levels"]], [HeldRows(**one) for one in kept["held"]]
    return Soak(**{**kept, "levels": levels, "held": held})


def versions() -> dict[str, str]:
    names = ("aiokafka", "motor", "pymongo", "fastapi", "uvicorn", "secantusdb")
    found = {"Python": platform.python_version(), "Apache Kafka": KAFKA}
    for name in names:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:  # importlib.metadata's word for a package that is not in this environment
            continue
    return found


# --- the page ---


def page(book: Book) -> str:
    """docs/reliability.md: the last result of each row and control, all runs added up, the last soak."""
    lines = [
        "# Reliability: the event path under faults",
        "",
        "Written by `make faults` and `make soak` from docs/reliability.json; not to be edited. Real deployables as processes",
        "of their own, two replicas each, on one broker and one database that are killed as well; callers that go through the",
        f"gateway, {RATE:g} effects a second, and ask again until they are answered; at the end every acknowledged write is",
        "looked for in the databases, on the topics and in the mails that arrived (`tests/faults/`). Earlier runs asked as",
        "much as was answered.",
        "",
        ", ".join(f"{name} {number}" for name, number in versions().items()) + f"; leases {LEASE_SECONDS:g} s, sessions "
        f"{SESSION_SECONDS:g} s.",
    ]
    for part in (_roles, _rows, _controls, _soak, _runs, _open):
        lines += ["", *part(book)]
    return "\n".join(lines) + "\n"


def _roles(book: Book) -> Iterable[str]:
    good, bad = Counter[str](), Counter[str]()
    for run in book.runs:
        for tally in run.rows.values():
            (bad if tally.findings else good).update(tally.faults)
    yield from (
        "## Deaths and pauses by role",
        "",
        "Added up over all runs listed below. A death is a kill -9 or a crash point. With no failure in n of them, the chance",
        f"of one is below 3/n at 95 %. Wanted: {WANTED_DEATHS} deaths and {WANTED_PAUSES} pauses a role, over as many runs as",
        "it takes. What happened in a row that failed stands apart.",
        "",
        "| role | deaths | bound | pauses | bound | in rows that failed |",
        "|---|---|---|---|---|---|",
    )
    for role in ROLES:
        deaths, pauses = (sum(good[f"{kind} {role}"] for kind in kinds) for kinds in (DEATHS, PAUSES))
        failed = sum(bad[f"{kind} {role}"] for kind in (*DEATHS, *PAUSES))
        yield f"| {role} | {deaths} | {_bound(deaths)} | {pauses} | {_bound(pauses)} | {failed} |"


def _rows(book: Book) -> Iterable[str]:
    rows = [one for one in book.results if not one.control]
    yield from (
        "## Rows of the fault matrix",
        "",
        "Figures are of the last run of each row; faults and failures are added up over all runs. The bound is 3/n over the",
        "faults of the runs in which the row passed.",
        "",
        "| rows | fault | last run | faults so far | runs, failed | bound | figures of the last run |",
        "|---|---|---|---|---|---|---|",
    )
    for one in rows:
        tallies = [run.rows[one.name] for run in book.runs if one.name in run.rows]
        faults, good = Counter[str](), Counter[str]()
        for tally in tallies:
            faults.update(tally.faults)
            if not tally.findings:
                good.update(tally.faults)
        said = ", ".join(f"{count} x {kind}" for kind, count in sorted(faults.items())) or "none"
        figures = ", ".join(f"{name} {value:.4g}" for name, value in one.figures.items())
        numbers = ", ".join(map(str, one.numbers)) or "-"
        when = f"{one.at[:16]}, {'passed' if one.passed else 'FAILED'}{_on(one.database)}"
        counts = f"{len(tallies)}, {sum(bool(tally.findings) for tally in tallies)}"
        yield f"| {numbers} | {one.title} | {when} | {said} | {counts} | {_bound(good.total())} | {figures} |"
    covered = {number for one in rows for number in one.numbers} | ({36} if book.soak else set())
    played = [f"- row {number}: {IN_SCOPE[number]}: `{where}`" for number, where in IN_THE_SUITE.items()]
    yield from ("", "Played by `make test`:", "", *played)
    covered |= IN_THE_SUITE.keys()
    if missing := [f"- row {number}: {what}" for number, what in IN_SCOPE.items() if number not in covered]:
        yield from ("", "Not covered so far:", "", *missing)


def _controls(book: Book) -> Iterable[str]:
    yield from ("## Negative controls", "", "The product with one safeguard taken out: the rig must report the damage.", "")
    yield from ("| taken out | last run | damage reported |", "|---|---|---|")
    for one in book.results:
        if one.control:
            seen = f"{one.figures.get('damage reported', 0):.0f} places"
            yield f"| {one.title} | {one.at[:16]} | {seen if one.passed else 'NOT SEEN'} |"


def _soak(book: Book) -> Iterable[str]:
    yield from ("## Soak: mixed load and idle stretches without a fault", "")
    soak = book.soak
    if soak is None:
        yield "None was kept yet (`make soak`)."
        return
    figures = ", ".join(f"{name} {value:.4g}" for name, value in soak.figures.items())
    state = ("FAILED" if soak.findings else "passed") + _on(soak.database)
    yield from (
        f"{soak.at[:16]}, commit {soak.commit}, seed {soak.seed}, {soak.minutes:g} minutes: {state}; {figures}.",
        "",
        "Each process is looked at every 10 s; medians of the window behind the warm-up (minutes 10 to 15 of 60) and of the",
        "last one (5 minutes). Bounds: resident memory +5 %, descriptors, threads and tasks level.",
        "",
        "| process | memory, MiB | growth | descriptors | threads | tasks |",
        "|---|---|---|---|---|---|",
    )
    for one in soak.levels:
        pairs = (f"{before:g} to {after:g}" for before, after in (one.descriptors, one.threads, one.tasks))
        memory = " to ".join(f"{kib / 1024:.1f}" for kib in one.rss)
        yield f"| {one.process} | {memory} | {100 * one.growth:+.1f} % | {' | '.join(pairs)} |"
    yield from ("", "| collection | rows, first and last | bounded by |", "|---|---|---|")
    for rows in soak.held:
        yield f"| {rows.place} | {rows.before}, {rows.after} | {rows.bounded_by} |"
    yield from (f"- FAILED: {finding}" for finding in soak.findings)


def _runs(book: Book) -> Iterable[str]:
    yield from (
        "## Runs",
        "",
        "| run | commit | seed | minutes | rows | deaths, pauses | failed |",
        "|---|---|---|---|---|---|---|",
    )
    for run in book.runs:
        faults = Counter[str]()
        for tally in run.rows.values():
            faults.update(tally.faults)
        deaths = sum(number for kind, number in faults.items() if kind.startswith(DEATHS))
        pauses = sum(number for kind, number in faults.items() if kind.startswith(PAUSES))
        failed = ", ".join(run.failed) or "-"
        when, what = f"{run.at[:16]}{_on(run.database)} | {run.commit} | {run.seed}", f"{deaths}, {pauses} | {failed}"
        yield f"| {when} | {run.minutes:g} | {len(run.rows)} | {what} |"


def _open(book: Book) -> Iterable[str]:
    """What failed, in any run: it stays here, with what was found, after it has been mended."""
    last = {one.name: one for one in book.results}
    yield from ("## Failures", "")
    found = False
    for run in book.runs:
        for name, tally in run.rows.items():
            for finding in tally.findings:
                found = True
                mended = name in last and last[name].passed
                yield f"- {run.at[:16]} {name}, seed {run.seed}{', passed since' if mended else ''}: {finding[:300]}"
    if not found:
        yield "None in the runs above."


def _on(database: str) -> str:
    return f", on {database}" if database else ""


def _bound(number: int) -> str:
    return f"<= {100 * bound(number):.2g} %" if number else "-"
