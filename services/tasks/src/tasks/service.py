"""Table of contents of the tasks service: the register, directives, and the life of tasks."""

from __future__ import annotations

from datetime import timedelta

from common.service import Job, Service
from common.settings import Settings
from tasks.features import (
    accept_task,
    add_evidence,
    amend_task,
    assign_task,
    cancel_task,
    change_person,
    complete_task,
    create_task,
    import_table,
    list_directives,
    list_people,
    list_tasks,
    list_units,
    pause_task,
    publish_task,
    refuse_task,
    register_directive,
    register_person,
    report_progress,
    resume_task,
    return_task,
    set_committee,
    show_committee,
    show_directive,
    show_history,
    show_person,
    show_summary,
    show_task,
    show_unit,
    submit_task,
    sweep_due_days,
)
from tasks.store import STORES

service = Service(
    name="tasks",
    title="Rõ Việc: nhiệm vụ (tasks)",
    settings=Settings,
    stores=STORES,
    routes=[
        accept_task.routes,
        add_evidence.routes,
        amend_task.routes,
        assign_task.routes,
        cancel_task.routes,
        change_person.routes,
        complete_task.routes,
        create_task.routes,
        import_table.routes,
        list_directives.routes,
        list_people.routes,
        list_tasks.routes,
        list_units.routes,
        pause_task.routes,
        publish_task.routes,
        refuse_task.routes,
        register_directive.routes,
        register_person.routes,
        report_progress.routes,
        resume_task.routes,
        return_task.routes,
        set_committee.routes,
        show_committee.routes,
        show_directive.routes,
        show_history.routes,
        show_person.routes,
        show_summary.routes,
        show_task.routes,
        show_unit.routes,
        submit_task.routes,
    ],
    jobs=[Job("sweep-due-days", timedelta(seconds=30), sweep_due_days.run)],
    body_limits={"/v1/imports": 8 * 1024 * 1024},
)

if __name__ == "__main__":
    service.main()
