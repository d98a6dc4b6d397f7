"""How many calls one caller may begin: a telephone that redials for ever must not cost a model each time.

Counted in this process, by the number that the platform shows. Hidden numbers are nobody's, and free.
"""

from __future__ import annotations

from collections import OrderedDict, deque

from voice.types import CallId

WINDOW_S = 60.0
MAX_CALLERS = 10_000  # whose calls are counted; who has been quiet longest is forgotten first


class CallerRate:
    """The newest calls of each caller. `per_minute` None: as many as they like."""

    def __init__(self, per_minute: int | None) -> None:
        self._most = per_minute
        self._begun: OrderedDict[str, deque[tuple[float, CallId]]] = OrderedDict()

    def allows(self, caller: str | None, call_id: CallId, at: float) -> bool:
        """Whether this call may begin; a call that is told of twice counts once."""
        if self._most is None or caller is None:
            return True
        begun = self._begun.setdefault(caller, deque())
        self._begun.move_to_end(caller)
        while begun and at - begun[0][0] >= WINDOW_S:
            begun.popleft()
        if any(one == call_id for _, one in begun):
            return True
        if len(begun) >= self._most:
            return False
        begun.append((at, call_id))
        if len(self._begun) > MAX_CALLERS:
            self._begun.popitem(last=False)
        return True
