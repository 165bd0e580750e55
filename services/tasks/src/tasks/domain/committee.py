"""What the Steering Committee decides for itself."""

from __future__ import annotations

from typing import ClassVar, Literal

from common.contracts.tasks import CommitteeSettingsChanged
from common.domain import Aggregate

COMMITTEE_ID = "committee"


class Committee(Aggregate):
    """Settings of the committee (Ban Chỉ đạo). There is one."""

    noun: ClassVar = ("thiết lập của Ban Chỉ đạo", "committee settings")
    id: str = COMMITTEE_ID
    authority_required: bool = False
    """Ask for the sixth clear, authority (rõ thẩm quyền; 659/TB-VPCP of 29 Nov 2025, 226-KL/TW), beside the five."""
    nearly_due_days: int = 3
    """A task is nearly due when so few days are left, the due day itself included. 3, 5, 7 and 14 occur in four real
    places, so it is a setting (11-KH/BCĐ counts 5)."""
    lateness_counts: Literal["submission", "approval"] = "submission"
    """Which day is held against the due day: the sources do not settle it (golden case G044)."""

    def decide(self, changes: dict[str, object]) -> bool:
        """Change settings. False when nothing differs."""
        differs = self.adopt(changes)
        if differs:
            self.record(
                CommitteeSettingsChanged(
                    committee_id=self.id,
                    authority_required=self.authority_required,
                    nearly_due_days=self.nearly_due_days,
                    lateness_counts=self.lateness_counts,
                )
            )
        return differs
