"""Ahead: a reply that is written while the caller may still be speaking.

A platform tells what it has understood so far. When that has not changed for a moment, the route that a
turn would ask first is asked. If the finished utterance has the same words, the turn takes what was
written, as if the route had been asked just then; else it is stopped. Until a turn takes it, nothing of it
is said, remembered or done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from voice.call import Call
from voice.clock import Deadline, now
from voice.errors import ModelError, ReplyBroken
from voice.events import RouteCancelled
from voice.routing.strategy import in_turn, speaking
from voice.routing.table import Route
from voice.turn.prompt import build_prompt
from voice.types import Finish, Hear, Prompt, Utterance, words

log = logging.getLogger(__name__)

SETTLED_S = 0.4  # longer than people pause between two words; half of what ends an utterance
MOST_BEGUN = 3  # in one utterance: who pauses after every word is not worth ten replies
LASTS_S = 5.0  # longer than an utterance goes on after its last word was understood

Write = Callable[[Prompt, Deadline, Hear], Awaitable[Finish]]


class Ahead:
    """A reply to words that may be a whole utterance. `begun` counts those of the same one before it."""

    def __init__(self, call: Call, heard: Utterance, deadline: Deadline, begun: int = 0) -> None:
        self.key, self.begun = heard.key, begun
        self._call, self._heard, self._deadline = call, heard, deadline
        self._route: Route | None = None  # who writes it, once somebody does
        self._prompt: Prompt | None = None
        self._pieces: list[str] = []
        self._hear: Hear = self._pieces.append
        self._finish: Finish | None = None
        self._failure: ModelError | None = None
        self._over = asyncio.Event()
        self._task = call.spawn(self._begin())

    def has_words_of(self, heard: Utterance) -> bool:
        """Whether these are the words that it answers."""
        return words(heard.text) == words(self._heard.text)

    def fits(self, route: Route, prompt: Prompt) -> bool:
        """Whether this route would be asked the very same."""
        return route is self._route and self._prompt is not None and _are_alike(prompt, self._prompt)

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        """What was written so far, and the rest as it comes: a client's `write` that was begun earlier."""
        for piece in self._pieces:
            hear(piece)
        self._hear = hear
        try:
            await self._over.wait()
        except asyncio.CancelledError:
            self._task.cancel()
            raise
        if self._failure is not None:
            raise self._failure
        if self._finish is None:
            raise ReplyBroken("a reply that was begun early was stopped")
        return self._finish

    def close(self) -> None:
        """Nobody needs it: its words were not the last ones. Written for nothing, it counts as a hedge."""
        self._task.cancel()
        if self._route is None:
            return
        if not self._over.is_set():
            self._call.publish(RouteCancelled(self._call.call_id, self._route.name))
        if not self._route.is_local:
            self._call.purse.spend()

    async def _begin(self) -> None:
        await asyncio.sleep(SETTLED_S)
        route = next(iter(in_turn(routes_of(self._call), now())), None)
        if route is None or route.breaker.rests(now()) or self.begun >= MOST_BEGUN:
            return
        if not route.is_local and not self._call.purse.can_spare:
            return
        self.begun += 1
        self._route, self._prompt = route, _prompt_of(self._call, self._heard)
        lasting = replace(self._deadline, reply_at=self._deadline.reply_at + LASTS_S)
        try:
            self._finish = await route.client.write(self._prompt, lasting, lambda piece: self._hear(piece))
        except ModelError as exc:
            self._failure = exc  # told to the turn, should it come to that
        finally:
            self._over.set()


def foresee(call: Call, heard: Utterance, deadline: Deadline) -> None:
    """Have a reply begun to what was understood so far. The same words again change nothing."""
    before, begun = call.ahead, 0
    if before is not None:
        if before.key == heard.key and before.has_words_of(heard):
            return
        begun = before.begun if before.key == heard.key else 0
    forget(call)
    call.ahead = Ahead(call, heard, deadline, begun)


def forget(call: Call) -> None:
    """Stop the reply that was begun early, if there is one."""
    ahead, call.ahead = call.ahead, None
    if ahead is not None:
        ahead.close()


def routes_of(call: Call) -> Sequence[Route]:
    """Whom a call may ask; a client that has named one route gets that one."""
    return call.routes if call.as_is is not None else speaking(call.routes, call.agent.language)


def writer(call: Call, route: Route, prompt: Prompt) -> Write | None:
    """Who has begun to write the answer to this prompt for this route; None: nobody.

    Asked by the first asking of a turn; whatever does not fit it fits none that follows.
    """
    ahead = call.ahead
    if ahead is None:
        return None
    if not ahead.fits(route, prompt):
        forget(call)
        return None
    call.ahead = None
    return ahead.write


def _prompt_of(call: Call, heard: Utterance) -> Prompt:
    """The prompt that a turn with these words would ask with; the call's thread stays as it is."""
    as_if = replace(call, thread=replace(call.thread, turns=list(call.thread.turns)))
    as_if.thread.begin(heard)
    return build_prompt(as_if, heard)


def _are_alike(one: Prompt, other: Prompt) -> bool:
    """Whether two prompts say the same; an unfinished utterance has no full stop yet."""
    pairs = zip(one.messages, other.messages, strict=False)
    is_same = all(
        mine.role == theirs.role and (mine.text == theirs.text or words(mine.text) == words(theirs.text))
        for mine, theirs in pairs
    )
    return is_same and len(one.messages) == len(other.messages) and one.tools == other.tools
