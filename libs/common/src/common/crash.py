"""Named points between two steps, at which the fault rig can end the process as a power cut would.

Outside the rig `ROVIEC_CRASH` is not set and a point costs one comparison. `relay.after_send:3` ends the process the
third time that it comes by.
"""

from __future__ import annotations

import os

_points: dict[str, int] = {}
for _one in filter(None, os.environ.get("ROVIEC_CRASH", "").split(",")):
    _name, _, _count = _one.partition(":")
    _points[_name] = int(_count or 1)


def point(name: str) -> None:
    """End the process here, at once and without tidying up, when the rig asks for it."""
    if not _points or name not in _points:
        return
    _points[name] -= 1
    if _points[name] == 0:
        os._exit(137)
