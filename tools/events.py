"""The published language as JSON Schema: one schema and one example an event type, and what may change in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from common import contracts
from common.contracts.base import Event

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ANNOTATIONS = frozenset({"$schema", "$id", "title", "description", "examples", "default"})
"""Keywords that refuse nothing: they may change at any time."""

assert contracts.__all__  # importing the package fills the registry


class _Wire(GenerateJsonSchema):
    """Without the titles that pydantic makes of field names: they say nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


def event_types() -> list[type[Event]]:
    """Every event of the platform, by wire type."""
    return [Event.registry[name] for name in sorted(Event.registry)]


def schema_of(event: type[Event]) -> Schema:
    """What a reader may rely on. It is open: a reader passes over what a newer writer adds."""
    schema = event.model_json_schema(schema_generator=_Wire)
    if "$defs" in schema:
        raise TypeError(f"{event.type}: an event holds plain fields, no nested models")
    if "description" not in schema:
        raise TypeError(f"{event.type}: say in the docstring of {event.__name__} what happened")
    schema.pop("additionalProperties")
    schema |= {"$schema": DIALECT, "$id": f"urn:roviec:event:{event.type}", "title": event.type}
    order = ("$schema", "$id", "title", "description", "type", "required", "properties")
    return {keyword: schema[keyword] for keyword in order}


def example_of(event: type[Event]) -> Any:
    """One event as its writer sends it, made of the examples beside the fields. Raises TypeError for a field without one."""
    sample = {name: _sample(field, f"{event.type}: {name}") for name, field in schema_of(event)["properties"].items()}
    return json.loads(event.model_validate_json(json.dumps(sample)).data())


def _sample(schema: Schema, where: str) -> Any:
    match schema:
        case {"examples": [first, *_]} | {"enum": [first, *_]} | {"const": first}:
            return first
        case {"anyOf": [first, *_]}:
            return _sample(first, where)
        case {"type": "array", "items": items}:
            return [_sample(items, where)]
        case {"type": "boolean"}:
            return True
    raise TypeError(f"{where} has no example: give its field `examples=[...]`")


def breaking(old: Schema, new: Schema) -> list[str]:
    """What in `new` would break a reader or a writer of `old`: anything but an added field that may be missing.

    A narrower field refuses what lies on the topics already; a wider one sends old readers what they cannot read. Both
    need a `.v2` beside the `.v1`.
    """
    return list(_breaks(old, new, "(the whole)"))


def _breaks(old: Schema, new: Schema, where: str) -> Iterator[str]:
    fields, fields_now = old.get("properties", {}), new.get("properties", {})
    always, always_now = set(old.get("required", ())), set(new.get("required", ()))
    for name, field in fields.items():
        if name not in fields_now:
            yield f"{name}: removed or renamed"
            continue
        yield from _breaks(field, fields_now[name], name)
        if (name in always) != (name in always_now):
            yield f"{name}: became {'required' if name in always_now else 'optional'}"
    for name in sorted(always_now - set(fields)):
        yield f"{name}: added without a default, so what was written before has none"
    for keyword in sorted((old.keys() | new.keys()) - ANNOTATIONS - {"properties", "required"}):
        before, after = old.get(keyword), new.get(keyword)
        if keyword == "items" and before and after:
            yield from _breaks(before, after, f"{where}[]")
        elif keyword == "anyOf" and before and after and len(before) == len(after):
            for one, other in zip(before, after, strict=True):
                yield from _breaks(one, other, where)
        elif before != after:
            yield f"{where}: {keyword} was {_shown(before)}, is {_shown(after)}"


def _shown(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)
