"""The judge finds every broken promise, and finds none in a good turn."""

from __future__ import annotations

import pytest

from tests.builders import a_turn
from voice.simulate.host_script import Asked, Book
from voice.simulate.lab_caller import HeardChunk, HeardTurn
from voice.simulate.lab_figures import broken, figures
from voice.simulate.lab_report import Judge, Limits, Verdict
from voice.simulate.marked import written
from voice.turn.live import LiveTurn
from voice.types import ChunkKind, Rung, Timing, Why

LIMITS = Limits(1.2, 1.5, 0.1, ("One moment.", "Sorry, say that again?"), ("runpod", "llm"))
SAID = "It is about order 1-1."  # a reply of eight words


def words(*places: int, request: int = 1, last: int | None = 7) -> str:
    return "".join(written(request, iter(places), last)).strip()


def a_chunk(text: str, at: float, kind: ChunkKind = ChunkKind.REPLY, *, is_stale: bool = False) -> HeardChunk:
    return HeardChunk(at, text, kind, is_stale)


def an_asked(number: int = 1, host: str = "runpod", order: str = "1-1", **times: float) -> Asked:
    asked = Asked(number, host, order, "healthy", times.get("asked_at", 0.0))
    asked.ended, asked.ended_at = "done", times.get("ended_at", 2.0)
    return asked


def a_heard_turn(*chunks: HeardChunk, **changes: object) -> HeardTurn:
    first_ms = chunks[0].at * 1000 if chunks else None
    turn = a_turn(SAID, **{"route": "runpod", "timing": Timing(ttfc_ms=first_ms), **changes})
    return HeardTurn(SAID, "patient", 0.0, LiveTurn(turn), list(chunks), ended_at=9.0)


def judged(
    *chunks: HeardChunk,
    asked: tuple[Asked, ...] = (),
    stopped_at: float | None = None,
    again: HeardTurn | None = None,
    tickets: int = 0,
    **changes: object,
) -> Verdict:
    heard = a_heard_turn(*chunks, **changes)
    heard.stopped_at, heard.again = stopped_at, again
    book = Book({one.number: one for one in asked or (an_asked(),)})
    return Judge(book, LIMITS, {"1-1": tickets}).judge([heard])[0]


FIRST, REST = a_chunk(words(0, 1, 2), 0.5), a_chunk(words(3, 4, 5, 6, 7), 1.0)


def test_a_good_turn_breaks_nothing() -> None:
    verdict = judged(FIRST, REST)

    assert verdict.broken == []
    assert (verdict.first_ms, verdict.gap_ms) == (500.0, 500.0)
    assert verdict.whole
    assert not verdict.paid_twice
    assert verdict.not_stopped == 0


@pytest.mark.parametrize(
    ("claim", "chunks"),
    [
        ("late", [a_chunk(words(*range(8)), 1.3)]),
        ("silent", []),
        ("technical", [a_chunk(words(0, 1, 2) + " Traceback", 0.5), REST]),
        ("technical", [a_chunk('{"error"', 0.5), REST]),
        ("doubled", [FIRST, a_chunk(words(0, 1, 2), 0.7), REST]),
        ("doubled", [FIRST, a_chunk(words(2, 3, 4, 5, 6, 7), 1.0)]),
        ("torn", [FIRST, a_chunk(words(5, 6, 7), 1.0)]),
        ("torn", [a_chunk(words(3, 4, 5, 6, 7), 0.5)]),
        ("unfinished", [FIRST, a_chunk(words(3, 4), 1.0)]),
        ("stale", [FIRST, a_chunk(words(3, 4, 5, 6, 7), 1.0, is_stale=True)]),
        ("stale", [FIRST, a_chunk(words(3, 4, 5, 6, 7, request=99), 1.0)]),
        ("paused", [FIRST, a_chunk(words(3, 4, 5, 6, 7), 2.1)]),
    ],
)
def test_a_broken_promise_is_found(claim: str, chunks: list[HeardChunk]) -> None:
    verdict = judged(*chunks)

    assert claim in verdict.broken
    assert verdict.told().startswith("order 1-1")


def test_words_of_another_turns_reply_are_stale() -> None:
    assert "stale" in judged(FIRST, REST, asked=(an_asked(order="3-9"),)).broken


