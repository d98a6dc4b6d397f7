"""The waterfall of a turn: lines that an operator reads at night."""

from __future__ import annotations

import pytest

from voice.telemetry.waterfall import MIN_WIDTH, bars_of, end_of, waterfall
from voice.types import ChunkKind, Ending, Left, Outcome, Rung, Timing, Turn, Why


def a_hedged_turn(**changes: object) -> Turn:
    """RunPod was slow, so the other model was asked and won; a filler bridged the wait."""
    slow = Rung(
        "runpod", Why.FIRST, 0.0, token_ms=1000.0, ended_ms=1500.0, outcome=Outcome.LOST, was_cancelled=True
    )
    slow.cost_usd = 0.0028
    quick = Rung("llm", Why.HEDGE, 500.0, token_ms=700.0, clause_ms=800.0, ended_ms=2000.0)
    quick.outcome, quick.cost_usd = Outcome.WON, 0.0003
    left = [
        Left(300.0, 11, ChunkKind.FILLER),
        Left(800.0, 20, ChunkKind.REPLY),
        Left(1900.0, 9, ChunkKind.REPLY),
    ]
    turn = Turn(0, "my sink leaks", "key", spoken="Which unit?", route="llm", ending=Ending.ANSWERED)
    turn.rungs, turn.timing = [slow, quick], Timing(0.0, 700.0, 800.0, 2000.0, left)
    for name, value in changes.items():
        setattr(turn, name, value)
    return turn


def test_a_hedged_turn_is_drawn_line_by_line() -> None:
    assert waterfall(a_hedged_turn(), 74, deadline_ms=1200.0) == [
        "turn 1 · answered · llm · first words 800 ms · longest pause 1100 ms ·",
        "  2000 ms in all · $0.00310",
        "runpod  first    ···············░░░░░░░░         lost, cancelled  $0.00280",
        "llm     hedge           ···░░██████████████████  won  $0.00030",
        "said                 f       ▲     │         ▲",
        "                 0                 │1200   2000",
    ]


def test_a_turn_that_is_open_is_drawn_as_it_is_now() -> None:
    turn = Turn(3, "my sink leaks", "key", rungs=[Rung("runpod", Why.FIRST, 0.0)])

    lines = waterfall(turn, 80, now_ms=400.0)

    assert lines[0] == "turn 4 · still open"
    assert lines[1].endswith("·  writing")
    assert lines[-1].endswith("400")


@pytest.mark.parametrize(
    ("rung", "outcome"),
    [
        (Rung("r", Why.FIRST, 0.0, outcome=Outcome.FAILED, error="RouteDown"), "failed: RouteDown"),
        (Rung("r", Why.FIRST, 0.0, outcome=Outcome.BROKE, error="ReplyStalled"), "broke: ReplyStalled"),
        (Rung("r", Why.FIRST, 0.0, outcome=Outcome.LOST, was_cancelled=True), "lost, cancelled"),
        (Rung("r", Why.FIRST, 0.0, was_cancelled=True), "stopped, cancelled"),
        (Rung("r", Why.FIRST, 0.0, outcome=Outcome.WON), "won"),
    ],
)
def test_what_became_of_a_route_is_one_word_or_two(rung: Rung, outcome: str) -> None:
    turn = Turn(0, "hi", "key", ending=Ending.INTERRUPTED, rungs=[rung])

    assert [bar.outcome for bar in bars_of(turn)] == [outcome]


def test_a_route_that_never_wrote_waits_to_its_end_and_a_quick_one_is_still_seen() -> None:
    waits = Rung("runpod", Why.FIRST, 0.0, ended_ms=1000.0, outcome=Outcome.FAILED)
    quick = Rung("embedded", Why.FAILED, 1000.0, token_ms=1000.1, clause_ms=1000.2, ended_ms=1000.3)
    turn = Turn(0, "hi", "key", ending=Ending.ANSWERED, rungs=[waits, quick])

    first, second = waterfall(turn, 80)[1:3]

    assert "░" not in first
    assert "█" not in first
    assert second.count("█") == 1


def test_bars_end_where_the_turn_was_stopped_when_they_have_no_end() -> None:
    turn = a_hedged_turn(ending=Ending.INTERRUPTED)
    turn.rungs[1].ended_ms = turn.rungs[1].outcome = None

    assert [bar.end_ms for bar in bars_of(turn)] == [1500.0, 2000.0]
    assert bars_of(turn)[1].outcome == "stopped"


@pytest.mark.parametrize("width", [0, 20, MIN_WIDTH, 61, 79, 120, 10_000])
@pytest.mark.parametrize("deadline_ms", [None, 0.0, 1200.0, 1999.0, 2000.0, 60_000.0])
def test_no_line_is_wider_than_it_may_be(width: int, deadline_ms: float | None) -> None:
    turn = a_hedged_turn()
    turn.rungs.append(Rung("a-route-with-a-very-long-name", Why.GOES_ON, 1e6, outcome=Outcome.FAILED))
    turn.rungs[-1].error = "AnErrorWhoseNameGoesOnAndOnAndOn"

    lines = waterfall(turn, width, deadline_ms=deadline_ms)

    assert max(map(len, lines)) <= min(200, max(MIN_WIDTH, width))
    assert all("\n" not in line for line in lines)


def test_nobodys_words_are_in_it() -> None:
    turn = a_hedged_turn()
    turn.rungs[0].wrote = "Which unit?"

    text = "\n".join(waterfall(turn))

    assert "sink" not in text
    assert "unit" not in text


def test_a_turn_without_anything_ends_when_it_began() -> None:
    turn = Turn(0, "hi", "key", ending=Ending.HUNG_UP)

    assert end_of(turn, now_ms=500.0) == 0.0
    assert waterfall(turn)[0] == "turn 1 · hung up"
