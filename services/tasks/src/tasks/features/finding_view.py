"""Something worth a look, as callers see it."""

from __future__ import annotations

from pydantic import Field

from common.http import View
from tasks.domain.findings import Finding, Severity


class FindingView(View):
    code: str
    severity: Severity
    field: str = Field(description="The field or column; empty for the whole row")
    message: str
    quote: str = Field(description="The very words that caused it")
    repair: str

    @classmethod
    def of(cls, finding: Finding) -> FindingView:
        return cls(
            code=finding.code,
            severity=finding.severity,
            field=finding.field,
            message=str(finding.message),
            quote=finding.quote,
            repair=str(finding.repair),
        )
