"""What the tests of imports and of the register share: callers, the real data files, a client with few words."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from common.domain import Actor
from common.outbox import OUTBOX, new_id
from common.service import Process
from common.testing import Area

DATA = Path(__file__).parents[3] / "data"
FILES = {
    "units": "units.csv",
    "agencies": "agencies.csv",
    "successions": "unit_succession.csv",
    "directives": "directives.csv",
    "tasks": "tasks.csv",
}
"""In the order in which they have to be imported."""
OTHER_FILES = {"variants": "name_variants.csv"}
SCOPES = frozenset(
    ["imports:write", *(f"{noun}:{verb}" for noun in ("units", "people", "directives", "tasks") for verb in ("read", "write"))]
)
PROVINCE = Actor("client", "province", SCOPES)


def of_unit(*units: str, scopes: frozenset[str] = SCOPES) -> Actor:
    return Actor("client", f"system-of-{len(units)}", scopes, frozenset(units))


def file_of(kind: str) -> bytes:
    return (DATA / (FILES | OTHER_FILES)[kind]).read_bytes()


def rows_of(kind: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file_of(kind).decode())))


def csv_of(rows: Iterable[Mapping[str, str]]) -> bytes:
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@dataclass
class Register:
    """A caller of the tasks service who brings tables."""

    client: httpx2.AsyncClient

    async def get(self, path: str, expect: int = 200, **params: Any) -> Any:
        answer = await self.client.get(f"/v1/{path}", params=params)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def all(self, path: str, **params: Any) -> list[Any]:
        """Every item of a list, page by page."""
        found: list[Any] = []
        cursor: str | None = None
        while True:
            if cursor is not None:
                params["cursor"] = cursor
            page = await self.get(path, **params, limit=100)
            found += page["items"]
            if (cursor := page["next_cursor"]) is None:
                return found

    async def send(self, method: str, path: str, body: Any, expect: int, **headers: str) -> Any:
        headers = {"Idempotency-Key": new_id(), **headers}
        answer = await self.client.request(method, f"/v1/{path}", json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json()

    async def bring(
        self, kind: str, body: bytes, expect: int = 200, form: str = "text/csv", key: str = "", **params: Any
    ) -> httpx2.Response:
        headers = {"Idempotency-Key": key or new_id(), "Content-Type": form}
        answer = await self.client.post("/v1/imports", params={"kind": kind, **params}, content=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer

    async def imported(self, kind: str, body: bytes | None = None, **params: Any) -> Any:
        """The answer of an import that was taken; of the real file unless there is another one."""
        return (await self.bring(kind, file_of(kind) if body is None else body, **params)).json()

    async def import_all(self) -> dict[str, Any]:
        return {kind: await self.imported(kind) for kind in FILES}


def counts(answer: Any) -> str:
    """`created 3, refused 1`: what there is of each outcome."""
    return ", ".join(f"{name} {count}" for name, count in answer["counts"].items() if count and name != "warnings")


def codes(answer: Any, row: int) -> list[str]:
    """What was found in a row."""
    (found,) = [one for one in answer["rows"] if one["row"] == row]
    return [finding["code"] for finding in found["findings"]]


async def documents(process: Process, collection: str) -> int:
    return int(await process.database.collection(collection).count_documents({}))


async def events(process: Process) -> int:
    return await documents(process, OUTBOX)


@asynccontextmanager
async def calling(area: Area, process: Process, actor: Actor = PROVINCE, **headers: str) -> AsyncIterator[Register]:
    async with area.client(process, actor, **headers) as client:
        yield Register(client)
