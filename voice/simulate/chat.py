"""A developer's chat with an agent over POST /chat, read as events."""

from __future__ import annotations

import json
from uuid import uuid4

import httpx

from voice.clock import now
from voice.errors import BadRequest
from voice.simulate.caller import CALLER
from voice.simulate.report import TurnReport, milliseconds
from voice.simulate.sse import read_events

LIMIT_S = 20.0
BUDGET_S = 1.2  # until the first words: an agent's first_chunk_ms


class ChatLine:
    """One call through /chat of the server at `base_url`. The door knows no greeting and no end."""

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
        asked_at, first_at, words = now(), None, list[str]()
        last_at, gap_ms, done = asked_at, 0.0, False
        body = {"message": text, **self._who}
        async with self._http.stream("POST", self._url, json=body, headers=self._headers) as answer:
            async for event in read_events(answer):
                at = now()
                if event.name == "chunk":
                    words.append(_text_of(event.data))
                    gap_ms = 0.0 if first_at is None else max(gap_ms, milliseconds(last_at, at))
                    first_at, last_at = first_at or at, at
                done = done or event.name == "done"
        if not done:
            raise BadRequest("the stream ended without the event `done`")
        first = None if first_at is None else milliseconds(asked_at, first_at)
        total = milliseconds(asked_at, now())
        return TurnReport(text, " ".join(words), first, total, self._budget_s * 1000, gap_ms)

    async def hang_up(self) -> None:
        """Nobody is told."""
        self.is_over = True
        if self._owns_http:
            await self._http.aclose()


def _text_of(data: str) -> str:
    try:
        return str(json.loads(data)["text"])
    except (ValueError, KeyError, TypeError):
        raise BadRequest(f"an event `chunk` holds no text: {data[:80]!r}") from None
