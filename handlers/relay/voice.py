"""Says words on a relay socket: in talks that are closed, cut by what may cut them, and accounted for.

A reply streams as tokens of one talk, whose end is told at once with the reply's, or the next words
would be taken for its own. A filler is a talk by itself that the next one may cut: the answer comes when
it comes.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Protocol

from handlers.relay.speakers import Speakers
from handlers.relay.talk import Talk
from handlers.wire.relay import Info, Interrupt, play, speak_in, text
from voice.agents.agent import Agent
from voice.clock import now
from voice.speech.output import Markup, Spellings, marked
from voice.turn.own import markup_at
from voice.types import Chunk, ChunkKind, Door, Turn

AHEAD_S = 5.0  # of talk leave before their turn: more than a hiccup of the network, less than patience


class Sends(Protocol):
    """Where frames leave: `Line`."""

    def send(self, frame: str, *, may_be_dropped: bool = False) -> None: ...

    def drop(self) -> None: ...


class Voice:
    """The agent's voice on one socket."""

    def __init__(self, line: Sends, agent: Agent) -> None:
        self._line, self._talk, self._speakers = line, Talk(), Speakers()
        self._languages = [agent.language, *(one.code for one in agent.twilio.languages)]
        self._news = asyncio.Event()  # something was told of what is being spoken
        self._hold, self._is_holding = agent.twilio.hold, False
        self._agent, self._spellings = agent, Spellings()
        self._is_open = False  # a talk whose end has not been told yet
        self.language = agent.language  # what is spoken, and listened for

    @property
    def turn(self) -> Turn | None:
        """The turn whose reply is being said, or was last; None for a line of the agent's own."""
        return self._talk.turn

    @property
    def quiet_at(self) -> float:
        """When the agent has finished, or will have."""
        return self._speakers.agent_quiet_at(self._talk)

    @property
    def is_waiting(self) -> bool:
        """Whether nothing of the newest reply has left yet."""
        return self._talk.is_waiting

    @property
    def line(self) -> str:
        """What is being said, or was said last."""
        return self._talk.line

    @property
    def caller_quiet_at(self) -> float:
        """When the caller has finished, or will have at the latest."""
        return self._speakers.caller_quiet_at

    async def room(self) -> None:
        """Return when little is left to be spoken of what was sent: sooner, if the platform tells so."""
        while not (self._talk.is_waiting or self._speakers.has_finished(self._talk)):
            due_at = self._talk.lasts_until - AHEAD_S
            if now() >= due_at:
                return
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due_at):
                    await self._news.wait()

    def begin(self, turn: Turn, heard_before: str = "") -> None:
        """The reply to this turn is said from now on. What is left of another is not."""
        self._line.drop()
        self._close()
        self._talk.begin(turn, heard_before)

    def say(self, chunk: Chunk) -> None:
        """Say a piece of the reply, or a filler."""
        if chunk.kind is ChunkKind.FILLER:
            self._close()
            self._send(self._marked(chunk), last=True, preemptible=True)
        else:
            # The space parts it from the next piece.
            self._send(f"{self._marked(chunk)} ")
            self._is_open = True
        self._talk.add(chunk.text, is_reply=chunk.kind is not ChunkKind.FILLER)

    def end(self) -> None:
        """The reply is over."""
        self._close()

    def say_line(self, line: Chunk, *, interruptible: bool | None = None) -> None:
        """Say a line of the agent's own."""
        self._close()
        self._send(self._marked(line), last=True, interruptible=interruptible)
        self.spoken_by_platform(line.text)

    def spoken_by_platform(self, line: str) -> None:
        """The platform says this by itself: the greeting."""
        self._talk.begin(None)
        self._talk.add(line)

    def hush(self, cut: Interrupt) -> str | None:
        """The caller has cut in: nothing that waits is said. What was heard of the reply; None: all."""
        heard = self._talk.heard(self._spellings.said(cut.spoken), cut.duration_s)
        self._talk.stop()
        self._speakers.hushed()
        self._line.drop()
        self._is_open = False
        self._line.send(text("", last=True))  # or the next words would belong to the talk that was cut
        return heard

    def heard_so_far(self) -> str | None:
        """What was heard of the reply by now; None: all of it."""
        return self._talk.heard()

    def told(self, info: Info) -> None:
        """Take an event: who speaks, and which words were played."""
        self._speakers.told(info)
        self._news.set()
        if info.name == "tokensPlayed":
            self._talk.played(self._spellings.said(info.words))

    def choose(self, told: str) -> None:
        """Speak the caller's language, where the agent's file has it; "en" is the first that begins so."""
        same = (one for one in self._languages if one.casefold() == told.casefold())
        alike = (one for one in self._languages if one.split("-")[0] == told)
        found = next(iter((*same, *alike)), None) if told else None
        if found is not None and found != self.language:
            self._close()
            self._line.send(speak_in(found))
            self.language = found

    @property
    def hold_at(self) -> float | None:
        """When a sound is to fill the wait; None: nobody waits, there is none, or it is being played."""
        waits = self._hold is not None and self._talk.ends_in_filler and not self._is_holding
        return self._talk.ends_at if waits else None

    def hold(self) -> None:
        """Fill the wait with the agent's sound, until the next words come."""
        if self._hold is not None:
            self._line.send(play(self._hold), may_be_dropped=True)
            self._is_holding = True

    def _marked(self, chunk: Chunk) -> str:
        """What is said, as the voice of the language that is spoken takes it."""
        markup = markup_at(self._agent, Door.RELAY, self.language)
        if markup is not Markup.NONE:
            self._spellings.add(chunk)
        return marked(chunk, markup)

    def _send(self, token: str, **how: Any) -> None:
        self._is_holding = False
        language = self.language if self.language != self._languages[0] else None
        self._line.send(text(token, language=language, **how), may_be_dropped=True)

    def _close(self) -> None:
        if self._is_open:
            self._line.send(text("", last=True))
        self._is_open = False
