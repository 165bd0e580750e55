"""What the framework's own refusals are called, in both languages: validation messages and HTTP statuses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from common.errors import FieldProblem, Words

_MESSAGES: dict[str, tuple[Words, Words]] = {
    "missing": (Words("Thiếu trường này.", "This field is missing."), Words("Hãy thêm trường này.", "Add it.")),
    "extra_forbidden": (
        Words("Không có trường nào tên như vậy.", "There is no such field."),
        Words("Hãy bỏ trường này, hoặc sửa tên cho đúng.", "Leave it out, or correct its name."),
    ),
    "json_invalid": (
        Words("Nội dung không phải JSON hợp lệ.", "The body is not valid JSON."),
        Words("Hãy gửi JSON đúng cú pháp, mã UTF-8.", "Send well-formed JSON in UTF-8."),
    ),
    "too_short": (Words("Ngắn hơn mức tối thiểu.", "Shorter than the minimum."), Words("Hãy bổ sung.", "Make it longer.")),
    "too_long": (Words("Dài hơn mức tối đa.", "Longer than the maximum."), Words("Hãy rút ngắn.", "Shorten it.")),
}
_TYPES: dict[str, Words] = {
    "string": Words("một chuỗi ký tự", "a string"),
    "int": Words("một số nguyên", "a whole number"),
    "float": Words("một số", "a number"),
    "decimal": Words("một số thập phân", "a decimal number"),
    "bool": Words("true hoặc false", "true or false"),
    "date": Words("một ngày dạng YYYY-MM-DD", "a day as YYYY-MM-DD"),
    "datetime": Words("một thời điểm RFC 3339", "a moment as RFC 3339"),
    "list": Words("một danh sách", "a list"),
    "dict": Words("một đối tượng", "an object"),
    "model": Words("một đối tượng", "an object"),
    "enum": Words("một trong các giá trị cho phép", "one of the allowed values"),
    "literal": Words("một trong các giá trị cho phép", "one of the allowed values"),
    "uuid": Words("một UUID", "a UUID"),
}


def field_problem(error: Mapping[str, Any]) -> FieldProblem:
    """One pydantic error in our words; the value itself is never repeated."""
    loc = [str(part) for part in error["loc"]]
    if len(loc) > 1 and loc[0] in ("body", "query", "path", "header", "cookie"):
        loc = loc[1:]
    field, kind, context = ".".join(loc), str(error["type"]), error.get("ctx", {})
    if kind in _MESSAGES:
        message, repair = _MESSAGES[kind]
    elif kind in ("string_too_short", "string_too_long"):
        message, repair = _MESSAGES[kind.removeprefix("string_")]
        limit = context.get("min_length", context.get("max_length"))
        repair = Words(f"{repair.vi[:-1]}: giới hạn {limit} ký tự.", f"{repair.en[:-1]}: the limit is {limit} characters.")
    elif kind == "string_pattern_mismatch":
        message = Words("Không đúng dạng quy định.", "Not of the form that is asked for.")
        repair = Words(f"Hãy viết theo mẫu {context['pattern']}.", f"Write it as {context['pattern']} says.")
    elif (expected := _TYPES.get(kind.split("_", maxsplit=1)[0])) is not None:
        allowed = context.get("expected")
        message = Words(f"Phải là {expected.vi}.", f"It must be {expected.en}.")
        repair = message if allowed is None else Words(f"Hãy dùng: {allowed}.", f"Use: {allowed}.")
    else:
        bounds = ", ".join(f"{name} {value}" for name, value in context.items() if isinstance(value, int | float | str))
        message = Words("Giá trị không hợp lệ.", "The value is not valid.")
        repair = Words(f"Hãy sửa giá trị ({kind} {bounds}).", f"Correct the value ({kind} {bounds}).")
    return FieldProblem(field, kind, message, repair)


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
    body: dict[str, Any] = {
        "type": f"/problems/{slug}",
        "title": str(title),
        "status": status,
        "detail": str(detail),
        "instance": instance,
    }
    if errors:
        body["errors"] = [
            {"field": e.field, "code": e.code, "message": str(e.message), "repair": str(e.repair)}
            | ({} if e.quote is None else {"quote": e.quote})
            for e in errors
        ]
    return body
