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
from pathlib import Path

from bench import effect, events, repository, service
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
}
assert list(BENCHES) == list(TITLES)


async def run(names: Sequence[str], kafka: str, mongo: str, pace: Pace) -> tuple[dict[str, Taken], list[str]]:
    """What every bench gave, and the names of those that failed: one that fails does not keep the others from running."""
    taken: dict[str, Taken] = {}
    failed: list[str] = []
    for name in names:
        print(f"roviec: {name} ...", flush=True)
        started = time.perf_counter()
        try:
            taken[name] = await BENCHES[name](kafka, mongo, pace)
        except Missing as missing:
            taken[name] = [Comparison(TITLES[name], "", "", missing=str(missing))], {}
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        for one in taken[name][0]:
            print("  " + row(one), flush=True)
        print(f"  {time.perf_counter() - started:.0f} s", flush=True)
    return taken, failed


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
    servers = Servers()
    try:
        kafka, mongo = servers.start()
        about = machine(mongo, **own)
        taken, failed = asyncio.run(run(names, kafka, mongo, QUICK if arguments.quick else Pace()))
    finally:
        servers.stop()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    page = out / "performance.md" if arguments.quick else ROOT / "docs/performance.md"
    before = page.read_text() if page.exists() else ""
    page.write_text(renew(before, {name: (rows, {**about, **more}) for name, (rows, more) in taken.items()}))
    result = {
        "taken_on": about,
        "quick": arguments.quick,
        "failed": failed,
        "benches": {name: {"rows": [one.public() for one in rows], **more} for name, (rows, more) in taken.items()},
    }
    (out / "bench.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    if failed:
        print(f"roviec: failed: {', '.join(failed)}; what went wrong stands above", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
