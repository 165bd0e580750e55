"""The broker of a test run, which all its workers share, and the database of each (`deploy.local.servers` says which)."""

from __future__ import annotations

import itertools
import os

import pytest

from common.testing import Area
from deploy.local.servers import Servers

_servers = Servers()
_numbers = itertools.count()


def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    parallel = bool(getattr(config.option, "numprocesses", None)) and not hasattr(config, "workerinput")
    if parallel and not config.option.collectonly:
        _servers.start_shared()  # workers inherit the address


def pytest_unconfigure() -> None:
    _servers.stop()


@pytest.fixture(scope="session")
def servers() -> tuple[str, str]:
    """Where the broker and the database are."""
    return _servers.start()


@pytest.fixture
def area(servers: tuple[str, str], worker_id: str) -> Area:
    """A corner of both servers that no other test uses."""
    return Area(f"t{os.getpid()}{worker_id}{next(_numbers)}", *servers)