def test_a_repeated_request_must_be_given_the_same_words() -> None:
    same, other = a_heard_turn(FIRST, REST), a_heard_turn(a_chunk(words(0, 1, 2, request=2), 0.5))

    assert judged(FIRST, REST, again=same).broken == []
    assert judged(FIRST, again=same, stopped_at=0.8).broken == []  # dropped after its first words
    assert "stale" in judged(FIRST, REST, again=other, asked=(an_asked(1), an_asked(2))).broken


def test_a_tool_that_works_twice_is_a_broken_promise() -> None:
    assert judged(FIRST, REST, tickets=1).broken == []
    assert judged(FIRST, REST, tickets=2).broken == ["acted_twice"]


def test_a_model_may_be_told_only_of_what_the_caller_was_given() -> None:
    asked = an_asked()
    asked.told = frozenset([(1, 0), (1, 7)])

    assert judged(FIRST, REST, asked=(asked,)).broken == []
    assert "misremembered" in judged(FIRST, asked=(asked,), stopped_at=0.8).broken


@pytest.mark.parametrize(
    "changes",
    [
        {"ending": None},
        {"timing": Timing(ttfc_ms=None)},
        {"timing": Timing(ttfc_ms=380.0)},
        {"rungs": [Rung("runpod", Why.FIRST, 0.0)]},
    ],
    ids=["open", "no first chunk", "another first chunk", "a route without an outcome"],
)
def test_a_record_that_is_not_true_is_a_broken_promise(changes: dict[str, object]) -> None:
    assert judged(FIRST, REST, **changes).broken == ["misrecorded"]


def test_a_reply_that_ends_before_its_last_word_is_not_whole() -> None:
    ends_early = a_chunk(words(3, 4, 5, last=5), 1.0)

    assert not judged(FIRST, ends_early).whole
    assert judged(FIRST, ends_early).broken == []
    assert judged(FIRST, stopped_at=0.8).whole


def test_the_agents_lines_are_not_technical() -> None:
    filler = a_chunk("One moment.", 0.4, ChunkKind.FILLER)
    fallback = a_chunk("Sorry, say that again?", 1.4, ChunkKind.FALLBACK)

    assert judged(filler, FIRST, fallback).broken == []


def test_a_turn_that_the_caller_stopped_early_is_neither_late_nor_silent() -> None:
    assert judged(stopped_at=0.8).broken == []
    assert judged(stopped_at=1.5).broken == ["late"]


def test_two_remote_hosts_at_work_at_once_are_paid_twice() -> None:
    beside = (an_asked(1, ended_at=2.0), an_asked(2, "llm", asked_at=1.0))
    behind = (an_asked(1, ended_at=0.9), an_asked(2, "llm", asked_at=1.0))

    assert judged(FIRST, REST, asked=beside).paid_twice
    assert not judged(FIRST, REST, asked=behind).paid_twice


def test_a_loser_must_be_stopped_in_time() -> None:
    loser = an_asked(2, "llm", asked_at=0.2, ended_at=0.69)
    runs_on = an_asked(2, "llm", asked_at=0.2, ended_at=0.75)

    assert judged(FIRST, REST, asked=(an_asked(), loser)).not_stopped == 0
    assert judged(FIRST, REST, asked=(an_asked(), runs_on)).not_stopped == 1


def test_nobody_writes_on_after_the_caller_has_left() -> None:
    runs_on = (an_asked(ended_at=2.5),)

    assert judged(FIRST, REST, asked=runs_on, stopped_at=2.4).not_stopped == 0
    assert judged(FIRST, REST, asked=runs_on, stopped_at=1.5).not_stopped == 1
    assert judged(FIRST, REST, asked=runs_on, stopped_at=1.5, again=a_heard_turn(FIRST)).not_stopped == 0


def test_many_turns_make_a_row_and_its_broken_promises() -> None:
    verdicts = [judged(FIRST, REST)] * 99 + [judged()]

    row = figures("cut", verdicts)

    assert (row.turns, row.in_budget, row.silent, row.p50) == (100, 99.0, 1, 500.0)
    assert broken(row, LIMITS) == ["1 % late", "1 silent"]
    assert broken(figures("cut", verdicts[:99]), LIMITS) == []


def test_more_than_the_share_paid_twice_is_a_broken_promise() -> None:
    twice = judged(FIRST, REST, asked=(an_asked(1), an_asked(2, "llm", asked_at=0.1, ended_at=0.6)))
    once = judged(FIRST, REST)

    assert broken(figures("a", [once] * 89 + [twice] * 11), LIMITS) == []  # the first one is on the house
    assert broken(figures("a", [once] * 88 + [twice] * 12), LIMITS) == ["12 % paid twice, 10 % allowed"]
