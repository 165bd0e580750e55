"""Parts of the fault rows that can be wrong by themselves: the spoilable link, the shuffler, the settings of three nodes."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.local.broker import SETTINGS
from deploy.local.parts import free_port
from tests.faults.__main__ import heard_out
from tests.faults.controls import CONTROLS, Control
from tests.faults.proxy import Link
from tests.faults.report import Result
from tests.faults.rows import ROWS, FaultRow
from tests.faults.rows_brokers import settings_of
from tests.faults.rows_links import share_of
from tests.faults.rows_records import WINDOW, shuffled_within


@asynccontextmanager
async def linked(seed: int = 1) -> AsyncIterator[Link]:
    """A link to a server that says again whatever it is told."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    link = Link(free_port(), server.sockets[0].getsockname()[1], seed)
    await link.open()
    try:
        yield link
    finally:
        link.close()
        server.close()


async def ask(link: Link, what: bytes, seconds: float = 5.0) -> bytes:
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(what)
        try:
            return await reader.readexactly(len(what))
        finally:
            writer.close()


async def test_a_link_passes_what_it_is_given() -> None:
    async with linked() as link:
        sent = random.Random(1).randbytes(500_000)
        assert await ask(link, sent) == sent


async def test_a_black_hole_says_nothing_and_loses_nothing() -> None:
    async with linked() as link:
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"before")
        assert await reader.readexactly(6) == b"before"
        link.cut()
        writer.write(b"meanwhile")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.3)
        with pytest.raises(TimeoutError):
            await ask(link, b"a new connection", 0.3)
        link.heal()
        assert await asyncio.wait_for(reader.readexactly(9), 5) == b"meanwhile"
        writer.close()


async def test_a_slow_link_takes_its_time_both_ways_and_keeps_the_order() -> None:
    async with linked() as link:
        link.spoil((0.05, 0.15), 0.0)
        started = time.monotonic()
        sent = random.Random(1).randbytes(300_000)
        assert await ask(link, sent) == sent
        assert time.monotonic() - started >= 0.1


async def test_a_torn_connection_is_reset_and_the_next_one_is_whole() -> None:
    async with linked() as link:
        link.spoil((0.0, 0.0), 1.0)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await ask(link, b"torn")
        assert link.torn == 1
        link.calm()
        assert await ask(link, b"whole") == b"whole"


def test_records_are_shuffled_no_further_than_the_window() -> None:
    stage: Any = SimpleNamespace(dice=random.Random(1))
    numbers = list(range(200))
    shuffled = shuffled_within(numbers, WINDOW, stage)
    assert sorted(shuffled) == numbers != shuffled
    assert max(abs(place - number) for place, number in enumerate(shuffled)) <= WINDOW


def test_a_share_of_values() -> None:
    assert share_of([], 0.99) == 0
    assert share_of([3, 1, 2], 0.5) == 2
    assert share_of(list(range(100)), 0.99) == 99


def test_three_nodes_differ_from_one_where_they_must() -> None:
    settings = settings_of(2, "1@a,2@b,3@c")
    assert "node.id=2\n" in settings
    assert "controller.quorum.voters=1@a,2@b,3@c\n" in settings
    assert "min.insync.replicas=2\n" in settings
    assert "listeners=PLAINTEXT://127.0.0.1:{port}" in settings
    assert len(settings.splitlines()) > len(SETTINGS.splitlines())


def test_every_row_has_a_name_of_its_own() -> None:
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("one", [ROWS[1], CONTROLS[0]], ids=["row", "control"])
async def test_what_breaks_off_has_failed_and_costs_nobody_elses_result(one: FaultRow | Control) -> None:
    async def breaks_off() -> Result:
        raise TimeoutError

    result = await heard_out(one, breaks_off(), 7)
    assert (result.name, result.passed, result.control) == (one.name, False, isinstance(one, Control))
