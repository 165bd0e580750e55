"""One directive."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response

from common.errors import NotFound, Words
from common.http import Call, Routes, reads
from tasks.domain.directive import Directive
from tasks.features.directive_view import DirectiveView
from tasks.store import DIRECTIVES

routes = Routes("directives")


@routes.get("/directives/{directive_id}", response_model=DirectiveView)
async def show_directive(directive_id: str, call: Annotated[Call, reads("directives:read")]) -> Response:
    """A paper, its number as written and as read."""
    directive = await call.reader.get(DIRECTIVES, directive_id)
    if directive is None:
        raise NotFound.of(Words(*Directive.noun), directive_id)
    return call.one(DirectiveView.of(directive), directive.version)
