"""`make bench`, or `make bench ONE=relay`: take the ratios, print them, write `docs/performance.md` and `build/bench.json`.

A peer or a tool that this machine has not got is shown as missing and is no error. `--quick` proves in about two minutes
that everything runs; its figures mean nothing and go to `build/performance.md` alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import effect, events, repository, service, sizes
from bench.gateway import gateway
from bench.load import ROOT
from bench.machine import machine
from bench.measure import QUICK, Comparison, Missing, Pace
from bench.report import TITLES, renew, row
from deploy.local.servers import Servers

Taken = tuple[list[Comparison], dict[str, str]]
BENCHES: dict[str, Callable[[str, str, Pace], Awaitable[Taken]]] = {
    "gateway": gateway,
    "service": service.get_by_id,
    "repository": repository.load_and_save,
    "relay": events.relay,
    "consumer": events.consumer,
    "batch": events.batch,
    "effect": effect.post_to_ledger,
    "sizes": sizes.through_the_gateway,
}
assert list(BENCHES) == list(TITLES)


@dataclass
class Outcome:
    """What the benches gave so far, and where it is kept."""

    about: dict[str, str]
    page: Path
    figures: Path
    taken: dict[str, Taken] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def write(self) -> None:
        """After each bench: what is broken off keeps what was done."""
        before = self.page.read_text() if self.page.exists() else ""
        sections = {name: (rows, {**self.about, **more}) for name, (rows, more) in self.taken.items()}
        self.page.write_text(renew(before, sections))
        benches = {name: {"rows": [one.public() for one in rows], **more} for name, (rows, more) in self.taken.items()}
        result = {"taken_on": self.about, "failed": self.failed, "benches": benches}
        self.figures.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


async def run(names: Sequence[str], kafka: str, mongo: str, pace: Pace, outcome: Outcome) -> None:
    """One bench after the other; one that fails does not keep the others from running."""
    for name in names:
        print(f"roviec: {name} ...", flush=True)
        started = time.perf_counter()
        try:
            outcome.taken[name] = await BENCHES[name](kafka, mongo, pace)
        except Missing as missing:
            outcome.taken[name] = [Comparison(TITLES[name], "", "", missing=str(missing))], {}
        except Exception:
            traceback.print_exc()
            outcome.failed.append(name)
            continue
        finally:
            outcome.write()
        for one in outcome.taken[name][0]:
            print("  " + row(one), flush=True)
        print(f"  {time.perf_counter() - started:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help=f"which; all when none is named: {', '.join(BENCHES)}")
    parser.add_argument("--quick", action="store_true", help="prove that everything runs; the page in docs stays as it is")
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="folder of bench.json")
    arguments = parser.parse_args()
    names = arguments.names or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        parser.error(f"there is no bench '{unknown[0]}'; there are {', '.join(BENCHES)}")
    own = {"own_kafka": not os.environ.get("KAFKA_BOOTSTRAP"), "own_mongo": not os.environ.get("MONGO_URI")}
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    page = out / "performance.md" if arguments.quick else ROOT / "docs/performance.md"
    servers = Servers()
    try:
        kafka, mongo = servers.start()
        outcome = Outcome(machine(mongo, **own), page, out / "bench.json")
        asyncio.run(run(names, kafka, mongo, QUICK if arguments.quick else Pace(), outcome))
    finally:
        servers.stop()
    if outcome.failed:
        print(f"roviec: failed: {', '.join(outcome.failed)}; what went wrong stands above", file=sys.stderr)
    sys.exit(1 if outcome.failed else 0)


if __name__ == "__main__":
    main()
