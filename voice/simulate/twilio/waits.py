"""What a caller waits for on a Twilio call: the end of a reply, somebody who listens."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from voice.clock import now
from voice.errors import BadRequest
from voice.simulate.twilio.hearing import Hearing
from voice.simulate.twilio.leg import Leg

REACTS_S = 0.2  # a caller's pause after the agent's last word: what a session does behind it comes first
LOOKS_S = 0.02  # between two looks at who speaks


async def heard_out(leg: Leg, hearing: Hearing, patience_s: float) -> None:
    """Return when the reply has been spoken, or nothing was said for `patience_s`.

    Raises BadRequest where Twilio has given up, and for a talk cycle that nobody closes.
    """
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await hearing.ready.wait()
        if not hearing.ready.is_set():
            if leg.session is None:
                continue  # a document is asked for, or a telephone rings: these have limits of their own
            if hearing.first_at is None:
                return
            if now() - max(hearing.last_at, hearing.aloud.ends_at) >= patience_s:
                raise BadRequest(f"no frame with last:true came within {patience_s:.0f} s of the last words")
            continue
        await hearing.aloud.end()
        leg.check()
        if leg.session is None:
            return
        await asyncio.sleep(REACTS_S)
        if hearing.ready.is_set():
            return


async def interruptible(leg: Leg) -> None:
    """Return when somebody hears the caller, were they to speak over the agent; or when the call is over."""
    while True:
        await leg.listens.wait()
        if leg.listener is None or leg.listener.may_interrupt():
            return
        await asyncio.sleep(LOOKS_S)
