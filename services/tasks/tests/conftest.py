"""The tasks service with a clock that is set by hand, for the tests of the life of tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from common.service import Process
from common.testing import Area
from services.tasks.tests.task_world import HandClock, TaskApi, calling, furnished


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def process(area: Area, clock: HandClock) -> AsyncIterator[Process]:
    async with furnished(area, clock) as process:
        yield process


@pytest.fixture
async def api(area: Area, process: Process) -> AsyncIterator[TaskApi]:
    async with calling(area, process) as api:
        yield api
