"""Settings of the training service: those of every service, and none of its own."""

from __future__ import annotations

from common.settings import Settings


class TrainingSettings(Settings):
    pass
