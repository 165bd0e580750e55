"""How much one caller may ask: the generic cell rate algorithm (GCRA), which needs one number a caller.

Pure: the time is given. The table is of this process: with n replicas a caller may get n times as much.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True, slots=True)
class Policy:
    """`quota` requests in `window` seconds, evenly refilled; up to `quota` may come at once."""

    name: str
    quota: int
    window: int = 60

    @property
    def header(self) -> bytes:
        """The value of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers)."""
        return f'"{self.name}";q={self.quota};w={self.window}'.encode()


@dataclass(frozen=True, slots=True)
class Decision:
    """`remaining` requests may follow at once; the quota is whole again after `reset` seconds; when refused, the next
    request may come after `retry_after` seconds.
    """

    allowed: bool
    remaining: int
    reset: int
    retry_after: int


class Limiter:
    """Counts callers. At most `size` of them are remembered; who has used nothing lately costs nothing."""

    def __init__(self, size: int = 50_000) -> None:
        self._size = size
        self._full_at: dict[tuple[str, str], float] = {}
        """When the quota of a caller will be whole again: the theoretical arrival time of the algorithm."""

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, principal: str, policy: Policy, now: float) -> Decision:
        """Count one request of this caller, unless it is one too many."""
        key, step = (principal, policy.name), policy.window / policy.quota
        full_at = max(self._full_at.get(key, now), now)
        after = full_at + step
        spare = policy.window - (after - now)
        if spare < -1e-9:
            return Decision(False, 0, ceil(full_at - now), max(1, ceil(-spare)))
        if key not in self._full_at and len(self._full_at) >= self._size:
            self._make_room(now)
        self._full_at[key] = after
        return Decision(True, int(spare / step + 1e-9), ceil(after - now), 0)

    def blocked(self, principal: str, policy: Policy, now: float) -> int:
        """Seconds until this caller may try again, 0 when it may now. Counts nothing."""
        full_at = self._full_at.get((principal, policy.name), now)
        over = full_at + policy.window / policy.quota - now - policy.window
        return max(1, ceil(over)) if over > 1e-9 else 0

    def _make_room(self, now: float) -> None:
        """Forget whoever's quota is whole again; should that not be enough, the half that is nearest to it."""
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        if len(self._full_at) >= self._size:
            latest = sorted(self._full_at.items(), key=lambda entry: entry[1])[self._size // 2 :]
            self._full_at = dict(latest)
