"""Judges what lab callers heard: in time, in one piece, nothing twice, nothing stale, nothing technical.

Every word of a host is marked (see `marked`), and the agent's lines are known: what is neither was
written by no model and is no line, so it should not have been said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise

from voice.simulate.host_script import Asked, Book
from voice.simulate.lab_caller import HeardTurn
from voice.simulate.marked import PLACES, length, order_in, others, read
from voice.types import ChunkKind, Json, Rung

SLACK_S = 0.001  # of rounding, where a time is compared with its budget
RECORD_MS = 100.0  # between a chunk's leaving and its arrival, on a busy machine
CANCEL_S = 0.2  # a loser is stopped at its host by then, behind the winner's first word

CLAIMS = (
    "late", "silent", "technical", "doubled", "stale", "torn", "unfinished", "paused", "acted_twice",
    "misremembered", "misrecorded",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What turns are held to, as the agent's file says it, and the agent's own lines."""

    first_chunk_s: float
    gap_s: float
    hedge_share: float
    lines: tuple[str, ...]
    remote: tuple[str, ...]


@dataclass(slots=True)
class Verdict:
    """One turn as it was heard. A claim is True when its promise was broken."""

    order: str
    faults: tuple[str, ...]
    manner: str
    first_ms: float | None
    gap_ms: float
    late: bool = False
    silent: bool = False
    technical: str = ""
    doubled: bool = False
    stale: bool = False
    torn: bool = False  # words are missing in the middle
    unfinished: bool = False  # the last sentence has no end
    paused: bool = False  # for longer than a gap may be
    acted_twice: bool = False  # a tool did its work a second time
    misremembered: bool = False  # a model was told of words that the caller was never given
    misrecorded: bool = False  # the turn's record is open, or tells another time of the first chunk
    paid_twice: bool = False
    whole: bool = False  # every word of the reply was heard, as far as the caller listened
    local: bool = False  # the local model ended the reply, or gave all of it
    not_stopped: int = 0  # requests at hosts that nobody needed and nobody stopped in time
    heard: str = ""
    rungs: str = ""

    @property
    def cut_off(self) -> bool:
        """Whether the caller missed words in the middle or at the end of a sentence."""
        return self.torn or self.unfinished

    @property
    def broken(self) -> list[str]:
        """The promises that this turn broke, by name."""
        return [name for name in CLAIMS if getattr(self, name)]

    def told(self) -> str:
        """One line: what was broken, and how it came."""
        how = f"order {self.order} ({self.manner}): {', '.join(self.broken)}"
        return (
            f"{how}. Hosts: {', '.join(self.faults)}. Routes: {self.rungs}. Heard: {self.heard or 'nothing'}"
        )

    def as_json(self) -> dict[str, Json]:
        return {**asdict(self), "faults": [*self.faults], "broken": [*self.broken]}


