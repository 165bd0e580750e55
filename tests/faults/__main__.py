"""`make faults`, `make faults ROW=7 SEED=1`, `make faults-smoke`: play rows of the fault matrix and the negative controls.

Each row of a full run has databases and topics of its own; the smoke run plays some of all on one stage, and one control.
A row that fails prints its seed and what was done when; the seed plays it again. Exit status: 0 when every promise was
kept and every control was seen, 1 otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress

from deploy.local.database import version_of
from tests.faults.arena import Servers, Story
from tests.faults.checker import Damage, Finding
from tests.faults.controls import CONTROLS, Control
from tests.faults.report import Book, Result, Run, now
from tests.faults.rows import ROWS, FaultRow
from tests.faults.stage import SETTLE_SECONDS, staged

CONTROL_SETTLE_SECONDS = 15.0
SMOKE_PATIENCE = 5.0


async def play(servers: Servers, rows: list[FaultRow], seed: int, *, smoke: bool, aloud: bool, share: float = 1) -> Result:
    """Play these rows one after the other on one stage."""
    name, title = ("smoke", "a mix of all") if smoke else (rows[0].name, rows[0].title)
    story, started = Story(seed, aloud=aloud), time.monotonic()
    async with _servers(servers, rows[0]) as theirs, staged(theirs, story) as stage:
        stage.patience = SMOKE_PATIENCE if smoke else 1.0
        stage.callers.start()
        for row in rows:
            story.tell(f"-- {row.title}")
            try:
                await row.play(stage, row.smoke if smoke else row.full * share)
            except Exception as error:  # what is there is checked all the same, and other rows are played
                stage.findings.append(Finding(Damage.WRONG, f"{row.name} broke off: {error!r}"))
                story.tell(stage.findings[-1].what)
        findings = await stage.end(quiet=all(row.quiet for row in rows), seconds=SETTLE_SECONDS)
        numbers = sorted({number for row in rows for number in row.numbers})
        return Result(
            name, title, numbers, seed, time.monotonic() - started, dict(story.faults), stage.figures,
            [str(one) for one in findings], story=story.lines, database=version_of(theirs.server),
        )  # fmt: skip


@asynccontextmanager
async def _servers(shared: Servers, row: FaultRow) -> AsyncIterator[Servers]:
    """The servers that this row is played on: those of all, or its own, which end with it."""
    if row.servers is None:
        await shared.refresh_database()
        yield shared
        return
    own = row.servers()
    try:
        await own.start()
        yield own
    finally:
        with suppress(OSError):  # what a failed row is understood by
            shutil.copytree(own.folder / "logs", shared.folder / "logs" / row.name, dirs_exist_ok=True)
        own.close()


async def control(servers: Servers, one: Control, seed: int, *, smoke: bool, aloud: bool) -> Result:
    """Play a control; it fails when the damage is *not* reported."""
    story, started = Story(seed, aloud=aloud), time.monotonic()
    async with staged(servers, story, one.sabotage) as stage:
        stage.callers.start()
        await one.play(stage, 0.6 if smoke else 1.0)
        findings = await stage.end(quiet=one.quiet, seconds=5.0 if smoke else CONTROL_SETTLE_SECONDS)
    seen = one.seen(findings)
    missed = [] if seen else [f"the rig did not see: {one.damage}, {one.what}; it saw {[str(f) for f in findings]}"]
    figures = {**stage.figures, "damage reported": seen}
    took = time.monotonic() - started
    return Result(one.name, one.title, [], seed, took, dict(story.faults), figures, missed, control=True, story=story.lines)


async def heard_out(one: FaultRow | Control, played: Awaitable[Result], seed: int) -> Result:
    """The result; a failed one when it broke off, so that what was played before is kept."""
    try:
        return await played
    except Exception as error:
        why = [f"{one.name} broke off: {error!r}"]
        numbers = [] if isinstance(one, Control) else list(one.numbers)
        return Result(one.name, one.title, numbers, seed, 0.0, {}, {}, why, control=isinstance(one, Control))


def chosen(wanted: str) -> tuple[list[FaultRow], list[Control]]:
    """Rows and controls of this number or name; all when nothing is asked. Raises SystemExit when there is none."""
    if not wanted:
        return list(ROWS), list(CONTROLS)
    names = set(wanted.split(","))
    rows = [row for row in ROWS if names & {row.name, *map(str, row.numbers)}]
    controls = [one for one in CONTROLS if names & {one.name, "controls"}]
    if not rows and not controls:
        known = ", ".join([*(row.name for row in ROWS), *(one.name for one in CONTROLS), "controls"])
        raise SystemExit(f"roviec: the rig has no row '{wanted}'; there are the numbers of the matrix and {known}")
    return rows, controls


def tell(result: Result) -> None:
    state = "as it must be" if result.passed else "FAILED"
    print(f"{result.name:18} {result.seconds:5.0f} s  {state}  {result.summary()}", flush=True)
    if not result.passed:
        print(f"\nseed {result.seed}; what was done when:")
        print("\n".join(f"  {line}" for line in result.story))
        print("\n".join(f"  ! {line}" for line in result.findings), flush=True)


async def run(arguments: argparse.Namespace) -> int:
    seed, aloud = arguments.seed, arguments.aloud
    print(f"roviec: seed {seed}", flush=True)
    rows, controls = chosen(arguments.row)
    kept = arguments.keep or not (arguments.smoke or arguments.row or arguments.share != 1)
    results: list[Result] = []
    at, started, servers = now(), time.monotonic(), Servers()

    def take(result: Result) -> None:
        """Tell it, and keep it before the next one is played: a run that dies has still been."""
        results.append(result)
        tell(result)
        if kept:
            book = Book.read()
            book.add(results, Run.of(results, seed, (time.monotonic() - started) / 60, at))
            book.write()

    try:
        if arguments.smoke or controls or any(row.servers is None for row in rows):
            await servers.start()
        if arguments.smoke:
            take(await play(servers, [row for row in ROWS if row.smoke], seed, smoke=True, aloud=aloud))
            rows, controls = [], [one for one in CONTROLS if one.smoke]
        for row in rows:
            played = play(servers, [row], seed, smoke=False, aloud=aloud, share=arguments.share)
            take(await heard_out(row, played, seed))
        for one in controls:
            take(await heard_out(one, control(servers, one, seed, smoke=arguments.smoke, aloud=aloud), seed))
    finally:
        failed = any(not result.passed for result in results)
        servers.close(keep=failed)
        if failed:
            print(f"the processes' logs: {servers.folder / 'logs'}", file=sys.stderr)
    return int(failed)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make faults", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--row", default="", help="numbers of the matrix or names, with commas; or `controls`")
    parser.add_argument("--seed", type=int, default=None, help="play this seed again")
    parser.add_argument("--share", type=float, default=1.0, help="how much of a full run to play (1)")
    parser.add_argument("--smoke", action="store_true", help="some of all, at most 3 minutes")
    parser.add_argument("--keep", action="store_true", help="keep the result of a run that is not whole as well")
    parser.add_argument("--aloud", action="store_true", help="tell what is done while it is done")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = int(time.time())
    sys.exit(asyncio.run(run(arguments)))


if __name__ == "__main__":
    main()
