"""What the training service publishes: courses, programmes, waves, enrolments."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from common.contracts.base import Event
from common.contracts.fields import CourseId, EnrolmentId, Moment, PersonId, ProgrammeId, Title, UnitId

Wave = Annotated[int, Field(ge=0, le=9, description="0 leaders, 1 officials and guides, 2 people", examples=[0])]


class CourseRegistered(Event, type="training.course.registered.v1", key="course_id"):
    """A course of the digital literacy movement can be put into programmes."""

    course_id: CourseId
    title: Annotated[str, Field(examples=["Basic information security"])]
    topic: Annotated[str, Field(examples=["security"])]


class ProgrammeCreated(Event, type="training.programme.created.v1", key="programme_id"):
    """A programme of courses was set up; leaders first (DOMAIN 3.5)."""

    programme_id: ProgrammeId
    title: Title
    course_ids: list[CourseId]
    threshold_percent: Annotated[int, Field(ge=1, le=100, description="Share of a wave that opens the next", examples=[100])]


class LearnerEnrolled(Event, type="training.enrolment.created.v1", key="enrolment_id"):
    """A person is a learner of a programme, in the wave of their audience."""

    enrolment_id: EnrolmentId
    programme_id: ProgrammeId
    person_id: PersonId
    unit_id: UnitId
    wave: Wave


class EnrolmentOpened(Event, type="training.enrolment.opened.v1", key="enrolment_id"):
    """The learner's wave is open in their unit: they may begin."""

    enrolment_id: EnrolmentId
    programme_id: ProgrammeId
    title: Title
    person_id: PersonId
    unit_id: UnitId
    wave: Wave


class EnrolmentCompleted(Event, type="training.enrolment.completed.v1", key="enrolment_id"):
    """The learner passed. It is personnel data: the score stays where it is."""

    enrolment_id: EnrolmentId
    programme_id: ProgrammeId
    person_id: PersonId
    unit_id: UnitId
    wave: Wave
    completed_at: Moment


class WaveOpened(Event, type="training.wave.opened.v1", key="waves_id"):
    """A wave of a programme opened in one unit: by the wave before, or by an override with a recorded reason."""

    waves_id: Annotated[
        str,
        Field(
            description="Programme and unit",
            examples=["019a8f2e-6d52-7cc0-b2a4-3f0a51c9d003/vn:commune:00694@2025-07-01"],
        ),
    ]
    programme_id: ProgrammeId
    title: Title
    unit_id: UnitId
    wave: Wave
    overridden: Annotated[bool, Field(description="True when it was opened before the threshold was reached")]