@dataclass(slots=True)
class Judge:
    """Judges turns against what the hosts wrote down in `book`, and the `tickets` that were opened."""

    book: Book
    limits: Limits
    tickets: Mapping[str, int] = field(default_factory=dict)  # by order
    _asked: dict[str, list[Asked]] = field(default_factory=dict)
    _given: dict[str, set[tuple[int, int]]] = field(default_factory=dict)  # words, by call

    def judge(self, turns: Collection[HeardTurn]) -> list[Verdict]:
        """A verdict for each turn; repeats count with the turn that they repeat."""
        given: dict[str, set[tuple[int, int]]] = defaultdict(set)
        for turn in turns:
            given[_call_of(order_in(turn.said))].update(
                _words(turn), _words(turn.again) if turn.again else ()
            )
        self._given = given
        asked = defaultdict(list)
        for one in self.book.asked.values():
            asked[one.order].append(one)
        self._asked = asked
        return [self._verdict(turn) for turn in turns]

    def _verdict(self, heard: HeardTurn) -> Verdict:
        order = order_in(heard.said)
        chunks, end = heard.chunks, heard.stopped_at
        due_at = heard.said_at + self.limits.first_chunk_s + SLACK_S
        first_at = chunks[0].at if chunks else None
        was_due = end is None or end > due_at
        gap_s = max((later.at - earlier.at for earlier, later in pairwise(chunks)), default=0.0)
        asked = self._asked.get(order, [])
        faults = tuple(dict.fromkeys(f"{one.host}:{one.fault}" for one in asked))
        turn = heard.live.turn
        verdict = Verdict(
            order,
            faults,
            heard.manner,
            None if first_at is None else round((first_at - heard.said_at) * 1000, 1),
            round(gap_s * 1000, 1),
            late=was_due and (first_at is None or first_at > due_at),
            silent=end is None and not any(letter.isalnum() for one in chunks for letter in one.text),
            technical=" / ".join(text for one in chunks if (text := self._foreign(one.text))),
            stale=any(one.is_stale for one in chunks) or self._is_mixed(heard, order),
            paused=gap_s > self.limits.gap_s + SLACK_S,
            acted_twice=self.tickets.get(order, 0) > 1,
            misremembered=any(one.told - self._given[_call_of(order)] for one in asked),
            misrecorded=_is_misrecorded(heard),
            paid_twice=_paid_twice([one for one in asked if one.host in self.limits.remote]),
            local=turn.route is not None and turn.route not in self.limits.remote,
            not_stopped=self._not_stopped(heard, order),
            heard=" | ".join(one.text for one in chunks),
            rungs="; ".join(_told(rung) for rung in turn.rungs),
        )
        self._judge_words(heard, verdict)
        return verdict

    def _judge_words(self, heard: HeardTurn, verdict: Verdict) -> None:
        said = [one for one in heard.chunks if one.kind is not ChunkKind.FILLER]
        places = [place for one in said for _, place in read(one.text)]
        # An endless reply begins its places anew.
        steps = [(later - earlier) % PLACES for earlier, later in pairwise(places)]
        verdict.doubled = any(step == 0 or step > PLACES // 2 for step in steps)
        verdict.torn = bool(places[:1]) and (places[0] != 0 or any(1 < step <= PLACES // 2 for step in steps))
        verdict.whole = heard.stopped_at is not None or set(places) >= set(range(length(verdict.order)))
        is_cut = heard.stopped_at is not None or not said
        verdict.unfinished = not is_cut and not said[-1].text.rstrip("\"'”’)").endswith((".", "!", "?", "…"))

    def _foreign(self, text: str) -> str:
        """What of a chunk neither a host nor the agent has written."""
        for line in self.limits.lines:
            text = text.replace(line, "")
        return others(text)

    def _is_mixed(self, heard: HeardTurn, order: str) -> bool:
        """Whether words of another turn's reply were heard, or a repeat was given other words."""
        numbers = {number for one in heard.chunks for number, _ in read(one.text)}
        if any(number not in self.book.asked or self.book.asked[number].order != order for number in numbers):
            return True
        return heard.again is not None and not _words_begin_alike(heard, heard.again)

    def _not_stopped(self, heard: HeardTurn, order: str) -> int:
        """Requests that wrote on though the caller heard somebody else, or nobody any more."""
        replies = [one for one in heard.chunks if one.kind is ChunkKind.REPLY and read(one.text)]
        heard_of = {number for one in replies for number, _ in read(one.text)}
        over_at = replies[0].at if replies else heard.ended_at
        is_over_for_all = heard.again is None and heard.stopped_at is not None
        return sum(
            (one.number not in heard_of and _writes_after(one, over_at))
            or (is_over_for_all and _writes_after(one, heard.stopped_at))
            for one in self._asked.get(order, ())
        )


def _writes_after(asked: Asked, over_at: float | None) -> bool:
    """Whether a request that had begun by then was still open so much later that somebody forgot it."""
    if over_at is None or asked.asked_at > over_at:
        return False
    return asked.ended_at is None or asked.ended_at > over_at + CANCEL_S + SLACK_S


def _call_of(order: str) -> str:
    return order.partition("-")[0]


def _is_misrecorded(heard: HeardTurn) -> bool:
    turn = heard.live.turn
    is_open = turn.ending is None or any(rung.outcome is None for rung in turn.rungs)
    first_ms = (heard.chunks[0].at - heard.said_at) * 1000 if heard.chunks else None
    told_ms = turn.timing.ttfc_ms
    return is_open or (first_ms is not None and (told_ms is None or abs(told_ms - first_ms) > RECORD_MS))


def _words(heard: HeardTurn) -> list[tuple[int, int]]:
    return [word for one in heard.chunks for word in read(one.text) if one.kind is not ChunkKind.FILLER]


def _words_begin_alike(once: HeardTurn, again: HeardTurn) -> bool:
    """Whether both requests were given the same words; the first as far as it was not dropped."""
    first, second = _words(once), _words(again)
    return first == second if once.stopped_at is None else second[: len(first)] == first


def _paid_twice(asked: Sequence[Asked]) -> bool:
    """Whether a second remote host was at work while a first one was, as the hosts tell."""
    in_order = sorted(asked, key=lambda one: one.asked_at)
    return any(
        later.host != earlier.host and (earlier.ended_at is None or earlier.ended_at > later.asked_at)
        for earlier, later in pairwise(in_order)
    )


def _told(rung: Rung) -> str:
    how = rung.error or (rung.outcome.value if rung.outcome else "open")
    return f"{rung.route} {rung.why.value} {rung.asked_ms:.0f}–{rung.ended_ms or 0:.0f} {how}"
