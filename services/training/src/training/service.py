"""The training service: courses, programmes, leader-first waves, enrolments (Bình dân học vụ số)."""

from __future__ import annotations

from datetime import timedelta

from common.service import Job, Service
from training.features import (
    complete_enrolment,
    continue_opening,
    create_programme,
    enrol_learner,
    list_courses,
    list_enrolments,
    list_programmes,
    list_waves,
    on_enrolment_completed,
    on_person_changed,
    on_person_registered,
    on_unit_changed,
    on_unit_registered,
    on_wave_opened,
    open_wave,
    register_course,
    show_coverage,
)
from training.settings import TrainingSettings
from training.store import COURSES, ENROLMENTS, PEOPLE, PROGRAMMES, UNITS, WAVES

service = Service(
    name="training",
    title="Rõ Việc: training",
    settings=TrainingSettings,
    stores=[COURSES, PROGRAMMES, WAVES, ENROLMENTS, PEOPLE, UNITS],
    routes=[
        register_course.router,
        list_courses.router,
        create_programme.router,
        list_programmes.router,
        list_waves.router,
        open_wave.router,
        show_coverage.router,
        enrol_learner.router,
        list_enrolments.router,
        complete_enrolment.router,
    ],
    handlers=[
        on_person_registered.handle,
        on_person_changed.handle,
        on_unit_registered.handle,
        on_unit_changed.handle,
        on_enrolment_completed.handle,
        on_wave_opened.handle,
    ],
    jobs=[Job("continue-opening", timedelta(seconds=2), continue_opening.run)],
)

if __name__ == "__main__":
    service.main()
