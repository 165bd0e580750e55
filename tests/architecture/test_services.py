"""What must be so of every service: rules of access, reactions and routes that are listed, events that reach the audit."""

from __future__ import annotations

import ast
import pkgutil
import re
from collections.abc import Iterable, Iterator
from datetime import date
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Query
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import Field, StrictBool, TypeAdapter
from pydantic.fields import FieldInfo

from common.consumer import handled_types, topics_for
from common.contracts.base import Event
from common.contracts.fields import IsoDay, IsoMoment
from common.contracts.topics import BY_OWNER, TOPICS
from common.http import Call, Command, Effect, Routes, reads, scope_of, writes
from common.service import Service
from common.settings import Settings
from gateway.routes import ROWS
from tools.services import ANY_OWNER, NAMES, carriers, load

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([*ROOT.glob("libs/*/src/*"), *ROOT.glob("services/*/src/*"), *ROOT.glob("gateway/src/*")])
CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

every_service = pytest.mark.parametrize("name", NAMES)


# --- routes ---


@every_service
def test_the_gateway_leads_to_every_route(name: str) -> None:
    nouns = next(row.nouns for row in ROWS if row.service == name)
    strays = [route.path for route in api_routes(load(name)) if route.path.split("/")[2] not in nouns]
    assert not strays, "its noun stands in no row of gateway/routes.py: callers get 404"


def api_routes(service: Service) -> list[APIRoute]:
    routes = [route for router in service.routes for route in router.routes]
    assert all(isinstance(route, APIRoute) for route in routes), "a mounted application would have no rule of access"
    return [route for route in routes if isinstance(route, APIRoute)]


def unruled(service: Service) -> list[str]:
    """Routes that do not say who may call them, or change something without the manners of an effect."""
    return [f"{sorted(route.methods or ())} {route.path}" for route in api_routes(service) if not _ruled(route)]


def _ruled(route: APIRoute) -> bool:
    scope = scope_of(route)
    if scope is None or not re.fullmatch(r"[a-z]+:[a-z]+", scope):
        return False
    kinds = {getattr(dependency.call, "__qualname__", "").split(".")[0] for dependency in route.dependant.dependencies}
    return "writes" in kinds if CHANGES & (route.methods or set()) else "reads" in kinds


@every_service
def test_every_route_says_who_may_call_it(name: str) -> None:
    service = load(name)
    assert api_routes(service)
    assert unruled(service) == []


def test_a_route_without_a_rule_is_caught() -> None:
    routes = Routes("planted")

    @routes.get("/open")
    async def anyone() -> None: ...

    @routes.post("/sly")
    async def changes_as_a_reader(call: Annotated[Call, reads("tasks:read")]) -> None: ...

    @routes.post("/fine")
    async def fine(effect: Annotated[Effect, writes("tasks:write")]) -> None: ...

    planted = Service("tasks", "planted", Settings, [], routes=[routes])
    assert unruled(planted) == ["['GET'] /v1/open", "['POST'] /v1/sly"]


# --- days and moments of requests ---


def loose_days(service: Service) -> list[str]:
    """Fields of requests in which pydantic itself reads a day or a moment: it would take numbers as seconds since 1970."""
    found: list[str] = []
    for route in api_routes(service):
        fields = [*_parameters(route.dependant), *([route.body_field] if route.body_field else [])]
        found += [f"{route.path}: {field.name}" for field in fields if _reads_loosely(_core_of(field.field_info))]
    return found


def _parameters(dependant: Dependant) -> Iterator[Any]:
    yield from (*dependant.query_params, *dependant.path_params, *dependant.header_params)
    for inner in dependant.dependencies:
        yield from _parameters(inner)


def _core_of(field: FieldInfo) -> Any:
    kind: Any = Annotated[field.annotation, field]
    return TypeAdapter[Any](kind).core_schema


def _reads_loosely(schema: Any) -> bool:
    if isinstance(schema, list | tuple):
        return any(map(_reads_loosely, schema))
    if not isinstance(schema, dict) or schema.get("type") == "function-before":
        return False
    return schema.get("type") in ("date", "datetime") or any(_reads_loosely(part) for part in schema.values())


@every_service
def test_days_and_moments_of_requests_are_iso_text(name: str) -> None:
    assert loose_days(load(name)) == [], "use IsoDay or IsoMoment (common/contracts/fields.py)"


class Loose(Command):
    days: list[date]


class LooseNumber(Command):
    by_name: dict[str, int]


class SoundNumber(Command):
    count: Annotated[int, Field(strict=True, ge=0)] = 0
    open: StrictBool | None = None


class Sound(Command):
    day: IsoDay
    at: IsoMoment | None = None


def loose_values(service: Service) -> list[str]:
    """Bodies in which a number or a truth value may also come as a text, or the one as the other."""
    bodies = [(route.path, route.body_field) for route in api_routes(service) if route.body_field is not None]
    return [path for path, body in bodies if _converts(_core_of(body.field_info), strict=False)]


def _converts(schema: Any, *, strict: bool) -> bool:
    if isinstance(schema, list | tuple):
        return any(_converts(part, strict=strict) for part in schema)
    if not isinstance(schema, dict) or schema.get("type") == "function-before":
        return False  # somebody looks at it before
    strict = bool(schema.get("strict", strict))
    return (schema.get("type") in ("int", "float", "bool") and not strict) or any(
        _converts(part, strict=strict) for part in schema.values()
    )


