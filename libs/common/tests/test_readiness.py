"""Readiness: a broker of several that is away does not make a process unready."""

from __future__ import annotations

import asyncio
import socket

import pytest

from common import service


async def test_one_broker_that_answers_is_enough_and_none_is_not() -> None:
    listening = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    with socket.socket() as closed:  # bound and not listening: whoever comes is refused
        closed.bind(("127.0.0.1", 0))
        away = f"127.0.0.1:{closed.getsockname()[1]}"
        there = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        await service._reachable(f"{away},{there}")
        with pytest.raises(OSError, match="no broker answers"):
            await service._reachable(f"{away},{away}")
    listening.close()
