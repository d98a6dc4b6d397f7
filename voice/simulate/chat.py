"""A developer's chat with an agent over POST /chat, read as events."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from uuid import uuid4

import httpx

from voice.clock import now
from voice.errors import BadRequest
from voice.simulate.aloud import Aloud
from voice.simulate.report import TurnReport, milliseconds
from voice.simulate.script import CALLER
from voice.simulate.sse import read_events

LIMIT_S = 20.0
BUDGET_S = 1.2  # until the first words: an agent's first_chunk_ms


@dataclass(slots=True)
class _Reply:
    """What has come of one reply."""

    asked_at: float
    first_at: float | None = None
    last_at: float = 0.0
    gap_ms: float = 0.0
    done: bool = False
    acted: bool = False  # there is something to do to the call

    def came(self) -> None:
        """Words have come."""
        at = now()
        if self.first_at is None:
            self.first_at = at
        else:
            self.gap_ms = max(self.gap_ms, milliseconds(self.last_at, at))
        self.last_at = at


class ChatLine:
    """One call through /chat of the server at `base_url`. The door knows no greeting and no end.

    Whoever cancels `say()` speaks over the agent: `cut` then holds what came of that turn. `aloud` is
    told the words as they come.
    """

    door = "chat"

    def __init__(
        self,
        base_url: str,
        *,
        key: str | None = None,
        caller: str = CALLER,
        agent: str | None = None,
        budget_s: float = BUDGET_S,
        call_id: str | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self.call_id = call_id or str(uuid4())
        self.is_over = False
        self.aloud = Aloud()
        self.cut: TurnReport | None = None
        self._url = f"{base_url.rstrip('/')}/chat"
        self._who = {"caller": caller, "call_id": self.call_id} | ({"agent": agent} if agent else {})
        self._headers = {"Accept": "text/event-stream"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._budget_s = budget_s
        self._http = http or httpx.AsyncClient(timeout=LIMIT_S, trust_env=False)
        self._owns_http = http is None

    async def dial(self) -> str:
        """Nothing rings here."""
        return ""

    async def say(self, text: str) -> TurnReport:
        """Send one message, and read the answer to its end."""
        reply = _Reply(now())
        self.aloud.start()
        try:
            await self._read(text, reply)
        except asyncio.CancelledError:
            self.cut = self._report(text, reply, cut=True)
            raise
        if not reply.done:
            raise BadRequest("the stream ended without the event `done`")
        return self._report(text, reply)

    async def _read(self, text: str, reply: _Reply) -> None:
        body = {"message": text, **self._who}
        async with self._http.stream("POST", self._url, json=body, headers=self._headers) as answer:
            async for event in read_events(answer):
                if event.name == "chunk":
                    reply.came()
                    self.aloud.add(_text_of(event.data))
                if event.name == "done":
                    reply.done, reply.acted = True, _acts(event.data)

    def _report(self, text: str, reply: _Reply, *, cut: bool = False) -> TurnReport:
        first = None if reply.first_at is None else milliseconds(reply.asked_at, reply.first_at)
        total, heard = milliseconds(reply.asked_at, now()), self.aloud.stop()
        return TurnReport(
            text, heard, first, total, self._budget_s * 1000, reply.gap_ms, cut=cut, acted=reply.acted
        )

    async def hang_up(self) -> None:
        """Nobody is told."""
        self.is_over = True
        if self._owns_http:
            await self._http.aclose()


def _acts(data: str) -> bool:
    """Whether an answer wants something done to the call."""
    try:
        found = json.loads(data)
    except ValueError:
        raise BadRequest(f"an event `done` is not JSON: {data[:80]!r}") from None
    return isinstance(found, dict) and found.get("effect") is not None


def _text_of(data: str) -> str:
    try:
        return str(json.loads(data)["text"])
    except (ValueError, KeyError, TypeError):
        raise BadRequest(f"an event `chunk` holds no text: {data[:80]!r}") from None
