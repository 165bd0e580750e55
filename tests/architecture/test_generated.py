"""What is generated is as the code says, fits the standards that it follows, and refuses to break its readers."""

from __future__ import annotations

import json
import shutil
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from common.contracts.base import Event
from common.contracts.tasks import TaskAssigned, TaskCompleted
from common.contracts.topics import TOPICS
from tools import asyncapi, contracts, openapi
from tools.events import breaking, event_types, example_of, schema_of
from tools.services import NAMES, load

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The generated files, to spoil."""
    for folder in (contracts.SCHEMAS, contracts.GENERATED):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


# --- on disk ---


def test_the_generated_files_are_what_the_code_says() -> None:
    assert contracts.main(["--check"]) == 0


def test_a_difference_is_named(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (copy / contracts.GENERATED / "metrics.md").open("a") as file:
        file.write("edited by hand\n")
    assert contracts.main(["--check", "--only", "metrics"], copy) == 1
    assert "metrics.md" in capsys.readouterr().err
    assert contracts.main(["--only", "metrics"], copy) == 0
    assert contracts.main(["--check", "--only", "metrics"], copy) == 0


def test_a_file_that_nothing_generates_any_more_is_named(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / contracts.SCHEMAS / "tasks.task.forgotten.v1.example.json").write_text("{}\n")
    assert contracts.main(["--check", "--only", "events"], copy) == 1
    assert "tasks.task.forgotten.v1.example.json" in capsys.readouterr().err


def test_a_breaking_change_is_refused_and_nothing_is_written(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = copy / contracts.SCHEMAS / f"{TaskAssigned.type}.schema.json"
    published = json.loads(path.read_text())
    published["properties"]["urgency"] = {"type": "string"}
    path.write_text(json.dumps(published))
    for arguments in (["--check", "--only", "events"], ["--only", "events"]):
        assert contracts.main(arguments, copy) == 1
        assert "urgency: removed or renamed" in capsys.readouterr().err
    assert json.loads(path.read_text()) == published
    assert contracts.main(["--only", "events", "--accept-breaking"], copy) == 0


def test_an_event_that_is_gone_breaks_its_readers(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / contracts.SCHEMAS / "tasks.task.forgotten.v1.schema.json").write_text("{}\n")
    assert contracts.main(["--only", "events"], copy) == 1
    assert "tasks.task.forgotten.v1: removed" in capsys.readouterr().err


def test_a_service_that_cannot_be_imported_fails_the_check(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contracts, "NAMES", ("nowhere",))
    assert contracts.main(["--check", "--only", "events"]) == 1
    assert "nowhere.service cannot be imported" in capsys.readouterr().err


def test_generating_twice_gives_the_same() -> None:
    services = [load(name) for name in NAMES]
    assert contracts.generate(contracts.PARTS, services) == contracts.generate(contracts.PARTS, services)


# --- what may change ---


def changed(**edits: Any) -> dict[str, Any]:
    """The golden schema of an event with some of its fields spoilt: None removes a field."""
    schema = deepcopy(schema_of(TaskCompleted))
    for name, field in edits.items():
        schema["properties"].pop(name, None)
        if field is not None:
            schema["properties"][name] = field
    return schema


SAME = schema_of(TaskCompleted)


@pytest.mark.parametrize(
    "new",
    [
        SAME,
        changed(added={"type": "string", "default": ""}),
        {**SAME, "description": "Said better.", "title": "other"},
        changed(task_id={"type": "string", "description": "Said better", "examples": ["x"]}),
    ],
    ids=["nothing", "an optional field is added", "other words", "other words of a field"],
)
def test_a_change_that_breaks_nobody(new: dict[str, Any]) -> None:
    assert breaking(SAME, new) == []


@pytest.mark.parametrize(
    ("new", "fault"),
    [
        (changed(task_id=None), "task_id: removed or renamed"),
        (changed(due_on=None, deadline={"type": "string"}), "due_on: removed or renamed"),
        (changed(task_id={"type": "integer"}), 'task_id: type was "string", is "integer"'),
        (changed(task_id={"type": "string", "maxLength": 8}), "task_id: maxLength was nothing, is 8"),
        (changed(due_on={"type": "string", "format": "date"}), "due_on: anyOf was"),
        (changed(due_on={"anyOf": [{"type": "string"}, {"type": "null"}]}), 'due_on: format was "date", is nothing'),
        (changed(timeliness={"enum": ["in_time"], "type": "string"}), "timeliness: enum was"),
        ({**SAME, "required": [*SAME["required"], "due_on"]}, "due_on: became required"),
        ({**SAME, "required": SAME["required"][1:]}, "task_id: became optional"),
        (
            {**changed(urgency={"type": "string"}), "required": [*SAME["required"], "urgency"]},
            "urgency: added without a default",
        ),
        ({**SAME, "additionalProperties": False}, "(the whole): additionalProperties was nothing, is false"),
    ],
)
def test_a_change_that_breaks_somebody_is_caught(new: dict[str, Any], fault: str) -> None:
    found = breaking(SAME, new)
    assert any(one.startswith(fault) for one in found), found


def test_a_change_inside_a_list_is_caught() -> None:
    old = {"properties": {"ids": {"type": "array", "items": {"type": "string"}}}}
    new = {"properties": {"ids": {"type": "array", "items": {"type": "string", "maxLength": 3}}}}
    assert breaking(old, new) == ["ids[]: maxLength was nothing, is 3"]


# --- standards ---


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in references(value)]
    return [ref for value in node for ref in references(value)] if isinstance(node, list) else []


def resolve(document: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        document = document[step.replace("~1", "/").replace("~0", "~")]
    return document


@pytest.mark.parametrize("event", event_types(), ids=lambda event: event.type)
def test_schemas_are_json_schema_and_examples_fit(event: type[Event]) -> None:
    schema = schema_of(event)
    jsonschema_rs.meta.validate(schema)
    jsonschema_rs.validate(schema, example_of(event), validate_formats=True)


def test_the_asyncapi_document_holds_together() -> None:
    """Every reference leads somewhere; operations name messages of their own channel; every event is sent by its owner."""
    document = json.loads((ROOT / contracts.GENERATED / "asyncapi.json").read_text())
    assert document["asyncapi"] == "3.0.0"
    for reference in references(document):
        resolve(document, reference)
    sent = set()
    for name, operation in document["operations"].items():
        channel = operation["channel"]["$ref"]
        assert operation["action"] in ("send", "receive"), name
        assert operation["messages"], name
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"{channel}/messages/"), name
            sent |= {message["$ref"].rpartition("/")[2]} if operation["action"] == "send" else set()
    assert sent == {*Event.registry, asyncapi.DEAD_LETTER}
    assert set(document["channels"]) == {name for topic in TOPICS for name in (topic.name, topic.dead_letters)}
    for message in document["components"]["messages"].values():
        jsonschema_rs.meta.validate(message["headers"])
        for example in message.get("examples", ()):
            jsonschema_rs.validate(message["payload"], example["payload"])


def test_the_openapi_documents_hold_together() -> None:
    paths: set[str] = set()
    for file in (*(contracts.OPENAPI / f"{name}.json" for name in NAMES), contracts.MERGED):
        document = json.loads((ROOT / file).read_text())
        paths |= document["paths"].keys()
        for reference in references(document):
            resolve(document, reference)
        operations = [operation for path in document["paths"].values() for operation in path.values()]
        assert len({operation["operationId"] for operation in operations}) == len(operations)
        assert all(operation["security"] for operation in operations)
        for schema in document["components"]["schemas"].values():
            jsonschema_rs.meta.validate(schema)
    assert document["paths"].keys() == paths, "the merged one, which is the last, has every path of every service"


def test_two_services_may_not_say_different_things_under_one_name() -> None:
    def part(text: str) -> dict[str, Any]:
        return {"paths": {}, "components": {"schemas": {"Thing": {"title": text}}, "securitySchemes": {}}}

    openapi.merge({"one": part("same"), "other": part("same")})
    with pytest.raises(ValueError, match=r"components\.schemas\.Thing"):
        openapi.merge({"one": part("this"), "other": part("that")})
