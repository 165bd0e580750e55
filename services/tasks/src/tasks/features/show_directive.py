"""One directive."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.http import Call, Routes, reads
from tasks.features.directive_view import DirectiveView
from tasks.store import DIRECTIVES, existing

routes = Routes("directives")


@routes.get("/directives/{directive_id}", response_model=DirectiveView)
async def show_directive(directive_id: str, call: Annotated[Call, reads("directives:read")]) -> Response:
    """A paper, its number as written and as read."""
    directive = await existing(call.reader, DIRECTIVES, directive_id)
    return call.one(DirectiveView.of(directive), directive.version)
