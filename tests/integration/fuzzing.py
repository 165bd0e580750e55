"""Calls to every operation of a service, with what its OpenAPI document allows and with what it forbids (schemathesis).

Never a fault of ours (5xx), answers as the document says, and nothing is taken that the document forbids. `FUZZ_EXAMPLES` is
the number of calls of each kind to an operation; another `FUZZ_SEED` walks elsewhere. Headers are the same for all operations
and have tests of their own (`libs/common/tests/test_http.py`).
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode

from common.outbox import new_id
from common.service import Service
from tools.openapi import documents

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
PATIENCE = 60.0
"""Seconds for one answer: it is not speed that is looked at, and the machine may be busy."""
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
Known = dict[str, list[Any]]
"""What there is, by the name of a parameter or a field: without it nearly every call would end at 404."""


@dataclass
class Called:
    """A service that is up, how it is called, and what is known of it."""

    service: Service
    url: str
    bearer: Callable[[], str]
    known: Known


def document_of(service: Service) -> Any:
    """What the service says of itself, without headers."""
    document = json.loads(json.dumps(documents([service])[service.name]))
    for path in document["paths"].values():
        for operation in path.values():
            operation["parameters"] = [one for one in operation.get("parameters", ()) if one["in"] != "header"]
    schema = schemathesis.openapi.from_dict(document)
    schema.config.generation.with_security_parameters = False
    return schema


def cases_of(operation: Any, mode: GenerationMode, known: Known, chance: random.Random) -> Iterator[Any]:
    """Some calls to an operation, mostly about what there is. None that are wrong, where nothing is taken but a path."""
    if mode.is_negative and not (operation.query or operation.body):
        return
    found: list[Any] = []
    of_path = [one.name for one in operation.path_parameters if one.name in known]

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(operation.as_strategy(generation_mode=mode, path_parameters={name: known[name][0] for name in of_path}))
    def collect(case: Any) -> None:
        found.append(case)

    collect()
    for number in range(EXAMPLES if of_path else len(found)):
        case = found[number % len(found)]
        case.path_parameters = {**case.path_parameters, **{name: chance.choice(known[name]) for name in of_path}}
        if mode.is_positive:
            case.query = _of_what_there_is(case.query, known, chance)
            if isinstance(case.body, dict):
                case.body = _of_what_there_is(case.body, known, chance)
        yield case


def _of_what_there_is(value: Any, known: Known, chance: random.Random) -> Any:
    """The same with most ids replaced by such as exist."""
    if isinstance(value, list):
        return [_of_what_there_is(one, known, chance) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: chance.choice(known[name])
        if name in known and isinstance(one, str) and chance.random() < 0.8
        else _of_what_there_is(one, known, chance)
        for name, one in value.items()
    }


def walk(called: Called) -> list[str]:
    """Call every operation; what went wrong."""
    wrong: list[str] = []
    chance = random.Random(SEED)
    with requests.Session() as session:
        session.trust_env = False
        for found in document_of(called.service).get_all_operations():
            operation = found.ok()
            for mode in GenerationMode:
                for case in cases_of(operation, mode, called.known, chance):
                    headers = {"Authorization": called.bearer(), "Idempotency-Key": new_id(), "Accept-Language": "en"}
                    try:
                        case.call_and_validate(called.url, session, headers, checks=CHECKS, timeout=PATIENCE)
                    except FailureGroup as failed:
                        wrong.append(f"{operation.label} ({mode.value}): {failed}")
    return wrong


def scopes_of(service: Service) -> frozenset[str]:
    """All that a caller of this service can be allowed."""
    operations = (one for path in documents([service])[service.name]["paths"].values() for one in path.values())
    return frozenset(scope for one in operations for scope in one["security"][0]["bearer"])
