"""A caller who reads from a script, and the line that carries their words.

A line is one platform's way to our door. `play()` lets a script speak over a line, and tells what the
caller heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from itertools import zip_longest
from typing import Any, Protocol, runtime_checkable

import httpx

from voice.errors import BadRequest
from voice.simulate.aloud import Aloud
from voice.simulate.report import CallReport, TurnReport
from voice.simulate.script import Script, Step
from voice.simulate.twilio.dial import Person
from voice.simulate.twilio.status import Status

CHARS_PER_S = 15.0  # a telephone voice, where a script needs one that takes its time
KEYS = set("0123456789*#")
BREAKS = {"drop", "restart"}  # what ends no turn: the reply goes on behind it
TELEPHONES = {"press", "silent_s", "drop"}  # what only Twilio's doors have
NO_RESTART = "only a server of our own can be restarted; leave out --url"

Restart = Callable[[], Awaitable[None]]
"""Stops the server of a call, and starts it again."""


class HungUp(Exception):
    """The agent hung up while the caller still had something to say."""


class Line(Protocol):
    """One simulated call through one door. Its methods raise BadRequest where the platform would give up."""

    @property
    def door(self) -> str: ...

    @property
    def call_id(self) -> str: ...

    @property
    def is_over(self) -> bool:
        """Whether the other side has hung up."""
        ...

    async def dial(self) -> str:
        """Begin the call; the greeting."""
        ...

    async def say(self, text: str) -> TurnReport:
        """Speak one utterance, and hear the reply to its end. Cancelled where the caller speaks over it."""
        ...

    async def hang_up(self) -> None:
        """End the call and tell the door. A second time changes nothing."""
        ...


@runtime_checkable
class SpokenOver(Line, Protocol):
    """A line whose `say()` may be cancelled: `cut` then holds what came of that turn."""

    aloud: Aloud
    cut: TurnReport | None


@runtime_checkable
class Telephone(SpokenOver, Protocol):
    """A line with keys, silence, people who are dialled, and sockets that break."""

    person: Person
    dialled: int  # how often somebody was, by now
    statuses: Sequence[Status]

    async def press(self, keys: str) -> TurnReport: ...

    async def keep_silent(self, for_s: float) -> TurnReport: ...

    async def drop(self) -> None: ...

    async def survives(self, breaking: Awaitable[None]) -> None:
        """Something breaks the call; return when it goes on."""
        ...

    async def listens(self) -> None:
        """Return when words over the agent would be heard."""
        ...


async def play(
    line: Line,
    script: Script,
    told: Callable[[TurnReport], None] = lambda _: None,
    *,
    restart: Restart | None = None,
) -> CallReport:
    """One whole call; `told` hears of each turn when it is over. What goes wrong stands in the report."""
    report = CallReport(line.door, line.call_id)
    try:
        check_playable(line, script, restart)
        prepare(line, script)
        report.greeting = await line.dial()
        async for turn in perform(line, script, restart=restart):
            report.turns.append(turn)
            told(turn)
    except (BadRequest, HungUp, httpx.HTTPError) as exc:
        report.error = f"{type(exc).__name__}: {exc}" if isinstance(exc, httpx.HTTPError) else str(exc)
    finally:
        hanging_up = await _hung_up(line)
        report.error = report.error or hanging_up
    return report


def check_playable(line: Line, script: Script, restart: Restart | None) -> None:
    """Raise BadRequest for the first step that cannot be played on this line: before anybody is called."""
    for number, step in enumerate(script.steps, 1):
        if step.kind == "restart" and restart is None:
            raise BadRequest(f"step {number}: {NO_RESTART}")
        if not isinstance(line, Telephone) and (step.kind in TELEPHONES or step.person is not None):
            what = "dialled" if step.person is not None else step.kind
            raise BadRequest(f"step {number}: {_not_there(line, what)}")


def prepare(line: Line, script: Script) -> None:
    """What a script asks of a line, before it is dialled."""
    if isinstance(line, Telephone):
        line.statuses = script.statuses
    # A chat is read, not heard: its words are there as soon as they come.
    if script.needs_pace and isinstance(line, SpokenOver) and line.door != "chat":
        line.aloud.chars_per_s = line.aloud.chars_per_s or CHARS_PER_S


async def perform(
    line: Line,
    script: Script,
    *,
    begins: Callable[[Step], None] = lambda _: None,
    restart: Restart | None = None,
) -> AsyncGenerator[TurnReport]:
    """Each step of a script on a line that was prepared and dialled; `begins` hears of each beforehand.

    Raises BadRequest where the platform would give up, and HungUp.
    """
    stage, has_happened = _Stage(line, begins, restart), False
    for step, following in zip_longest(script.steps, script.steps[1:]):
        if has_happened:  # in the middle of the reply to the step before it
            has_happened = False
            continue
        if step.kind == "hang_up":
            return
        if line.is_over:
            raise HungUp("the agent hung up before the caller had said everything")
        overlapping = following if following is not None and following.after_words else None
        has_happened = overlapping is not None and overlapping.kind in BREAKS
        if (turn := await stage.do(step, overlapping)) is not None:
            yield turn


def spoken(line: Line, words: str) -> Coroutine[Any, Any, TurnReport]:
    """What somebody types: words, or keys where the line has some and nothing else is typed."""
    if isinstance(line, Telephone) and words and set(words) <= KEYS:
        return line.press(words)
    return line.say(words)


async def say_until(
    line: SpokenOver, saying: Coroutine[Any, Any, TurnReport], enough: Coroutine[Any, Any, None]
) -> TurnReport:
    """Hear a reply until `enough`, then speak over it; what the caller had heard of it by then."""
    turn, stop = asyncio.create_task(saying), asyncio.create_task(enough)
    try:
        await asyncio.wait({turn, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not turn.done() and isinstance(line, Telephone):
            stop.cancel()
            stop = asyncio.create_task(line.listens())
            await asyncio.wait({turn, stop}, return_when=asyncio.FIRST_COMPLETED)
        turn.cancel()  # nothing, when it is done
        await asyncio.wait({turn})
    finally:
        turn.cancel()
        stop.cancel()
    report = line.cut if turn.cancelled() else turn.result()
    assert report is not None, "a line that was cut tells what was heard"
    return report


class _Stage:
    """One line, on which steps are done."""

    def __init__(self, line: Line, begins: Callable[[Step], None], restart: Restart | None) -> None:
        self._line, self._begins, self._restart = line, begins, restart

    async def do(self, step: Step, overlapping: Step | None) -> TurnReport | None:
        """Do it, until the step that overlaps with it; the turn that it was, if it was one."""
        self._begins(step)
        if step.kind in BREAKS:
            await self._break(step)
            return None
        saying = self._say(step)
        if overlapping is None:
            return await saying
        if not isinstance(self._line, SpokenOver):
            saying.close()
            raise BadRequest(
                f"nothing can happen in the middle of a reply through the door {self._line.door}"
            )
        enough = self._line.aloud.words(overlapping.after_words or 0)
        if overlapping.kind in BREAKS:
            return await self._broken(saying, enough, overlapping)
        return await say_until(self._line, saying, enough)

    def _say(self, step: Step) -> Coroutine[Any, Any, TurnReport]:
        if step.kind == "say" and step.person is None:
            return self._line.say(step.text)
        line = self._telephone(step)
        line.person = step.person or line.person
        if step.kind == "press":
            return line.press(step.text)
        return line.say(step.text) if step.kind == "say" else line.keep_silent(step.for_s)

    async def _broken(
        self, saying: Coroutine[Any, Any, TurnReport], enough: Coroutine[Any, Any, None], step: Step
    ) -> TurnReport:
        """A reply in whose middle the connection breaks; it goes on by itself."""
        turn, reached = asyncio.create_task(saying), asyncio.create_task(enough)
        try:
            await asyncio.wait({turn, reached}, return_when=asyncio.FIRST_COMPLETED)
            self._begins(step)
            await self._break(step)
            return await turn
        finally:
            turn.cancel()
            reached.cancel()

    async def _break(self, step: Step) -> None:
        if step.kind == "drop":
            await self._telephone(step).drop()
        elif self._restart is None:
            raise BadRequest(NO_RESTART)
        elif isinstance(self._line, Telephone):
            await self._line.survives(self._restart())
        else:
            await self._restart()

    def _telephone(self, step: Step) -> Telephone:
        if not isinstance(self._line, Telephone):
            raise BadRequest(_not_there(self._line, step.kind))
        return self._line


def _not_there(line: Line, what: str) -> str:
    return f"{what}: the door {line.door} has no such thing; use gather or relay"


async def _hung_up(line: Line) -> str | None:
    try:
        await line.hang_up()
    except (BadRequest, httpx.HTTPError) as exc:
        return f"hanging up: {type(exc).__name__}: {exc}"
    return None
