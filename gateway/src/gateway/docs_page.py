"""The merged API as one page to read: made on the server, complete in itself, nothing loaded from elsewhere."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import Any

_METHODS = ("get", "post", "put", "patch", "delete")
_STYLE = """
:root{--ink:#1c2733;--soft:#52606d;--line:#d5dde5;--paper:#fff;--wash:#f5f8fa;--get:#1b6e4a;--post:#1d5fa8;--put:#8a5a00;
--delete:#a32626}
*{box-sizing:border-box}body{font:16px/1.55 system-ui,"Segoe UI",Roboto,sans-serif;color:var(--ink);background:var(--paper);
margin:0}main{max-width:60rem;margin:0 auto;padding:1.5rem}h1{font-size:1.8rem;margin:.5rem 0 0}h2{font-size:1.3rem;
margin:2.5rem 0 .5rem;border-bottom:2px solid var(--line);padding-bottom:.25rem}h3{font-size:1rem;margin:1.2rem 0 .3rem;
color:var(--soft);font-weight:600}nav{display:flex;flex-wrap:wrap;gap:.4rem .8rem;margin:1rem 0}nav a{color:var(--post)}
.note{background:#fff6e0;border:1px solid #e8cf8f;border-radius:.4rem;padding:.6rem .9rem}
details{border:1px solid var(--line);border-radius:.5rem;margin:.5rem 0;background:var(--paper)}
summary{cursor:pointer;padding:.55rem .8rem;display:flex;gap:.7rem;align-items:baseline;flex-wrap:wrap}
details[open]>summary{border-bottom:1px solid var(--line);background:var(--wash)}.in{padding:.2rem 1rem 1rem}
.m{font:700 .75rem/1.6 ui-monospace,monospace;color:#fff;border-radius:.25rem;padding:0 .45rem;min-width:4.2rem;
text-align:center;background:var(--soft)}.get{background:var(--get)}.post{background:var(--post)}.put,.patch{background:
var(--put)}.delete{background:var(--delete)}code{font:.88em ui-monospace,Consolas,monospace;overflow-wrap:anywhere}
.path{font-weight:600}.what{color:var(--soft)}.scope{margin-left:auto;font-size:.8rem;color:var(--soft)}
table{border-collapse:collapse;width:100%;font-size:.92rem}td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;
border-bottom:1px solid var(--line)}th{font-weight:600;color:var(--soft)}pre{background:var(--wash);border:1px solid
var(--line);border-radius:.4rem;padding:.8rem;overflow:auto;white-space:pre-wrap}
@media(prefers-color-scheme:dark){:root{--ink:#e4eaf0;--soft:#9fb0c0;--line:#33414f;--paper:#141b22;--wash:#1b242d;
--get:#2d8f66;--post:#5b9ae0;--put:#b98318;--delete:#d05a5a}.note{background:#3a3115;border-color:#6b5a24}}
"""


def page(document: dict[str, Any]) -> str:
    """The whole document as HTML. Everything that a service says is escaped."""
    operations = sorted(
        (
            (_tag(operation), path, _METHODS.index(method), method, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if method in _METHODS
        ),
        key=lambda found: (found[0] != "access", *found[:3]),
    )
    groups = [(tag, list(members)) for tag, members in groupby(operations, key=lambda found: found[0])]
    links = "".join(f"<a href='#{escape(tag)}'>{escape(tag)}</a>" for tag, _ in groups)
    shown = "".join(
        f"<h2 id='{escape(tag)}'>{escape(tag)}</h2>"
        + "".join(_operation(document, path, method, operation) for _, path, _, method, operation in members)
        for tag, members in groups
    )
    missing = document.get("x-services-missing", [])
    warning = (
        f"<p class=note>Chưa trả lời, nên chưa có ở đây / not answering, so left out: <b>{escape(', '.join(missing))}</b></p>"
        if missing
        else ""
    )
    base = escape(document["servers"][0]["url"])
    return (
        "<!doctype html><html lang=vi><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>Rõ Việc: API</title><style>{_STYLE}</style><main><h1>Rõ Việc: API</h1>"
        f"<p class=what>{escape(document['info']['description'])} <code>{base}</code> &middot; "
        "<a href='/openapi.json'>openapi.json</a></p>"
        f"{warning}<nav>{links}</nav>"
        "<h2>Bắt đầu / Getting in</h2><pre>"
        f"curl -u CLIENT_ID:CLIENT_SECRET -d grant_type=client_credentials {base}/oauth2/token\n"
        f"curl -H 'Authorization: Bearer TOKEN' {base}/v1/courses</pre>"
        "<p>Lệnh <code>POST</code> và <code>PATCH</code> cần <code>Idempotency-Key</code>; gửi lại cùng khóa thì việc chỉ được "
        "ghi một lần. Lỗi là <code>application/problem+json</code>, tiếng Việt hoặc tiếng Anh "
        "(<code>Accept-Language</code>).<br><span class=what><code>POST</code> and <code>PATCH</code> need an "
        "<code>Idempotency-Key</code>; sent again with the same key they take effect once. Errors are "
        "<code>application/problem+json</code>, in Vietnamese or English.</span></p>"
        f"{shown}</main></html>"
    )


def _tag(operation: dict[str, Any]) -> str:
    return str((operation.get("tags") or [operation.get("x-service", "")])[0])


def _operation(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> str:
    scopes = [scope for need in operation.get("security", []) for given in need.values() for scope in given if scope]
    parameters = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
        f"<td>{_type(one.get('schema', {}))}{' *' if one.get('required') else ''}</td>"
        f"<td>{escape(one.get('description', '') or one.get('schema', {}).get('description', ''))}</td></tr>"
        for one in operation.get("parameters", [])
    )
    table = (
        "<h3>Tham số / Parameters</h3><table><tr><th>Tên / Name<th>Ở đâu / In<th>Kiểu / Type<th>Ý nghĩa / Meaning</tr>"
        f"{parameters}</table>"
        if parameters
        else ""
    )
    body = _content(document, "Nội dung gửi / Body", operation.get("requestBody", {}))
    answers = "".join(
        _content(document, f"Trả lời / Answer {status}", answer)
        for status, answer in operation.get("responses", {}).items()
        if status.startswith("2")
    )
    return (
        f"<details><summary><span class='m {method}'>{method.upper()}</span><code class=path>{escape(path)}</code>"
        f"<span class=what>{escape(operation.get('summary', ''))}</span>"
        f"<span class=scope>{escape(', '.join(scopes))}</span></summary>"
        f"<div class=in><p>{escape(operation.get('description', ''))}</p>{table}{body}{answers}</div></details>"
    )


def _content(document: dict[str, Any], title: str, holder: dict[str, Any]) -> str:
    shown = ""
    for kind, content in holder.get("content", {}).items():
        schema = _resolved(document, content.get("schema", {}))
        required = set(schema.get("required", []))
        rows = "".join(
            f"<tr><td><code>{escape(name)}</code></td><td>{_type(field)}{' *' if name in required else ''}</td>"
            f"<td>{escape(field.get('description', ''))}{_example(field)}</td></tr>"
            for name, field in schema.get("properties", {}).items()
        )
        fields = f"<table><tr><th>Tên / Name<th>Kiểu / Type<th>Ý nghĩa / Meaning</tr>{rows}</table>" if rows else ""
        shown += f"<h3>{escape(title)} <code>{escape(kind)}</code></h3>{fields}"
    return shown


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    found: dict[str, Any] = document["components"]["schemas"].get(reference.rpartition("/")[2], {})
    return found


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return escape(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " | ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(escape(str(one)) for one in schema["enum"])
    if "const" in schema:
        return escape(str(schema["const"]))
    if schema.get("type") == "array":
        return f"[{_type(schema.get('items', {}))}]"
    return escape(str(schema.get("format", schema.get("type", ""))))


def _example(schema: dict[str, Any]) -> str:
    examples = schema.get("examples") or []
    return f" <span class=what>(<code>{escape(str(examples[0]))}</code>)</span>" if examples else ""
