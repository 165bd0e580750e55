"""The merged API document and its page, from what services say of themselves."""

from __future__ import annotations

from typing import Any

from gateway.docs_page import page
from gateway.document import merge

ISSUER = "https://api.province.test"


def part(path: str, schema: dict[str, Any], name: str = "View") -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{name}"}
    operation = {
        "tags": ["things"],
        "summary": "<b>See</b>",
        "responses": {"200": {"description": "", "content": {"application/json": {"schema": reference}}}},
        "security": [{"bearer": ["things:read"]}],
    }
    schemas = {name: schema, "List": {"type": "array", "items": reference}, "Problem": {"type": "object"}}
    return {"paths": {path: {"get": operation}}, "components": {"schemas": schemas}}


ONE = {"type": "object", "properties": {"a": {"type": "string"}}}
TWO = {"type": "object", "properties": {"b": {"type": "string"}}}


def answer_schema(document: dict[str, Any], path: str) -> Any:
    content = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    name = content["schema"]["$ref"].rpartition("/")[2]
    return document["components"]["schemas"][name]


def test_schemas_of_one_name_keep_their_own_meaning() -> None:
    document = merge({"tasks": part("/v1/a", ONE), "training": part("/v1/b", TWO), "audit": part("/v1/c", ONE)}, [], ISSUER)
    assert [answer_schema(document, path) for path in ("/v1/a", "/v1/b", "/v1/c")] == [ONE, TWO, ONE]
    assert "training.View" in document["components"]["schemas"]
    assert "audit.View" not in document["components"]["schemas"]


def test_what_refers_to_a_renamed_schema_follows_it() -> None:
    document = merge({"tasks": part("/v1/a", ONE), "training": part("/v1/b", TWO)}, [], ISSUER)
    schemas = document["components"]["schemas"]
    for name, owner in (("List", ONE), ("training.List", TWO)):
        assert schemas[schemas[name]["items"]["$ref"].rpartition("/")[2]] == owner


def test_who_did_not_answer_is_named() -> None:
    document = merge({"tasks": part("/v1/a", ONE)}, ["audit"], ISSUER)
    assert document["x-services-missing"] == ["audit"]
    assert "audit" in document["info"]["description"]
    assert "audit" in page(document)


def test_the_page_escapes_what_services_say() -> None:
    text = page(merge({"tasks": part("/v1/<i>", ONE)}, [], ISSUER))
    assert "&lt;b&gt;See&lt;/b&gt;" in text
    assert "<b>See" not in text
    assert "/v1/<i>" not in text
    assert "things:read" in text
