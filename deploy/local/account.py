"""What a demo expected and what came."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from rich.console import Console

PATIENCE = 90.0
VIETNAM = timedelta(hours=7)

T = TypeVar("T")


def local_today() -> date:
    """In the province."""
    return (datetime.now(UTC) + VIETNAM).date()


@dataclass
class Account:
    """What was expected and what came."""

    console: Console
    wrong: list[str] = field(default_factory=list)
    checks: int = 0

    def expect(self, what: str, got: object, wanted: object) -> None:
        self.checks += 1
        if got != wanted:
            self.wrong.append(f"{what}: expected {wanted!r}, got {got!r}")
            self.console.print(f"[red]differs[/red] {self.wrong[-1]}", highlight=False)

    def eventually(self, what: str, ask: Callable[[], T], good: Callable[[T], bool], seconds: float = PATIENCE) -> T:
        """Ask until the answer is good; what it is at the deadline counts."""
        self.checks += 1
        until = time.monotonic() + seconds
        while not good(answer := ask()):
            if time.monotonic() > until:
                self.wrong.append(f"{what}: after {seconds:.0f} s still {answer!r}")
                self.console.print(f"[red]differs[/red] {self.wrong[-1]}", highlight=False)
                break
            time.sleep(0.25)
        return answer
