"""Draft: one route's reply while it is written, with the instants of its writing.

A draft hears its route's text and keeps what could be said of it (`written`). It asks nobody and says
nothing: `ask` does the one, `speak` and `finish` the other. When it is over, it has its rung of the
turn's record filled in, and its route's memory told how long it took.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from voice.clock import Deadline, now
from voice.errors import EmptyReply, ModelError, OnlyJson, ReplyLoops, without_frames
from voice.routing.table import Route
from voice.speech.chunk import Chunker
from voice.speech.lexicon import NONE, Lexicon
from voice.speech.technical import Instructions, instructions_in
from voice.turn.written import Written
from voice.types import Chunk, Door, Finish, Outcome, Prompt, Rung, Usage, Why

STALLED_S = 0.35  # without a token: ten times the usual pause between two; somebody else may be asked
MOST_CHARS_PER_TOKEN = 12  # beyond it a host has overlooked `max_tokens`: the reply has no end
SLOW_WRITING = 2.0  # times the usual: whoever writes for longer without a clause is not waited for
CHARS_PER_TOKEN = 4  # of English; for the cost of a reply that was stopped, whose host tells nothing
MAX_DETAIL_CHARS = 300
JSON = re.compile(r"\s*(?:```(?:json)?\s*)?(?:\{\s*[\"'}]|\[\s*[\[{\"\]])", re.IGNORECASE)  # its beginning
MAX_WROTE_CHARS = 8000  # kept of what one route wrote


@dataclass(slots=True, eq=False)
class Draft:
    """One route's reply so far: chunks that wait to be said, and how the writing ended."""

    route: Route
    rung: Rung
    deadline: Deadline
    asked_at: float
    usual_s: float  # until its first clause: its p95
    written: Written
    ready: list[Chunk]  # what could be said now
    tell: Callable[[], None]  # called when there is more of it
    clock: Callable[[], float]  # the loop's, as `now()`: asked for each word
    finish: Finish | None = None
    failure: ModelError | None = None
    is_over: bool = False  # the one or the other is there
    task: asyncio.Task[None] | None = None
    token_at: float | None = None  # the first token of the answer
    last_token_at: float | None = None
    clause_at: float | None = None
    ended_at: float | None = None
    _wrote: list[str] = field(default_factory=list)
    _wrote_chars: int = 0
    _pause_s: float = 0.0  # the longest one between two tokens

    @property
    def is_usable(self) -> bool:
        """Whether the caller could be given something of it now."""
        return bool(self.ready) or (self.failure is None and self.finish is not None)

    def silent_s(self) -> float:
        """How long it has been asked without a clause to say."""
        return now() - self.asked_at

    def writes_until(self, stalled_s: float = STALLED_S) -> float:
        """Until when it counts as writing, though it writes nothing more.

        Without a clause it does so only for a while: a word now and then is no answer either.
        """
        if self.last_token_at is None or self.is_over:
            return 0.0
        until = self.last_token_at + stalled_s
        return (
            until if self.clause_at is not None else min(until, self.asked_at + SLOW_WRITING * self.usual_s)
        )

    def hear(self, piece: str) -> bool:
        """Take a piece as it is written. True when it completes a chunk. Stops the writer if it must."""
        if not piece:
            has_more = self.written.pause()
        else:
            if self._wrote_chars < MAX_WROTE_CHARS:
                self._wrote.append(piece)
                self._wrote_chars += len(piece)
            at = self.clock()
            if self.rung.token_ms is None and not piece.isspace():
                self.rung.token_ms = self.deadline.since_ms(at)
            is_sign, has_more = self.written.take(piece, at)
            if is_sign:
                if self.last_token_at is None:
                    self.token_at, self.rung.answer_ms = at, self.deadline.since_ms(at)
                elif at - self.last_token_at > self._pause_s:
                    self._pause_s = at - self.last_token_at
                self.last_token_at = at
        if has_more or self.written.verdict is not None:
            self._usable(has_more)
        if has_more:
            self.tell()
        return has_more

    def end(self, finish: Finish) -> None:
        """The writing has ended by itself; if the text does not go wrong at its very end."""
        self._usable(self.written.end(finish))
        if not isinstance(self.written.verdict, ModelError):
            self.finish, self.ended_at, self.is_over = finish, now(), True

    def without_words(self) -> EmptyReply:
        """The failure of a reply that has ended with nothing to say."""
        name = f"route {self.route.name!r}"
        if JSON.match("".join(self._wrote)):
            return OnlyJson(f"{name} answered with JSON alone")
        return EmptyReply(f"{name} answered without a word to say")

    def flush(self) -> bool:
        """Make the words usable that wait for the end of their sentence. True when there are some."""
        return not self.is_over and self._usable(self.written.flush())

    def fail(self, failure: ModelError) -> None:
        """The writing has ended wrongly. A whole sentence that was waiting is not lost with the rest."""
        if self.clause_at is not None and not isinstance(failure, ReplyLoops):
            self.written.keep_whole()
        self.failure, self.ended_at, self.is_over = without_frames(failure), now(), True
        self.rung.error, self.rung.detail = type(failure).__name__, str(failure)[:MAX_DETAIL_CHARS]

    def close(self, outcome: Outcome, *, cancelled: bool = False) -> None:
        """Write down what became of it, once."""
        rung = self.rung
        if rung.outcome is not None:
            return
        self.ended_at = now() if self.ended_at is None else self.ended_at
        rung.outcome, rung.was_cancelled = outcome, cancelled
        self.route.thinking.saw(self.written.began_in_thought)
        rung.ended_ms = self.deadline.since_ms(self.ended_at)
        rung.wrote = "".join(self._wrote)[:MAX_WROTE_CHARS].rstrip()
        if self.finish is not None:
            rung.usage, rung.finish_reason = self.finish.usage, self.finish.reason
            rung.queued_ms = None if self.finish.queued_s is None else self.finish.queued_s * 1000
        else:  # its host tells nothing of a reply that was stopped
            rung.usage = Usage(0, len(rung.wrote) // CHARS_PER_TOKEN)
        if self.route.price is not None:
            rung.cost_usd = self.route.price.of(rung.usage, self._busy_s(self.ended_at))

    def learn(self) -> None:
        """Tell the route's memory how long it took, as far as it got.

        To go on for another, or to ask for a tool, is other work and says nothing of a reply's pace; nor
        does a reply that was begun before its turn.
        """
        if self.written.so_far or self.rung.why is Why.AHEAD:
            return
        latency, at = self.route.latency, now()
        if self.token_at is not None:
            latency.saw("token", self.token_at - self.asked_at)
        if self.clause_at is not None:
            latency.saw("clause", self.clause_at - self.asked_at)
        elif not self.is_over:
            latency.gave_up("clause", at - self.asked_at)
        if self.finish is not None and self.token_at is not None:
            latency.saw("whole", at - self.asked_at)
            latency.saw("pause", self._pause_s)

    def _usable(self, has_more: bool) -> bool:
        if has_more and self.clause_at is None:
            self.clause_at = now()
            self.rung.clause_ms = self.deadline.since_ms(self.clause_at)
        if self.written.verdict is not None and self.task is not None:
            self.task.cancel()
        return has_more

    def _busy_s(self, ended_at: float) -> float:
        """How long its host worked: as it told, else since the first token, for a queue is not paid."""
        if self.finish is not None and self.finish.busy_s is not None:
            return self.finish.busy_s
        return ended_at - self.token_at if self.token_at is not None else 0.0


def begin(
    route: Route,
    why: Why,
    prompt: Prompt,
    deadline: Deadline,
    said: str = "",
    door: Door = Door.CHAT,
    names: Lexicon = NONE,
    tell: Callable[[], None] = lambda: None,
) -> Draft:
    """The empty draft of a route that is asked now; behind `prompt.so_far`, where that is not empty.

    `said` is what the caller has heard in this turn, as it was written; `door` is where they hear it;
    `names` are those that the agent says in its own way. `tell` is called when there is something to say.
    """
    clock = asyncio.get_running_loop().time
    at = clock()
    usual_s = route.latency.p95_s("clause", deadline.budget_s / 2)
    # Parts of a clause cannot be told from what the caller has heard before: there, whole clauses are said.
    joins = door is not Door.GATHER and not (prompt.so_far or said)
    thinks = route.thinking.is_on and not prompt.so_far  # who goes on for another has no thought to end
    told = _instructions(prompt)
    chunker = Chunker(
        holds_chars=door.holds_chars, joins=joins, instructions=told, thinks=thinks, names=names
    )
    max_chars = prompt.max_tokens * MOST_CHARS_PER_TOKEN
    written = Written(route.name, max_chars, prompt.so_far, said, _chunker=chunker)
    rung = Rung(route.name, why, deadline.since_ms(at))
    return Draft(route, rung, deadline, at, usual_s, written, written.ready, tell, clock)


def _instructions(prompt: Prompt) -> Instructions:
    """What of the prompt is never said."""
    first = prompt.messages[0] if prompt.messages else None
    return instructions_in(first.text) if first is not None and first.role == "system" else frozenset()
