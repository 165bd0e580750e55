"""The OpenAPI documents: each service's own, and all of them as one."""

from __future__ import annotations

from typing import Any

from common.http import document_app
from common.service import Service

Document = dict[str, Any]


def documents(services: list[Service]) -> dict[str, Document]:
    """The document of each service, by name."""
    made = ((service.name, document_app(service.name, service.title, service.routes).openapi()) for service in services)
    return {name: _sorted(document) for name, document in made}


def _sorted(document: Document) -> Document:
    schemas = document["components"]["schemas"]
    return {
        **document,
        "paths": dict(sorted(document["paths"].items())),
        "components": {**document["components"], "schemas": dict(sorted(schemas.items()))},
    }


def merge(parts: dict[str, Document]) -> Document:
    """One document of the whole platform. Raises ValueError when two services say different things under one name."""
    whole: Document = {
        "openapi": "3.1.0",
        "info": {"title": "Rõ Việc", "version": "1"},
        "paths": {},
        "components": {"schemas": {}, "securitySchemes": {}},
    }
    for name, part in parts.items():
        for place in (("paths",), ("components", "schemas"), ("components", "securitySchemes")):
            target, source = whole, part
            for step in place:
                target, source = target[step], source[step]
            for key, value in source.items():
                if target.setdefault(key, value) != value:
                    raise ValueError(f"{name} says something else than another service about {'.'.join((*place, key))}")
    return _sorted(whole)
