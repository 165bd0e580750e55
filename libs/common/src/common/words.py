"""What the framework's own refusals are called, in both languages: validation messages and HTTP statuses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from common.errors import TEXTS, FieldProblem, Words, text


def field_problem(error: Mapping[str, Any]) -> FieldProblem:
    """One pydantic error in our words; the value itself is never repeated."""
    loc = [str(part) for part in error["loc"]]
    if len(loc) > 1 and loc[0] in ("body", "query", "path", "header", "cookie"):
        loc = loc[1:]
    field, kind, context = ".".join(loc), str(error["type"]), error.get("ctx", {})
    if f"problem.{kind}" in TEXTS:
        return FieldProblem.of(field, kind, **context)
    if (expected := TEXTS.get(f"type.{kind.split('_', maxsplit=1)[0]}")) is not None:
        allowed = context.get("expected")
        repair = text("send_of_kind", expected=expected) if allowed is None else text("use_one_of", allowed=allowed)
        return FieldProblem(field, kind, text("not_of_kind", expected=expected), repair)
    bounds = ", ".join(f"{name} {value}" for name, value in context.items() if isinstance(value, int | float | str))
    return FieldProblem(field, kind, text("value_invalid"), text("correct_value", kind=kind, bounds=bounds))


def prefers_english(accept_language: str) -> bool:
    """True when the header ranks English above Vietnamese (RFC 9110, 12.5.4); Vietnamese is the default."""
    ranks = {"en": 0.0, "vi": 0.0}
    for entry in accept_language.lower().split(","):
        tag, _, quality = entry.strip().partition(";q=")
        language = tag.split("-")[0].strip()
        if language in ranks:
            try:
                ranks[language] = max(ranks[language], float(quality or 1))
            except ValueError:
                continue
    return ranks["en"] > ranks["vi"]


_TOLD = ("field", "code", "message", "repair", "quote")
_NOT_AT_ALL = re.compile(r"q=0(\.0*)?")


def accepts_json(accept: str) -> bool:
    """True when the Accept header lets us answer in JSON: the most precise range that covers it decides (RFC 9110, 12.5.1)."""
    wanted: dict[str, bool] = {}
    for entry in accept.lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        wanted[name] = wanted.get(name, False) or not any(map(_NOT_AT_ALL.fullmatch, parameters))
    precise_first = ("application/json", "application/problem+json", "application/*", "*/*", "")
    return next((wanted[name] for name in precise_first if name in wanted), False)


def problem_body(
    status: int, slug: str, title: Words, detail: Words, errors: Sequence[FieldProblem], instance: str
) -> dict[str, Any]:
    """An RFC 9457 problem document in the language of the answer."""
    body: dict[str, Any] = {"type": f"/problems/{slug}", "title": str(title), "status": status}
    body |= {"detail": str(detail), "instance": instance}
    if errors:
        told = ({name: getattr(error, name) for name in _TOLD} for error in errors)
        body["errors"] = [{name: str(one) for name, one in error.items() if one is not None} for error in told]
    return body
