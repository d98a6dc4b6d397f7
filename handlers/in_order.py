"""Requests of one call begin their turns in the order in which they came.

The first ones wait until the store has told what it knows of the call. One that came later and waits less
long would else be taken for the older.
"""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

from voice.types import CallId


class InOrder:
    """One door for each call. Held from a request's arrival until its turn has begun, never longer."""

    def __init__(self) -> None:
        self._doors: WeakValueDictionary[CallId, asyncio.Lock] = WeakValueDictionary()

    def of(self, call_id: CallId) -> asyncio.Lock:
        """The door of this call: who waits at it is let in, first come, first served."""
        return self._doors.setdefault(call_id, asyncio.Lock())
