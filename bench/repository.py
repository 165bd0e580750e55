"""Load, change and save one document through the unit of work, against the same calls of the bare driver."""

from __future__ import annotations

from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from bench.corner import Corner
from bench.measure import Comparison, Goal, Meter, Pace, Sample, compared, contest
from bench.service import COURSE
from common.unit_of_work import UnitOfWork
from training.service import service as training
from training.store import COURSES

TIMES = 150
NOTE = (
    "one in flight; both sides: one transaction with one find and one replace that compares the version, snapshot read, "
    "majority write; ours adds the model, the version and the session's sign of life"
)


async def load_and_save(kafka: str, mongo: str, pace: Pace) -> tuple[list[Comparison], dict[str, str]]:
    """Changes a second."""
    times = pace.many(TIMES)
    corner = Corner(kafka, mongo)
    async with corner.units(training) as (units, settings):

        async def create(uow: UnitOfWork) -> None:
            for key in ("ours", "bare"):
                uow.save(COURSES, COURSE.model_copy(update={"id": key}))

        await units.run(create, units.system())
        client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(mongo, w="majority", journal=True)
        courses = client[settings.database][COURSES.collection]

        async def ours() -> Sample:
            async def change(uow: UnitOfWork) -> None:
                course = await uow.load(COURSES, "ours")
                course.title = f"{COURSE.title} {course.version}"
                uow.save(COURSES, course)

            with Meter() as meter:
                for _ in range(times):
                    await units.run(change, units.system())
            return meter.sample(times)

        async def bare() -> Sample:
            async def change(session: Any) -> None:
                row = await courses.find_one({"_id": "bare"}, session=session)
                assert row is not None
                version = row["version"]
                row |= {"title": f"{COURSE.title} {version}", "version": version + 1}
                done = await courses.replace_one({"_id": "bare", "version": version}, row, session=session)
                assert done.matched_count == 1

            with Meter() as meter:
                for _ in range(times):
                    async with await client.start_session() as session:
                        await session.with_transaction(
                            change, read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority")
                        )
            return meter.sample(times)

        try:
            rounds = await contest({"ours": ours, "bare": bare}, pace)
        finally:
            client.close()
    return [
        compared(
            rounds, "ours", "bare", measure="load, change, save", peer="bare Motor", unit="changes/s", goal=Goal((0.85,)),
            note=NOTE,
        )
    ], {}  # fmt: skip
