"""Leases, model-checked: three processes whose clocks differ, calls that are slow, overtaken, or done when nobody waits."""

from __future__ import annotations

import asyncio
import random
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule
from libs.common.tests.model_world import BOOT, FakeDatabase, JumpingLoop, Model, Server, break_it, explore

from common import lease
from common.lease import LEASES, Lease, holders
from common.mongo import Database, server_now
from common.service import Service
from common.settings import Settings
from common.testing import Area

SECONDS = 12.0
RATES = (0.8, 1.0, 1.2)
"""How fast the clocks of the machines run beside the server's: far worse than any that is sold."""
_who: ContextVar[int] = ContextVar("who")


class Leases(Model):
    """Calls to the database are sent, done there and answered at moments of their own choosing."""

    kind: type[Lease] = Lease

    def __init__(self) -> None:
        super().__init__()
        self.patch("common.lease.time", SimpleNamespace(monotonic=self.machine_time))
        self.leases = [self.kind(FakeDatabase(self.server, f"p{n}"), "relay/0", SECONDS) for n in range(3)]
        self.running: list[asyncio.Task[Any] | None] = [None] * 3
        self.owner: str | None = None
        self.epoch = 0

    def machine_time(self) -> float:
        who = _who.get()
        return (self.loop.now - BOOT) * RATES[who] + 1000.0 + 5000.0 * who

    def start(self, who: int, action: str, travel: float) -> None:
        """A process does one thing at a time with its lease."""
        self.server.travel = travel
        task = self.running[who]
        if task is not None and not task.done():
            return

        async def act() -> None:
            _who.set(who)
            await getattr(self.leases[who], action)()

        self.running[who] = self.loop.create_task(act())
        self.pass_time(0.002)

    @rule(who=st.integers(0, 2), travel=st.sampled_from([0.0, 0.1, 1.0, 8.0]))
    def take(self, who: int, travel: float) -> None:
        self.start(who, "take", travel)

    @rule(who=st.integers(0, 2), travel=st.sampled_from([0.0, 0.1, 1.0, 8.0]))
    def release(self, who: int, travel: float) -> None:
        self.start(who, "release", travel)

    @rule(who=st.integers(0, 2))
    def give_up_waiting(self, who: int) -> None:
        task = self.running[who]
        if task is not None:
            task.cancel()
            self.run(asyncio.sleep(0))

    @rule(seconds=st.sampled_from([0.01, 0.3, 1.0, 4.0, 9.0, 13.0]))
    def wait(self, seconds: float) -> None:
        for _ in range(4):
            self.pass_time(seconds / 4)
            self.look()

    def holders(self) -> list[int]:
        """Who may use it, each by its own clock."""
        found = []
        for who, one in enumerate(self.leases):
            _who.set(who)
            if one.held():
                found.append(who)
        return found

    def look(self) -> None:
        believers = self.holders()
        assert len(believers) <= 1, f"two hold it: {believers}"
        stored = self.server.rows(LEASES).get("relay/0")
        if stored is None:
            return
        if believers:
            assert stored["owner"] == f"p{believers[0]}"
            assert stored["epoch"] == self.leases[believers[0]].epoch
        assert stored["epoch"] >= self.epoch
        if stored["owner"] is not None:
            if stored["owner"] != self.owner:
                assert stored["epoch"] > self.epoch, "another owner, the same epoch"
            self.owner, self.epoch = stored["owner"], stored["epoch"]

    def settle(self) -> None:
        """Whatever happened, one that asks long enough gets it."""
        self.pass_time(2 * 8.0 + SECONDS + 1)
        self.server.travel = 0.0
        _who.set(2)
        assert self.run(self.leases[2].take())
        assert self.leases[2].held()
        self.look()
        assert self.run(holders(self.leases[2].database, "relay/")) == {self.leases[2].name: self.leases[2].database.process_id}


def test_a_lease_has_one_holder_at_a_time() -> None:
    explore(Leases, 100, 50)


def machine_clock() -> float:
    clock: Any = vars(lease)["time"]
    return float(clock.monotonic())


class MachineClockLease(Lease):
    """Compares with the clock of its own machine."""

    async def take(self) -> bool:
        with patch.object(lease, "server_now", lambda: {"$literal": round(machine_clock() * 1000)}):
            call = super().take()
            task = asyncio.ensure_future(call)
            await asyncio.sleep(0)
        return await task


class NoMarginLease(Lease):
    """Counts from the moment of the answer, and to the very end."""

    def held(self) -> bool:
        return machine_clock() < self._until

    async def take(self) -> bool:
        if not await super().take():
            return False
        self._until = machine_clock() + self.seconds
        return True


@pytest.mark.parametrize("fault", [MachineClockLease, NoMarginLease])
def test_the_model_sees_a_faulty_lease(fault: type[Lease]) -> None:
    class Sabotaged(Leases):
        kind = fault

    with pytest.raises(AssertionError, match="two hold it"):
        break_it(Sabotaged)


# --- the model's server against a real one ---

OWNERS = ("p0", "p1", None)


@pytest.mark.servers
async def test_the_real_server_moves_a_lease_as_the_model_does(area: Area) -> None:
    """The same sequences of moves on both: who owns it, under which epoch, and for about how long still."""
    service = Service("training", "lease", Settings, [])
    real = [Database(area.settings(service), "training") for _ in range(2)]
    chance = random.Random(26)
    loop = JumpingLoop()
    server = Server(loop, chance)
    try:
        for number in range(12):
            name = f"lease/{number}"
            told = [Lease(FakeDatabase(server, one.process_id), name, SECONDS) for one in real]
            held = [Lease(one, name, SECONDS) for one in real]
            for _ in range(12):
                who, move = chance.randrange(2), chance.choice(["take", "take", "release", "expire", "nearly"])
                if move in ("take", "release"):
                    answers = [await getattr(side[who], move)() for side in (held, told)]
                    assert answers[0] == answers[1], (name, move)
                    assert held[who].epoch == told[who].epoch
                else:  # as if time had passed: both stores are told the same distance to now
                    left = -1 if move == "expire" else 5000
                    shift: list[Any] = [{"$set": {"expires": {"$add": [server_now(), left]}}}]
                    for database in (real[0], told[0].database):
                        await database.collection(LEASES).update_one({"_id": name}, shift)
                stored = await real[0].collection(LEASES).find_one({"_id": name})
                modelled = server.rows(LEASES).get(name)
                assert (stored is None) == (modelled is None)
                if stored is not None and modelled is not None:
                    assert (stored["owner"], stored["epoch"]) == (modelled["owner"], modelled["epoch"])
                    now = (await real[0].aggregate(LEASES, [{"$limit": 1}, {"$project": {"now": server_now()}}]))[0]["now"]
                    left_real = stored["expires"] - now if stored["expires"] else 0
                    left_told = modelled["expires"] - server.now_ms() if modelled["expires"] else 0
                    assert left_real == pytest.approx(left_told, abs=3000)
                    assert set(stored) == set(modelled), "a field is left behind"
    finally:
        loop.close()
        for database in real:
            await database.close()
