"""`offhook call --to +1…`: the server calls somebody up, and the terminal tells how it goes.

The order goes to a running server, since Twilio asks that one what to say. With `--pretend` nobody's
telephone rings: a server of our own asks a Twilio that is played here, and so is whoever picks up; a person
talks as in any other call from the terminal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from pydantic import SecretStr

from handlers.wire.twilio import ENDED
from voice.cli.conversation import LastTurns, print_agent, print_aside, print_caller
from voice.cli.lines import behind
from voice.cli.screen import Failed, waiting
from voice.cli.server import bind, running, url_of
from voice.cli.talking import Printed, talk
from voice.settings import Settings, secret
from voice.simulate.script import Script
from voice.simulate.twilio.callee import Callee, PlacedCall
from voice.simulate.twilio.line import TwilioDoor, TwilioLine
from voice.simulate.twilio.rest import ACCOUNT_SID, NUMBER, TOKEN, TwilioStandIn

LIMIT_S = 60.0  # for the order: the server looks a call up before it says that it knows of none
TRIES = 3  # of one order: its key lets nobody be called twice
LOOK_S = 1.0
RING_S = 1.0  # before whoever is played picks up
ACCOUNT = {
    "twilio_account_sid": ACCOUNT_SID,
    "twilio_auth_token": SecretStr(TOKEN),
    "twilio_phone_number": NUMBER,
    "admin_token": None,
}
REACHED = {"completed", "agent", "voicemail", "transferred", "silence"}  # somebody, or their machine


@dataclass(frozen=True, slots=True)
class Pretence:
    """Who is played in place of a telephone; a person talks through `door`, typed or from a script."""

    callee: Callee
    door: TwilioDoor = "gather"
    script: Script | None = None


async def ring_up(
    settings: Settings, to: str, agent: str | None, url: str | None, pretence: Pretence | None
) -> bool:
    """Have `to` called, and tell what becomes of it; whether anybody was reached. Raises Failed."""
    order = {"to": to, "idempotency_key": f"cli-{uuid4().hex}"} | ({"agent": agent} if agent else {})
    if pretence is None:
        base = url or f"http://{_here(settings)}:{settings.port}"
        return await _ordered(base if "://" in base else f"http://{base}", settings, order)
    async with _pretended(settings, pretence, agent) as (ours, base):
        return await _ordered(base, ours, order, talks=pretence.callee == "person")


def _here(settings: Settings) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)


@asynccontextmanager
async def _pretended(
    settings: Settings, pretence: Pretence, agent: str | None
) -> AsyncIterator[tuple[Settings, str]]:
    """A server of our own, and the Twilio that it asks."""
    listener, last = bind("127.0.0.1", 0), LastTurns()
    base = url_of(listener)
    ours = behind(pretence.door, settings.model_copy(update=ACCOUNT), base)
    ours = ours.model_copy(update={"public_url": ours.public_url or base})

    async def talks(call: PlacedCall) -> None:
        line = _person(call, base, str(ours.public_url), pretence.door, agent)
        await talk(line, pretence.script, Printed(line, last, None), None)

    played = TwilioStandIn(
        webhooks_at=base, public_url=ours.public_url, callee=pretence.callee, ring_s=RING_S, talks=talks
    )
    async with AsyncExitStack() as stack:
        with waiting("Starting a server …"):
            twilio = await stack.enter_async_context(played.served())
            ours = ours.model_copy(update={"twilio_base_url": twilio.url})
            server = await stack.enter_async_context(running(ours, listener))
        server.brain.bus.subscribe(last)
        yield ours, base
    if problem := next((call.problem for call in played.calls.values() if call.problem), None):
        raise Failed(problem)


def _person(call: PlacedCall, base: str, public_url: str, door: TwilioDoor, agent: str | None) -> TwilioLine:
    """Whoever has picked up, on the line that Twilio has opened."""
    line = TwilioLine(
        base,
        door=door,
        auth_token=TOKEN,
        account_sid=ACCOUNT_SID,
        caller=call.one("To") or "",
        agent=agent,
        public_url=public_url,
        call_id=call.sid,
        is_called=True,
    )
    line.told = print_aside
    return line


async def _ordered(base: str, settings: Settings, order: dict[str, str], *, talks: bool = False) -> bool:
    """Place the order, and follow the call to its end; `talks`: what is said is printed as it is said."""
    token = secret(settings.admin_token)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(
        base_url=base.rstrip("/"), timeout=LIMIT_S, trust_env=False, headers=headers
    ) as http:
        try:
            placed = await _place(http, order)
            print_aside(f"calling {placed['to']} from {placed['from']}: {placed['call_id']}")
            return await _Told(http, placed["call_id"], shows_words=not talks).to_its_end()
        except httpx.HTTPError as exc:
            name = type(exc).__name__
            raise Failed(f"nobody answers at {base} ({name}); is `offhook serve` running?") from exc


async def _place(http: httpx.AsyncClient, order: dict[str, str]) -> dict[str, Any]:
    """Have the order placed; what nobody knows of is asked for again, under the same key."""
    for left in range(TRIES - 1, -1, -1):
        try:
            answer = await http.post("/admin/calls", json=order)
        except (httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError):
            if not left:
                raise
            continue
        told = answer.json()
        if answer.is_success:
            return dict(told)
        error = told.get("error", {})
        if answer.status_code in (401, 403):
            raise Failed("the server takes orders only with its OFFHOOK_ADMIN_TOKEN")
        if error.get("code") != "unknown" or not left:
            raise Failed(str(error.get("message")))
    raise AssertionError("the last try returns or raises")


@dataclass
class _Told:
    """A call as its server tells it: each status and each turn once."""

    http: httpx.AsyncClient
    call_id: str
    shows_words: bool
    notes: int = 0
    turns: int = 0
    greeted: bool = False

    async def to_its_end(self) -> bool:
        """Print what happens until the call is over."""
        while True:
            answer = await self.http.get(f"/admin/calls/{self.call_id}")
            call = answer.json() if answer.status_code == 200 else {}
            self._print(call)
            if call.get("ended_on"):
                print_aside(f"the call is over: {call.get('ended_reason')}")
                return was_reached(call)
            await asyncio.sleep(LOOK_S)

    def _print(self, call: dict[str, Any]) -> None:
        notes = call.get("notes") or []
        for note in notes[self.notes :]:
            if note["kind"] == "answered_by" or note["payload"].get("status") in ENDED:
                self._greet(call)  # it was said before that was told
            if line := _line(note["kind"], note["payload"]):
                print_aside(line)
        self.notes = max(self.notes, len(notes))
        self._greet(call)
        if not self.shows_words:
            return
        turns = [turn for turn in call.get("turns") or [] if turn["ending"]]
        for turn in turns[self.turns :]:
            print_caller(turn["said"])
            print_agent(turn["spoken"])
        self.turns = max(self.turns, len(turns))

    def _greet(self, call: dict[str, Any]) -> None:
        """Its first words, once."""
        if self.shows_words and call.get("greeting") and not self.greeted:
            self.greeted = True
            print_agent(call["greeting"])


def was_reached(call: dict[str, Any]) -> bool:
    """Whether a person, or their machine, has heard what was to be said."""
    told = [note["payload"].get("done") for note in call.get("notes") or [] if note["kind"] == "answered_by"]
    was_failure = bool({"failed", "unknown"} & set(told)) and call.get("ended_reason") != "voicemail"
    return str(call.get("ended_reason")) in REACHED and not was_failure


def _line(kind: str, payload: dict[str, Any]) -> str | None:
    """A note in words; None for what nobody waits for."""
    match kind:
        case "status":
            return str(payload.get("status"))
        case "answered_by":
            done = str(payload.get("done")).replace("_", " ")
            left = f": {payload['left']}" if payload.get("left") else ""
            return f"picked up by: {payload.get('answered_by')}; {done}{left}"
        case "consent":
            return f"first is said, whoever hears it: {payload.get('announced')}"
    return None
