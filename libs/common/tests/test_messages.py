"""`messages.toml` and the code that refuses with its texts agree: no key lacks, none is left over, no gap stays."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, get_args

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core.core_schema import ErrorType

from common.errors import ALL, TEXTS, FieldProblem, Words, text
from common.words import field_problem

COMMON = Path(__file__).resolve().parents[1] / "src/common"
PYDANTIC = get_args(ErrorType)


def gaps(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def uses(tree: ast.AST) -> Iterator[tuple[str, set[str]]]:
    """The keys that a module names, each with what it fills in: `text("key", name=...)`, `FieldProblem.of(field, "code")`."""
    for call in ast.walk(tree):
        match call:
            case ast.Call(func=ast.Name(id="text"), args=[ast.Constant(value=str(key))], keywords=given):
                yield key, {str(one.arg) for one in given}
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="FieldProblem"), attr="of"), args=[_, ast.Constant(value=str(code))]
            ):
                yield f"problem.{code}", set()
            case ast.Call(func=ast.Name(id="_unstorable"), args=[_, ast.Constant(value=str(code))]):
                yield f"problem.{code}", set()


USES = [
    (path.name, *use)
    for path in sorted(COMMON.rglob("*.py"))
    if "contracts" not in path.parts
    for use in uses(ast.parse(path.read_text()))
]


@pytest.mark.parametrize(("module", "key", "given"), USES, ids=lambda value: value if isinstance(value, str) else "")
def test_what_the_code_says_stands_there_and_is_filled_in_exactly(module: str, key: str, given: set[str]) -> None:
    assert gaps(TEXTS[key].vi) == given
    if key.startswith("problem."):
        assert gaps(TEXTS[f"{key}.repair"].vi) == given


def test_every_text_is_said_somewhere() -> None:
    said = {key for _, key, _ in USES} | {f"title.{kind.slug}" for kind in ALL}
    said |= {f"problem.{kind}" for kind in PYDANTIC} | {f"type.{kind.split('_', maxsplit=1)[0]}" for kind in PYDANTIC}
    assert [key for key in TEXTS if key.removesuffix(".repair") not in said] == []


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_say_something_and_have_the_same_gaps(key: str) -> None:
    vi, en = TEXTS[key]
    assert vi.strip()
    assert en.strip()
    assert gaps(vi) == gaps(en)


class Given(BaseModel):
    model_config = ConfigDict(extra="forbid")
    needed: Annotated[int, Field(ge=1)]
    text: Annotated[str, Field(min_length=3, max_length=5, pattern="^[A-Z]+$")] = "ABC"
    parts: Annotated[list[int], Field(min_length=1, max_length=2)] = [1]


@pytest.mark.parametrize(
    ("body", "kind", "repair"),
    [
        ("{}", "missing", "Add it."),
        ("{", "json_invalid", "Send well-formed JSON in UTF-8."),
        ('{"needed": 1, "more": 1}', "extra_forbidden", "Leave it out, or correct its name."),
        ('{"needed": 1, "text": "A"}', "string_too_short", "Make it longer: the limit is 3 characters."),
        ('{"needed": 1, "text": "ABCDEF"}', "string_too_long", "Shorten it: the limit is 5 characters."),
        ('{"needed": 1, "text": "abc"}', "string_pattern_mismatch", "Write it as ^[A-Z]+$ says."),
        ('{"needed": 1, "parts": []}', "too_short", "Make it longer."),
        ('{"needed": 1, "parts": [1, 2, 3]}', "too_long", "Shorten it."),
        ('{"needed": "x"}', "int_parsing", "Send a whole number."),
        ('{"needed": 0}', "greater_than_equal", "Send 1 or more."),
    ],
)
def test_what_pydantic_finds_is_told_in_our_words(body: str, kind: str, repair: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Given.model_validate_json(body)
    (problem,) = map(field_problem, refused.value.errors())
    assert (problem.code, problem.repair.en) == (kind, repair)
    assert problem.message != problem.repair


def test_a_gap_is_filled_in_its_own_language() -> None:
    assert text("no_such_item", what=Words("khóa học", "course"), key="7") == Words(
        "Không có khóa học «7», hoặc người gọi không được xem.", "There is no course '7', or the caller may not see it."
    )


def test_braces_in_a_value_are_left_alone() -> None:
    repair = field_problem({"loc": ("code",), "type": "string_pattern_mismatch", "ctx": {"pattern": "^[A-Z]{2}$"}}).repair
    assert repair.en == "Write it as ^[A-Z]{2}$ says."


def test_an_unknown_key_and_an_unfilled_gap_are_refused() -> None:
    with pytest.raises(KeyError, match="no_such_key"):
        text("no_such_key")
    with pytest.raises(KeyError, match="scope"):
        text("scope_needed")
    with pytest.raises(KeyError, match="nonsense"):
        FieldProblem.of("field", "nonsense")
