"""Named points between two steps, at which the fault rig can end the process as a power cut would.

Outside the rig `ROVIEC_CRASH` is not set and a point costs one comparison. `relay.after_send:3` ends the process the
third time that it comes by; `relay.after_send?0.05` with that chance each time.
"""

from __future__ import annotations

import os
import random

_ARMED = os.environ.get("ROVIEC_CRASH", "")
_points: dict[str, tuple[int, float]] = {}
for _one in filter(None, _ARMED.split(",")):
    if "?" in _one:
        _name, _chance = _one.split("?")
        _points[_name] = (0, float(_chance))
    else:
        _name, _, _count = _one.partition(":")
        _points[_name] = (int(_count or 1), 0.0)


def point(name: str) -> None:
    """End the process here, at once and without tidying up, when the rig asks for it."""
    if not _points or name not in _points:
        return
    count, chance = _points[name]
    if chance:
        if random.random() < chance:  # noqa: S311 - a fault, not a secret
            os._exit(137)
        return
    if count == 1:
        os._exit(137)
    _points[name] = (count - 1, 0.0)
