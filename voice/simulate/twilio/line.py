"""Twilio's side of a call, played against a running server, through <Gather> or ConversationRelay.

Signed webhooks, TwiML read and carried out as strictly as Twilio does it, the relay's socket, a person who
is dialled, status callbacks at the end. Speaking takes no time here unless the line's voice is given a
pace, so every wait that is measured is one of ours.

Source: Twilio's pages on TwiML, Gather, ConversationRelay, Dial, status callbacks and security.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal
from urllib.parse import quote
from uuid import uuid4

import httpx

from voice.clock import now
from voice.errors import BadRequest
from voice.simulate.aloud import Aloud
from voice.simulate.report import TurnReport
from voice.simulate.script import CALLER
from voice.simulate.twilio.dial import Person
from voice.simulate.twilio.documents import TwilioPlay
from voice.simulate.twilio.gather import Gathering
from voice.simulate.twilio.hearing import Hearing
from voice.simulate.twilio.http import LIMIT_S, Webhooks
from voice.simulate.twilio.leg import Leg
from voice.simulate.twilio.relay_line import RelaySession
from voice.simulate.twilio.socket import OpenSocket, open_socket
from voice.simulate.twilio.status import Status, tell_end
from voice.simulate.twilio.waits import heard_out, interruptible

ACCOUNT_SID = "AC" + "0" * 32
CALLED = "+12025550199"
BUDGETS_S = {"gather": 4.0, "relay": 1.2}  # until words come: gather_hop_ms and first_chunk_ms of an agent
GREETS_S = 4.0  # a session that says nothing by then waits for the caller

PLAIN = TwilioPlay()

TwilioDoor = Literal["gather", "relay"]
Listener = Gathering | RelaySession


class TwilioLine:
    """One call through Twilio's doors of the server at `base_url`.

    `public_url` is the URL that Twilio would know the server by, where it differs; signatures are made
    over it, with the `auth_token`, else with a shared key (id, secret), else not at all. A client that is
    handed in is not closed. `door` is what the first document is expected to listen with. `is_called`: the
    server has called them.

    Whoever cancels `say()` speaks over the agent: `cut` then holds what came of that turn. `aloud` is the
    voice; with a pace, a Redirect and `say()` wait until everything is said. `person` is what the one does
    who is dialled next, `dialled` how often one was. `statuses` are the callbacks at the end, in the order
    in which they arrive. `play` is how the number is set up. `told` hears in words what Twilio does to the
    call.
    """

    def __init__(
        self,
        base_url: str,
        *,
        door: TwilioDoor = "gather",
        auth_token: str | None = None,
        shared_key: tuple[str, str] | None = None,
        account_sid: str = ACCOUNT_SID,
        caller: str = CALLER,
        agent: str | None = None,
        public_url: str | None = None,
        budget_s: float | None = None,
        call_id: str | None = None,
        http: httpx.AsyncClient | None = None,
        sockets: OpenSocket = open_socket,
        statuses: Sequence[Status] = ("completed",),
        play: TwilioPlay = PLAIN,
        told: Callable[[str], None] = lambda _: None,
        is_called: bool = False,
    ) -> None:
        self.door: TwilioDoor = door
        self.call_id = call_id or f"CA{uuid4().hex}"
        self.aloud = Aloud()
        self.cut: TurnReport | None = None
        self.person: Person = "accepts"
        self.dialled = 0
        self.statuses, self.told = statuses, told
        self._webhooks = Webhooks(base_url, public_url, auth_token, http, shared_key)
        self._who = _who(self.call_id, account_sid, caller, is_called=is_called)
        self._first = "/twilio/voice" + (f"?agent={quote(agent)}" if agent else "")
        self._budget_s = BUDGETS_S[door] if budget_s is None else budget_s
        self._hearing = Hearing(self.aloud)
        self._leg = Leg(
            self._webhooks,
            self._who,
            self._hearing,
            sockets,
            play=play,
            dials=self._dials,
            told=lambda text: self.told(text),
        )
        self._has_hung_up = False
        self._began_at: float | None = None

    @property
    def is_over(self) -> bool:
        return self._has_hung_up or self._leg.is_over

    async def dial(self) -> str:
        """Ring, and hear the greeting. Raises BadRequest when Twilio would end the call."""
        self._began_at = now()
        self._hearing.turn()
        self._leg.begin(self._webhooks.public + self._first)
        await heard_out(self._leg, self._hearing, GREETS_S)
        self._hearing.settle()
        if self._leg.session is not None and self.door == "gather":
            raise BadRequest(
                "the server answers with ConversationRelay: use the door relay, or look at `mode` in the "
                "agent's [twilio] table"
            )
        if isinstance(self._leg.listener, Gathering) and self.door == "relay":
            raise BadRequest(
                "the server answers with <Gather>: use that door, or set OFFHOOK_TWILIO_MODE there; `mode` "
                "in the agent's [twilio] table wins over it"
            )
        return self._hearing.heard()

    async def say(self, text: str) -> TurnReport:
        """Speak, and hear the reply; blank text is silence until the agent speaks, at most 15 s."""
        if not text.strip():
            return await self.keep_silent(LIMIT_S)
        return await self._turn(text, lambda listener: listener.speak(text))

    async def press(self, keys: str) -> TurnReport:
        """Press keys instead of speaking."""
        return await self._turn(keys, lambda listener: listener.press(keys))

    async def keep_silent(self, for_s: float) -> TurnReport:
        """Say nothing until the agent speaks, at most so long; its words are late after that."""
        return await self._turn("", lambda listener: listener.keep_silent(), for_s)

    async def drop(self) -> None:
        """The relay's socket breaks; return when the call goes on. Changes nothing through <Gather>."""
        if self._leg.session is not None:
            await self.survives(self._leg.session.leave(dropped=True))

    async def survives(self, breaking: Awaitable[None]) -> None:
        """Something breaks the call; return when the agent has taken it up again.

        While a reply is awaited, whoever awaits it hears what comes.
        """
        hearing = self._hearing
        if hearing.owes or self._leg.session is None:
            await breaking
            return
        hearing.turn()
        await breaking
        await heard_out(self._leg, hearing, GREETS_S)
        hearing.settle()
        self.told(f"the agent says: {hearing.heard()}")

    async def listens(self) -> None:
        """Return when somebody hears the caller who speaks over the agent, or the call is over."""
        await interruptible(self._leg)

    async def hang_up(self) -> None:
        """Put the receiver down; Twilio tells our status door."""
        if self._has_hung_up:
            return
        self._has_hung_up = True
        try:
            await self._leg.end()
            if self._began_at is not None:
                lasted_s = now() - self._began_at
                await tell_end(self._webhooks, self._who, self.statuses, self._leg.recordings, lasted_s)
        finally:
            await self._webhooks.close()

    def _dials(self) -> Person:
        self.dialled += 1
        return self.person

    async def _turn(
        self, said: str, how: Callable[[Listener], Awaitable[float]], silent_s: float | None = None
    ) -> TurnReport:
        """One turn of the caller; `silent_s`: they say nothing for so long, and are not answered."""
        leg, hearing, budget_s = self._leg, self._hearing, silent_s or self._budget_s
        try:
            await interruptible(leg)
            if leg.listener is None:
                raise BadRequest("nobody listens: the call is over")
            if leg.session is not None and silent_s is None:
                leg.session.interrupt()  # changes nothing unless the agent is speaking
            hearing.turn()
            hearing.asked_at = await how(leg.listener)
            await heard_out(leg, hearing, silent_s or LIMIT_S)
        except asyncio.CancelledError:
            # Between two documents Twilio speaks on: nobody hears the caller there.
            heard = leg.listener.interrupt() if leg.listener is not None else self.aloud.heard()
            self.cut = hearing.cut(said, heard, budget_s)
            raise
        if silent_s is not None:
            hearing.settle()  # nobody owes an answer to silence
        return hearing.report(said, budget_s)


def _who(call_id: str, account_sid: str, caller: str, *, is_called: bool) -> dict[str, str]:
    """What every request carries; real ones have blanks, too."""
    from_, to = (CALLED, caller) if is_called else (caller, CALLED)
    return {
        "CallSid": call_id,
        "AccountSid": account_sid,
        "ApiVersion": "2010-04-01",
        "Direction": "outbound-api" if is_called else "inbound",
        "From": from_,
        "To": to,
        "Caller": from_,
        "Called": to,
        "FromCity": "",
        "FromState": "",
        "FromCountry": "US",
    }
