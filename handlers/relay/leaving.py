"""Before the server stops: sentences that are being spoken on relay sockets end, then the sockets close.

What a turn still has to say is said by the next process, behind the last word that was heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from handlers.relay.session import RelaySession
from voice.clock import now

LEAVE_S = 6.0  # as much as leaves before its turn, and a moment
LOOK_S = 0.1


async def finish_speaking(sessions: Collection[RelaySession], is_hurried: Callable[[], bool]) -> None:
    """Return when every session is quiet and closed, or after LEAVE_S, or when somebody is in a hurry."""
    leaving = list(sessions)
    for session in leaving:
        session.stop_short()
    ends_at = now() + LEAVE_S
    for _ in range(round(LEAVE_S / LOOK_S)):
        quiet_at = max((session.quiet_at for session in leaving), default=0.0)
        if is_hurried() or now() >= min(quiet_at, ends_at):
            break
        await asyncio.sleep(LOOK_S)
    for session in leaving:
        session.lost()
