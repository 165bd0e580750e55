"""Table of contents of the tasks service: the register, directives, and the life of tasks."""

from __future__ import annotations

from common.service import Service
from common.settings import Settings
from tasks.store import STORES

service = Service(
    name="tasks",
    title="Rõ Việc: nhiệm vụ (tasks)",
    settings=Settings,
    stores=STORES,
    body_limits={"/v1/imports": 8 * 1024 * 1024},
)

if __name__ == "__main__":
    service.main()
