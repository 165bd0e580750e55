"""`make bench`, or `make bench ONE=relay`: take the ratios, print them, keep them as JSON in `build/bench.json`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.events import Bench
from bench.gateway import Missing, gateway
from bench.measure import Comparison, machine
from deploy.local.servers import Servers

ROOT = Path(__file__).resolve().parents[1]


async def run(names: list[str], kafka: str, mongo: str) -> tuple[list[Comparison], list[str]]:
    all_: dict[str, Callable[[], Awaitable[list[Comparison]]]] = {
        "relay": lambda: Bench(kafka, mongo).relay(),
        "consumer": lambda: Bench(kafka, mongo).consumer(),
        "gateway": lambda: gateway(kafka, mongo),
    }
    taken: list[Comparison] = []
    skipped: list[str] = []
    for name in names or list(all_):
        if name not in all_:
            raise SystemExit(f"roviec: there is no bench '{name}'; there are {', '.join(all_)}")
        print(f"roviec: {name} ...", flush=True)
        try:
            taken += await all_[name]()
        except Missing as missing:
            skipped.append(f"{name}: {missing}")
    return taken, skipped


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="which; all when none is named")
    parser.add_argument("--out", type=Path, default=ROOT / "build/bench.json")
    arguments = parser.parse_args()
    about = machine()
    servers = Servers()
    try:
        taken, skipped = asyncio.run(run(arguments.names, *servers.start()))
    finally:
        servers.stop()
    print("\n" + ", ".join(f"{name} {value}" for name, value in about.items()))
    for one in taken:
        print(f"\n{one.name}\n  ratio {one.ratio}   goal {one.goal or 'none'}\n  ours {one.ours}, other {one.other} a second")
        if one.note:
            print(f"  {one.note}")
    for line in skipped:
        print(f"\nskipped {line}")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    result = {"machine": about, "comparisons": [one.public() for one in taken], "skipped": skipped}
    arguments.out.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    sys.exit(0 if taken else 1)


if __name__ == "__main__":
    main()