@every_service
def test_numbers_and_truth_values_of_bodies_come_as_such(name: str) -> None:
    assert loose_values(load(name)) == [], "strict=True, or StrictBool: what the OpenAPI document forbids is not taken"


def test_a_value_that_is_converted_is_caught() -> None:
    routes = Routes("planted")

    @routes.post("/number")
    async def number(command: LooseNumber, effect: Annotated[Effect, writes("tasks:write")]) -> None: ...

    @routes.post("/sound")
    async def sound(command: SoundNumber, effect: Annotated[Effect, writes("tasks:write")]) -> None: ...

    assert loose_values(Service("tasks", "planted", Settings, [], routes=[routes])) == ["/v1/number"]


def test_a_day_that_is_read_loosely_is_caught() -> None:
    routes = Routes("planted")

    @routes.get("/loose")
    async def loose(call: Annotated[Call, reads("tasks:read")], as_of: Annotated[date | None, Query()] = None) -> None: ...

    @routes.post("/deep")
    async def deep(command: Loose, effect: Annotated[Effect, writes("tasks:write")]) -> None: ...

    @routes.post("/sound")
    async def sound(command: Sound, effect: Annotated[Effect, writes("tasks:write")], on: IsoDay | None = None) -> None: ...

    planted = Service("tasks", "planted", Settings, [], routes=[routes])
    assert loose_days(planted) == ["/v1/loose: as_of", "/v1/deep: command"]


# --- what is written must be listed ---


def feature_modules(package: str) -> Iterator[ModuleType]:
    features = import_module(f"{package}.features")
    for found in pkgutil.iter_modules(features.__path__):
        yield import_module(f"{package}.features.{found.name}")


def unlisted(modules: Iterable[ModuleType], service: Service) -> list[str]:
    """Feature modules whose routes or reactions the service does not list."""
    routers = {id(router) for router in service.routes}
    handlers = {handler.__module__ for handler in service.handlers}
    forgotten = []
    for module in modules:
        own = [value for value in vars(module).values() if isinstance(value, APIRouter)]
        reacts = module.__name__.rpartition(".")[2].startswith("on_")
        if any(id(router) not in routers for router in own) or (reacts and module.__name__ not in handlers):
            forgotten.append(module.__name__)
    return forgotten


@every_service
def test_every_feature_is_listed(name: str) -> None:
    assert unlisted(feature_modules(name), load(name)) == []


def test_a_forgotten_feature_is_caught() -> None:
    endpoint, reaction, helper = (ModuleType(f"planted.features.{name}") for name in ("do_it", "on_it_done", "view"))
    endpoint.__dict__["routes"] = Routes("planted")
    nothing = Service("tasks", "planted", Settings, [])
    assert unlisted([endpoint, reaction, helper], nothing) == [endpoint.__name__, reaction.__name__]
    everything = Service("tasks", "planted", Settings, [], routes=[endpoint.routes])
    assert unlisted([endpoint, helper], everything) == []


@every_service
def test_every_reaction_is_to_an_event_that_exists(name: str) -> None:
    handled = handled_types(load(name).handlers)
    assert handled.keys() <= Event.registry.keys() | {"*"}
    assert topics_for(handled) or not handled


# --- events ---


def uncarried(types: Iterable[type[Event]]) -> list[str]:
    """Types that no topic carries, or that are declared in the module of another owner."""
    wrong = []
    for event in types:
        owner = event.type.split(".")[0]
        module = event.__module__.removeprefix("common.contracts.")
        known = owner in {*BY_OWNER, ANY_OWNER} and (module == owner or module.startswith(f"{owner}_"))
        if not known or not carriers(event):
            wrong.append(event.type)
    return wrong


def test_every_event_is_carried_by_its_owners_topic() -> None:
    assert uncarried(Event.registry.values()) == []


def test_an_event_without_a_topic_is_caught() -> None:
    class Planted(Event):
        pass

    Planted.type = "nobody.thing.happened.v1"
    assert uncarried([Planted]) == ["nobody.thing.happened.v1"]


def test_the_audit_takes_every_event_of_every_topic() -> None:
    handled = handled_types(load("audit").handlers)
    assert set(handled) == {"*"}
    assert topics_for(handled) == [topic.name for topic in TOPICS]


# --- nothing prints while it is imported ---


def prints_on_import(source: str) -> list[int]:
    """Lines of calls of `print` that run when the module is imported."""

    def walk(node: ast.AST) -> Iterator[int]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if isinstance(child, ast.Call) and isinstance(child.func, ast.Name) and child.func.id == "print":
                yield child.lineno
            yield from walk(child)

    return list(walk(ast.parse(source)))


def test_no_module_prints_on_import() -> None:
    modules = [path for source in SOURCES for path in source.rglob("*.py")]
    assert modules
    assert [str(path) for path in modules if prints_on_import(path.read_text())] == []


def test_a_print_on_import_is_caught() -> None:
    assert prints_on_import("def f():\n    print(1)\nif True:\n    print(2)\n") == [4]
