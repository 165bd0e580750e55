"""A partner system as it should be written: HTTP alone, a key for every effect, and patience.

What cannot be reached, says 429, 502, 503 or 504, or is still busy with the same key is asked again with the same
Idempotency-Key until a deadline: an effect happens once, however often it was asked for.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

AGAIN = frozenset({429, 502, 503, 504})


class Refused(Exception):
    """An answer that was not expected, with what the problem document says about it."""

    def __init__(self, method: str, path: str, answer: httpx2.Response) -> None:
        self.status = answer.status_code
        try:
            self.problem: dict[str, Any] = answer.json()
        except ValueError:
            self.problem = {"detail": answer.text[:300]}
        reasons = "; ".join(f"{one['field']}: {one['message']}" for one in self.problem.get("errors", []))
        super().__init__(f"{method} {path}: {self.status} {self.problem.get('detail', '')} {reasons}".strip())


@dataclass
class Partner:
    """A caller of the gateway. `bearer` gives the token to use; a client's is fetched anew before it expires."""

    http: httpx2.Client
    bearer: Callable[[], str]
    patience: float = 90.0
    """Seconds for which one request is tried again."""
    retried: int = 0
    request_ids: list[str] = field(default_factory=list)
    """Of every effect that was asked for: the correlation id of the events that came of it."""

    @classmethod
    def client(cls, http: httpx2.Client, client_id: str, secret: str) -> Partner:
        """A partner system with a secret (RFC 6749 client credentials)."""
        held = ("", 0.0)

        def bearer() -> str:
            nonlocal held
            if time.monotonic() > held[1]:
                form = {"grant_type": "client_credentials"}
                answer = partner.insist("POST", "/oauth2/token", data=form, auth=(client_id, secret))
                granted = answer.json()
                held = granted["access_token"], time.monotonic() + granted["expires_in"] - 60
            return held[0]

        partner = cls(http, bearer)
        return partner

    @classmethod
    def person(cls, http: httpx2.Client, token: str) -> Partner:
        """A person with a token of the province's OpenID Connect issuer."""
        return cls(http, lambda: token)

    def get(self, path: str, expect: int = 200, **params: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.bearer()}"}
        answer = self.insist("GET", path, headers=headers, params=params)
        return _json(self._expected(answer, "GET", path, expect))

    def download(self, path: str, **params: Any) -> bytes:
        """A file, byte for byte."""
        answer = self.insist("GET", path, headers={"Authorization": f"Bearer {self.bearer()}"}, params=params)
        return self._expected(answer, "GET", path, 200).content

    def items(self, path: str, **params: Any) -> Iterator[Any]:
        """Every item of a list, page by page."""
        cursor = None
        while True:
            page = self.get(path, **params, limit=100, **({} if cursor is None else {"cursor": cursor}))
            yield from page["items"]
            if (cursor := page["next_cursor"]) is None:
                return

    def post(self, path: str, body: Any = None, *, expect: int = 200, **options: Any) -> Any:
        return self.effect("POST", path, body, expect=expect, **options)

    def patch(self, path: str, body: Any, *, expect: int = 200) -> Any:
        return self.effect("PATCH", path, body, expect=expect)

    def refused(self, path: str, body: Any = None, method: str = "POST") -> tuple[int, list[str]]:
        """The status and the codes with which an effect is refused; 200 and none when it is not."""
        try:
            self.effect(method, path, body)
        except Refused as refusal:
            return refusal.status, [one["code"] for one in refusal.problem.get("errors", [])]
        return 200, []

    def effect(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        expect: int = 200,
        key: str | None = None,
        content: bytes | None = None,
        kind: str = "text/csv",
        params: dict[str, str] | None = None,
        timeout: float = 30.0,
    ) -> Any:
        """Ask for an effect under one key. `content` is sent as it is, as `kind`; else `body` as JSON."""
        request_id = uuid.uuid4().hex
        headers = {
            "Authorization": f"Bearer {self.bearer()}",
            "Idempotency-Key": key or uuid.uuid4().hex,
            "X-Request-Id": request_id,
        }
        sent: dict[str, Any] = {"headers": headers, "params": params, "timeout": timeout}
        if content is not None:
            headers["Content-Type"] = kind
            sent["content"] = content
        elif body is not None:
            sent["json"] = body
        answer = self.insist(method, path, **sent)
        self.request_ids.append(request_id)
        return _json(self._expected(answer, method, path, expect))

    def insist(self, method: str, path: str, **sent: Any) -> httpx2.Response:
        """Ask until there is an answer. Raises what the last try raised when patience is at its end."""
        until = time.monotonic() + self.patience
        pause = 0.2
        while True:
            answer: httpx2.Response | None = None
            try:
                answer = self.http.request(method, path, **sent)
                if not _worth_another_try(answer):
                    return answer
            except httpx2.TransportError:
                if time.monotonic() > until:
                    raise
            if answer is not None and time.monotonic() > until:
                return answer
            self.retried += 1
            wait = float(answer.headers.get("Retry-After", 0)) if answer is not None else 0.0
            time.sleep(min(max(wait, pause), 5.0))
            pause = min(pause * 2, 2.0)

    @staticmethod
    def _expected(answer: httpx2.Response, method: str, path: str, expect: int) -> httpx2.Response:
        if answer.status_code != expect:
            raise Refused(method, path, answer)
        return answer


def _json(answer: httpx2.Response) -> Any:
    return answer.json() if answer.content else None


def _worth_another_try(answer: httpx2.Response) -> bool:
    if answer.status_code == 409:  # its own first request with this key is still running
        return "Retry-After" in answer.headers
    return answer.status_code in AGAIN
