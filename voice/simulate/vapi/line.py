"""Vapi's side of a call, played against a running server.

Each turn sends the whole conversation again, as the caller heard it, and reads the stream as
strictly as Vapi does: a frame without `choices` would end a real call. Where the caller speaks over
the agent, the request is given up, and the next one tells what had been heard. Tools that the stream
asks for are carried out in Vapi's way. The call's beginning, its end and the report go to the webhook.

Source: Vapi's custom-LLM and server-message pages and `vapi_server_sdk`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx

from voice.clock import now
from voice.errors import BadRequest
from voice.simulate.aloud import Aloud
from voice.simulate.report import TurnReport, milliseconds
from voice.simulate.script import CALLER
from voice.simulate.vapi.control import control_url
from voice.simulate.vapi.posts import OUR_NUMBER, Posts
from voice.simulate.vapi.stream import FLUSH, Stream, Voice, growing, retold
from voice.simulate.vapi.talk import Talk
from voice.simulate.vapi.tidings import Tidings
from voice.simulate.vapi.work import Work, cuts_in, model_named

BUDGET_S = 1.2  # until the first words: an agent's first_chunk_ms
MAX_HOPS = 6  # streams of one turn, each but the last asking for tools
BY_CALLER = "customer-ended-call"


@dataclass(frozen=True, slots=True)
class Play:
    """How much of Vapi is played. As it stands: a calm call's beginning, turns and end, with its tools.

    `tells_all`: every message that an assistant sends by default, and `hang` after `hangs_after_s` without
    a word to speak. `asks`: requests for each turn; all but the last one are given up after `drops_after_s`,
    the first ones with fewer words, as a caller talks on. `holds_chars`: what the voice waits for.
    `uses_tools`: the assistant's tools are declared, as on every real line. `steers`: there is a control
    URL. `retells`: the next request tells what was heard as speech recognition writes it down.
    """

    tells_all: bool = False
    hangs_after_s: float = 3.7  # measured by others on live calls
    asks: int = 1
    drops_after_s: float = 0.1
    holds_chars: int = 0
    uses_tools: bool = True
    steers: bool = False
    retells: bool = False


CALM = Play()
WHOLE = Play(tells_all=True, holds_chars=30, steers=True, retells=True)


@dataclass(slots=True)
class _Turn:
    """One turn as it is heard."""

    said: str
    stream: Stream
    voice: Voice
    hops: int = 1
    acted: bool = False  # the line was ended or passed on

    def report(self, budget_s: float) -> TurnReport:
        stream = self.stream
        heard = " ".join(FLUSH.sub(" ", stream.words).split())
        first = None if stream.first_at is None else milliseconds(stream.asked_at, stream.first_at)
        total = milliseconds(stream.asked_at, now())
        return TurnReport(
            self.said, heard, first, total, budget_s * 1000, stream.gap_ms, self.hops, acted=self.acted
        )


class VapiLine:
    """One call through the Vapi doors at `base_url` (such as http://127.0.0.1:8000/vapi).

    `agent` is named in the webhook's URL and as the model. `number` is the one that `caller` dials.
    `greeting` is the assistant's firstMessage; None asks the webhook for an assistant, as Vapi does for a
    number that has none. `retell` is how speech recognition would spell what the caller heard.
    `assistant` is one with tools, in Vapi's shape, where the webhook is not asked for it. `variables` are
    echoed by the report. `told` hears in words what Vapi does to the call.
    A client that is handed in is not closed.

    Whoever cancels `say()` speaks over the agent: `cut` then holds what came of that turn. `aloud` is
    the voice; with a pace, `say()` lasts until everything is said. `spoken` is what the voice began to
    speak in the newest turn, and when, in milliseconds.
    """

    door = "vapi"

    def __init__(
        self,
        base_url: str,
        *,
        secret: str | None = None,
        caller: str = CALLER,
        number: str = OUR_NUMBER,
        greeting: str | None = None,
        system: str = "",
        model: str = "offhook",
        agent: str | None = None,
        budget_s: float = BUDGET_S,
        call_id: str | None = None,
        retell: Callable[[str], str] = str.strip,
        http: httpx.AsyncClient | None = None,
        play: Play = CALM,
        assistant: Mapping[str, Any] | None = None,
        variables: Mapping[str, str] | None = None,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.call_id = call_id or str(uuid4())
        self.is_over = False
        self.aloud = Aloud()
        self.cut: TurnReport | None = None
        self.spoken: list[tuple[float, str]] = []
        self.told = told
        self._play, self._budget_s, self._greeting = play, budget_s, greeting
        self._talk, self._variables = Talk(system, retold if play.retells else retell), variables or {}
        self._posts = Posts(
            base_url.rstrip("/"),
            self.call_id,
            caller=caller,
            number=number,
            model=agent or model,
            agent=agent,
            secret=secret,
            http=http,
        )
        self._tidings = Tidings(self._posts, self._talk, on=play.tells_all, hangs_after_s=play.hangs_after_s)
        self._work = Work(self._posts, self._talk, lambda text: self.told(text), uses_tools=play.uses_tools)
        self._stack = AsyncExitStack()
        self._stack.push_async_callback(self._posts.close)
        self._speaking = asyncio.Lock()  # a turn, or words that were ordered
        self._patience: asyncio.Timeout | None = None  # of the turn in flight; an order may end it
        self._hung_up = False
        self._obeyed = asyncio.Event()  # an order was done
        self._work.equip(assistant or {})

    async def dial(self) -> str:
        """Ring, and hear the greeting."""
        self._talk.began_at = now()
        if self._play.steers:
            open_url = control_url(self.call_id, self._obey, lambda: self.is_over)
            self._posts.control_url = await self._stack.enter_async_context(open_url)
        if self._greeting is None:
            answer = await self._posts.tell("assistant-request")
            self._greeting = self._work.assigned(answer)
            self._posts.model = model_named(answer) or self._posts.model
            self._end_if_asked()
        await self._tidings.rings()
        await self._posts.tell("status-update", status="in-progress")
        if self._greeting:
            self._talk.add("assistant", self._greeting)
            await self._tidings.agent_spoke(self._greeting)
        return self._greeting

    async def say(self, text: str) -> TurnReport:
        """Speak, and hear the reply to its end. Raises BadRequest where Vapi's client would."""
        async with self._speaking:
            if self._hung_up:
                raise BadRequest("the call is over")
            await self._tidings.caller_speaks(text)
            for words in growing(text, self._play.asks - 1):
                await self._give_up(words)
            if self.is_over:  # an order has ended it: these words reach nobody
                return TurnReport(text, "", None, 0.0, self._budget_s * 1000, cut=True)
            self._talk.add("user", text)
            return await self._hear(text)

    async def _hear(self, text: str) -> TurnReport:
        """The reply to what the conversation holds now, as far as it is heard."""
        stream = Stream(now())
        turn = _Turn(text, stream, Voice(self.aloud, self._play.holds_chars, stream.asked_at))
        self.spoken = turn.voice.spoken
        self.aloud.start()
        try:
            async with asyncio.timeout(None) as self._patience:
                await self._read(turn)
                report = turn.report(self._budget_s)
                await self.aloud.end()
        except (asyncio.CancelledError, TimeoutError) as exc:
            heard = self.aloud.stop()
            self.cut = replace(turn.report(self._budget_s), heard=heard, cut=True)
            self._talk.cuts += 1
            if heard:
                self._talk.add("assistant", heard)
            self._tidings.interrupted()
            if isinstance(exc, TimeoutError):  # an order has ended it
                return self.cut
            raise
        finally:
            self._patience = None
        await self._remember(report)
        return report

    async def _read(self, turn: _Turn) -> None:
        """Every stream of a turn: a tool that was run leads to another request."""
        for turn.hops in range(1, MAX_HOPS + 1):
            turn.stream.begin()
            async with self._tidings.watching(turn.voice), aclosing(self._ask()) as frames:
                async for data in frames:
                    turn.voice.add(turn.stream.take(data))
                turn.voice.end()
            if not turn.stream.done:
                raise BadRequest("the stream ended without [DONE]")
            asked = turn.stream.tools
            asks_again = bool(asked) and await self._work.carry_out(asked, turn.stream, turn.voice)
            turn.acted = bool(asked) and self._work.has_acted
            if not asks_again:
                return
        raise BadRequest(f"one turn asked for tools {MAX_HOPS} times")

    def _ask(self, words: str | None = None) -> AsyncGenerator[str]:
        return self._posts.ask(self._talk, self._work.declared(), words)

    async def _give_up(self, words: str) -> None:
        """A request that Vapi drops, because the caller talks on."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._play.drops_after_s), aclosing(self._ask(words)) as frames:
                async for _ in frames:
                    pass

    async def _remember(self, report: TurnReport) -> None:
        """What the agent was heard saying, as the next request will tell it."""
        if report.ttfc_ms is not None:
            self._talk.latencies.append(report.ttfc_ms)
        if report.heard:
            self._talk.add("assistant", report.heard)
            await self._tidings.agent_spoke(report.heard)
        self._end_if_asked()

    async def _obey(self, order: Mapping[str, Any]) -> None:
        """Do what was ordered through the control URL, behind what is being said."""
        if cuts_in(order) and self._patience is not None:
            self._patience.reschedule(0)  # an instant that has passed
        self.is_over = self.is_over or order["type"] == "end-call"
        async with self._speaking:
            if self._work.obey(order):
                report = await self._hear("")
                self.told(f"the agent answers to a message: {report.heard}")
            self._end_if_asked()
        self._obeyed.set()

    async def acts(self, within_s: float) -> bool:
        """Whether the line was ended or passed on; an order that does so may take so long to come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not self.is_over:
                    self._obeyed.clear()
                    await self._obeyed.wait()
        return self._work.has_acted

    def _end_if_asked(self) -> None:
        """The line is over, though the caller has not hung up."""
        self.is_over = self.is_over or self._work.ends_with is not None

    async def hang_up(self) -> None:
        """End the call: Vapi tells the status, then sends its report."""
        if self._hung_up:
            return
        self.is_over = self._hung_up = True
        reason = self._work.ends_with or BY_CALLER
        try:
            if self._talk.began_at is not None:
                await self._posts.tell("status-update", status="ended", endedReason=reason)
                await self._posts.tell("end-of-call-report", **self._talk.report(reason, self._variables))
        finally:
            await self._stack.aclose()
