"""Parts of stored documents."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Kept(BaseModel):
    """Like a stored document it keeps fields that this version does not know (`common.domain.Document`): an older version must
    not lose what a newer one wrote.
    """

    model_config = ConfigDict(extra="allow")
