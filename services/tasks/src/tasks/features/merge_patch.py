"""JSON merge patch (RFC 7396): a body of which the fields that were written count, and no others."""

from __future__ import annotations

from typing import Any

from common.http import Command


class MergePatch(Command):
    """The given fields change, the others stay."""

    def given(self) -> dict[str, Any]:
        """The fields that the caller wrote, and no others."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}
