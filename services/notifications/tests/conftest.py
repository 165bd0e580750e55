"""A real mail server for the tests of this service, and settings that point at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.notifications.tests.mail_sink import Sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    sink = Sink()
    sink.start()
    yield sink
    sink.stop()
