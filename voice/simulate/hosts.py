"""A model host with faults, without a network: what it answers, and what it counts.

One piece of code speaks OpenAI's chat completions (`…/v1/chat/completions`, `…/v1/models`) and RunPod's
queue (`…/v2/ENDPOINT/run` and its like), as far as our clients use them. `host_doors` puts it under a
client: as an httpx transport, where all waiting is on the loop's clock, or as a web app on a socket.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from random import Random

from voice.clock import now
from voice.simulate.faults import HEALTHY, Beat, Fault, beats
from voice.simulate.host_queue import Queue
from voice.simulate.host_script import (
    ERROR,
    JSON,
    LAST_BEATS,
    PAGE,
    Book,
    ConnectionCut,
    ConnectionRefused,
    Counts,
    HostAnswer,
    HostRequest,
    Script,
    fields_of,
    order_of,
    reply_to,
    ticket_call,
    told_in,
)
from voice.types import Json

EVENTS = "text/event-stream"
HALF = b"\xc3"  # of a character of two bytes
DAMAGED = b'{"choices": [{"index": 0, "del'


class Host:
    """One host. With one fault everything is answered that way, its health included; with several each
    turn of a caller draws its own. The same `seed` draws the same.
    """

    def __init__(
        self, name: str, faults: Sequence[Fault] = (HEALTHY,), *, book: Book | None = None, seed: int = 0
    ) -> None:
        self.name, self.faults, self.seed = name, tuple(faults), seed
        self.book = Book() if book is None else book
        self.counts = Counts()
        self._always = self.faults[0] if len(self.faults) == 1 else HEALTHY
        self._queue = Queue(self.begin, self._page, asleep=self._always.queued_s > 0)
        self._seen: dict[str, int] = {}  # how often the same words were to be answered

    async def answer(self, request: HostRequest) -> HostAnswer:
        """Answer one request. Raises ConnectionCut, ConnectionRefused; may wait for ever."""
        self.counts.requests += 1
        if request.path.endswith("/chat/completions"):
            return await self._completion(self.begin(request.body))
        told: Json = {"object": "list", "data": []}
        if not request.path.endswith("/models"):
            if request.path.endswith("/health"):
                told = self._queue.health()
            else:
                return await self._queue.answer(request)
        return self._page(self._always) or HostAnswer(200, JSON, json.dumps(told).encode())

    def settle(self) -> None:
        """Bring the counts up to this instant: of a job that nobody asks about, nothing is known before."""
        self._queue.settle()

    def refuses(self, body: bytes) -> bool:
        """Whether a request with this body would find nobody who listens."""
        if order := order_of(fields_of(body)):
            return self._drawn(order).refuses
        return self._always.refuses

    def begin(self, body: bytes) -> Script:
        """A reply that was asked for, with all that will happen to it."""
        fields = fields_of(body)
        order = order_of(fields)
        fault = self._drawn(order)
        nth = self._seen[order] = self._seen.get(order, 0) + 1
        self.counts.woken += fields.get("max_tokens") == 1
        asked = self.book.begin(self.name, order, fault.name)
        asked.told = told_in(fields)
        rng = Random(f"{self.seed}/{self.name}/{order}/{nth}")
        plays = beats(fault, reply_to(fields, asked.number, rng), rng)
        return Script(self.counts, asked, fault, plays, in_tags=rng.random() < 0.5)

    def _drawn(self, order: str) -> Fault:
        return Random(f"{self.seed}/{self.name}/{order}").choice(self.faults)

    def _page(self, fault: Fault) -> HostAnswer | None:
        """What a fault has in place of any answer. Raises ConnectionRefused."""
        if fault.refuses:
            raise ConnectionRefused
        kind = PAGE if fault.page.startswith(b"<") else JSON
        return HostAnswer(fault.status, kind, fault.page) if fault.page else None

    async def _completion(self, script: Script) -> HostAnswer:
        if script.fault.refuses or script.fault.page:
            script.breaks(now())
        if page := self._page(script.fault):
            return page
        if script.fault.never_answers:
            try:
                await asyncio.Event().wait()
            finally:
                script.leave()
        return HostAnswer(200, EVENTS, _events(script))


# OpenAI's manner


async def _events(script: Script) -> AsyncGenerator[bytes, None]:
    try:
        yield _delta({"role": "assistant", "content": ""})
        thinks = False
        while (at := script.next_at) is not None:
            await asyncio.sleep(max(0.0, at - now()))
            beat = script.take()
            if beat.kind == "cut":
                raise ConnectionCut
            if script.in_tags and thinks != (beat.kind == "thought"):
                thinks = not thinks
                yield _delta({"content": "<think>" if thinks else "</think>\n\n"})
            if piece := _piece(beat, script):
                yield piece
            if beat.kind in LAST_BEATS:
                return
        await asyncio.Event().wait()
    finally:
        script.leave()


def _piece(beat: Beat, script: Script) -> bytes:
    match beat.kind:
        case "word":
            return _delta({"content": beat.text})
        case "half":
            return _delta({"content": f"{beat.text}?"}).replace(b'?"', HALF + b'"')
        case "thought":
            return _delta({"content" if script.in_tags else "reasoning_content": beat.text})
        case "tool":
            return _delta({"tool_calls": [{"index": 0, **ticket_call(beat.text)}]})
        case "alive":
            return b": keep-alive\n\n" + _delta({"content": ""})
        case "damage":
            return b"data: " + DAMAGED + b"\n\n"
        case "error":
            return _event({"error": {**ERROR, "code": None}})
        case "end":
            usage: Json = {"prompt_tokens": 100, "completion_tokens": script.asked.words}
            return _delta({}, script.reason) + _event({"choices": [], "usage": usage}) + b"data: [DONE]\n\n"
        case _:
            return b""


def _delta(delta: Mapping[str, Json], reason: str | None = None) -> bytes:
    return _event({"choices": [{"index": 0, "delta": dict(delta), "finish_reason": reason}]})


def _event(fields: Mapping[str, Json]) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"
