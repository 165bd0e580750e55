"""Idempotent writes, model-checked: the same key at once and again, other bodies, deaths around the commit, lost answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from fastapi import Response
from hypothesis import strategies as st
from hypothesis.stateful import rule
from libs.common.tests.model_world import SETTINGS, Crashed, Model, break_it, explore

from common.domain import Actor, Document
from common.errors import Conflict, KeyReused, RuleBroken, Unavailable, Words
from common.http import IDEMPOTENCY, Command, Effect, View
from common.outbox import new_id
from common.repository import Store
from common.unit_of_work import UnitOfWork

KEYS, BODIES, CALLERS = st.sampled_from(["k1", "k2", "k3", "k4"]), st.sampled_from(["a", "b"]), st.sampled_from(["c1", "c2"])
SECONDS = st.sampled_from([0.0, 0.1, 0.5, 4.0])
TRAVEL = st.sampled_from([0.0, 0.05, 1.0])


class Note(Document):
    caller: str
    key: str
    words: str
    number: int = 0


class WriteNote(Command):
    words: str


class NoteView(View):
    id: str
    words: str


NOTES = Store(Note, "notes")


@dataclass
class Call:
    """A request on its way, and what its caller was told."""

    caller: str
    key: str
    words: str
    task: asyncio.Task[Response]

    @property
    def answer(self) -> Response | None:
        """The answer with 2xx, if there is one."""
        ended = self.task.done() and not self.task.cancelled() and self.task.exception() is None
        return self.task.result() if ended else None


class Writes(Model):
    """Requests of two callers through the real `Effect.run` on one or several replicas of a service."""

    kind: ClassVar[type[Effect]] = Effect

    def __init__(self) -> None:
        super().__init__()
        self.replicas = [self.units(f"p{n}") for n in range(2)]
        self.calls: list[Call] = []
        self.refusing = False

    def effect(self, caller: str, key: str, replica: int) -> Effect:
        scope = {"route": SimpleNamespace(path="/v1/notes")}
        request: Any = SimpleNamespace(scope=scope, method="POST", url=SimpleNamespace(path="/v1/notes"))
        return self.kind(request, self.replicas[replica], Actor("client", caller), SETTINGS, key, None)

    def send(self, caller: str, key: str, words: str, replica: int) -> Call:
        async def handle(command: WriteNote, uow: UnitOfWork) -> Note:
            if self.refusing:
                raise RuleBroken(Words("không", "no"))
            return uow.add(NOTES, Note(id=new_id(), caller=caller, key=key, words=command.words))

        effect = self.effect(caller, key, replica)
        work = effect.run(handle, WriteNote(words=words), lambda note: NoteView(id=note.id, words=note.words), status=201)
        self.calls.append(Call(caller, key, words, self.loop.create_task(work)))
        self.pass_time(0.0)
        return self.calls[-1]

    @rule(caller=CALLERS, key=KEYS, words=BODIES, replica=st.integers(0, 1), travel=TRAVEL, seconds=SECONDS)
    def request(self, caller: str, key: str, words: str, replica: int, travel: float, seconds: float) -> None:
        self.server.travel = travel
        self.send(caller, key, words, replica)
        self.pass_time(seconds)

    @rule(caller=CALLERS, key=KEYS, words=BODIES, travel=TRAVEL, count=st.integers(2, 5), seconds=SECONDS)
    def storm(self, caller: str, key: str, words: str, travel: float, count: int, seconds: float) -> None:
        self.server.travel = travel
        for number in range(count):
            self.send(caller, key, words, number % 2)
        self.pass_time(seconds)

    @rule(where=st.sampled_from(["write.before_commit", "write.after_commit"]))
    def let_a_process_die(self, where: str) -> None:
        self.crash_at = where

    @rule(fate=st.sampled_from(["refused", "unknown"]))
    def lose_an_answer(self, fate: str) -> None:
        self.server.commits.append(fate)

    @rule(refusing=st.booleans())
    def rules_change(self, refusing: bool) -> None:
        self.refusing = refusing

    @rule(number=st.integers(0, 30))
    def caller_hangs_up(self, number: int) -> None:
        if number < len(self.calls):
            self.calls[number].task.cancel()
            self.pass_time(0.0)

    def effects(self, caller: str, key: str) -> list[dict[str, Any]]:
        return [row for row in self.server.rows("notes").values() if (row["caller"], row["key"]) == (caller, key)]

    def look(self) -> None:
        for call in self.calls:
            if call.task.done() and not call.task.cancelled() and (error := call.task.exception()) is not None:
                assert isinstance(error, Conflict | KeyReused | RuleBroken | Unavailable | Crashed), error
        for caller, key in {(call.caller, call.key) for call in self.calls}:
            found = self.effects(caller, key)
            assert len(found) <= 1, f"{len(found)} effects of one key"
            answers = {
                call.words: call.answer for call in self.calls if (call.caller, call.key) == (caller, key) and call.answer
            }
            bodies = {bytes(answer.body) for answer in answers.values()}
            assert len(bodies) <= 1, "two answers to one key"
            if answers:
                assert len(found) == 1, "an answer without an effect"
                assert set(answers) == {found[0]["words"]}, "an answer to what was not asked"
                assert bodies == {NoteView(id=found[0]["_id"], words=found[0]["words"]).model_dump_json().encode()}

    def settle(self) -> None:
        """A caller that tries again gets its answer, and its effect happened once."""
        self.crash_at, self.refusing = None, False
        self.pass_time(60.0)
        self.server.commits.clear()
        self.server.travel = 0.0
        assert all(call.task.done() for call in self.calls), "a request that never ends"
        assert not self.server.locks, "a lock that is never given back"
        for caller, key, words in sorted({(call.caller, call.key, call.words) for call in self.calls}):
            known = self.effects(caller, key)
            again = self.send(caller, key, words, 0)
            self.pass_time(1.0)
            (effect,) = self.effects(caller, key)
            if effect["words"] == words:
                assert again.answer is not None
                assert again.answer.status_code == 201
                assert ("idempotency-replayed" in again.answer.headers) == bool(known)
            else:
                assert isinstance(again.task.exception(), KeyReused)
        self.look()


def test_a_key_has_one_effect_and_one_answer() -> None:
    explore(Writes, 100, 50)


# --- planted faults ---


class RecordOutside(Effect):
    """Remembers the answer after the transaction, not in it."""

    async def run(self, handle: Callable[..., Awaitable[Any]], command: Any, view: Any, **options: Any) -> Response:
        memory = self.units.database.collection(IDEMPOTENCY)
        if (found := await memory.find_one({"_id": self.key_id()})) is not None:
            if found["fingerprint"] != self._fingerprint(command):
                raise KeyReused(Words("khác", "other"))
            return Response(found["body"], 201, {"Idempotency-Replayed": "true"})

        async def work(uow: UnitOfWork) -> Any:
            return await handle(command, uow)

        body = view(await self.units.run(work, self.cause())).model_dump_json().encode()
        await memory.update_one(
            {"_id": self.key_id()}, {"$set": {"fingerprint": self._fingerprint(command), "body": body}}, upsert=True
        )
        return Response(body, 201)


class BodyForgotten(Effect):
    """Gives the first answer to whatever comes with the key."""

    def _fingerprint(self, command: Any) -> str:
        return "the same"


class KeyOfAllCallers(Effect):
    """One caller's key is everybody's."""

    def key_id(self) -> str:
        return self.key


@pytest.mark.parametrize("fault", [RecordOutside, BodyForgotten, KeyOfAllCallers])
def test_the_model_sees_a_faulty_record(fault: type[Effect]) -> None:
    class Sabotaged(Writes):
        kind = fault

    with pytest.raises(AssertionError):
        break_it(Sabotaged)
