"""What a reader of plans has to say about a row: stable code, the words that caused it, a repair."""

from __future__ import annotations

from typing import Literal, NamedTuple

from common.errors import FieldProblem, Words

Severity = Literal["error", "warning", "info"]
EMPTY = "(ô để trống)"
"""What is quoted when the cause is that nothing was written."""


class Finding(NamedTuple):
    """`error`: the row is refused. `warning`: it is taken, and somebody should look. `info`: how it was understood."""

    code: str
    severity: Severity
    field: str
    message: Words
    quote: str
    repair: Words

    def problem(self) -> FieldProblem:
        return FieldProblem(self.field, self.code, self.message, self.repair, self.quote)


def quoted(words: str) -> str:
    """Words as they are quoted in a finding: as written, cut where they are long."""
    return words if len(words) <= 300 else words[:299] + "…"
