"""What a round says of a server: only the server's own time, and whether the machine let it work."""

from __future__ import annotations

import pytest

from voice.cli.bench.callers import Heard
from voice.cli.bench.host import Pace
from voice.cli.bench.proc import Machine, Usage
from voice.cli.bench.rounds import Round, Rounds
from voice.cli.bench.words import tokens

PACE = Pace(first_s=0.1, every_s=0.01, words=12)
MARK = (100.002, [100.2 + 0.01 * word for word in range(12)])  # asked at 100.002; the first word 198 ms later


def a_turn(number: int = 5, due_at: float = 100.0, *, late_s: float = 0.0) -> Heard:
    """Twelve words in two pieces: the first at once, the others with the last of them."""
    first, *others = tokens(number, 12)
    pieces = [(100.203 + late_s, first), (100.314 + late_s, "".join(others))]
    return Heard(number, due_at, pieces, 100.32)


@pytest.mark.parametrize(("turns", "p95", "p99"), [(19, None, None), (20, 19.0, None), (100, 95.0, 99.0)])
def test_a_percentile_is_told_only_where_enough_turns_were_played(
    turns: int, p95: float | None, p99: float | None
) -> None:
    taken = [float(one + 1) for one in range(turns)]
    rounds = Rounds([Round(turns=turns, wall_s=1.0, added=taken)])

    assert rounds.place(lambda one: one.added, 95) == p95
    assert rounds.place(lambda one: one.added, 99) == p99
    assert rounds.place(lambda one: one.added, 50) is not None


@pytest.mark.parametrize(
    ("measured", "answered", "helped"),
    [
        ("llm", {"llm": 4}, 0),
        ("llm", {"llm": 1, "embedded": 2, "": 1}, 3),
        ("runpod", {"runpod": 1, "runpod-2": 3}, 0),
        ("runpod", {"runpod-emergency": 4}, 4),
    ],
)
def test_turns_that_another_route_answered_are_help(
    measured: str, answered: dict[str, int], helped: int
) -> None:
    one = Round(turns=4, first=[1.0] * 4)

    one.answered_by(answered, measured)

    assert one.helped == helped


def a_round(**figures: float) -> Round:
    one = Round(wall_s=2.0)
    for name, value in figures.items():
        setattr(one, name, value)
    return one


def test_what_is_added_is_the_wait_less_the_hosts_own_time() -> None:
    one = Round()

    one.hear([a_turn()], {5: MARK}, PACE, budget_s=1.2)

    assert one.first == [pytest.approx(203)]
    assert one.added == [pytest.approx(5)]  # 2 ms on the way in, 3 ms on the way out
    assert one.later == [pytest.approx(6)]  # of the piece that the last word completes
    assert one.gaps == [pytest.approx(111)]
    assert (one.late, one.helped, bool(one.faults)) == (0, 0, False)


def test_without_a_mark_the_host_is_taken_to_have_kept_its_pace() -> None:
    one = Round()

    one.hear([a_turn()], {}, PACE, budget_s=1.2)

    assert one.added == [pytest.approx(103)]


def test_a_turn_is_late_from_the_instant_at_which_it_was_due() -> None:
    one = Round()

    one.hear([a_turn(due_at=98.9)], {5: MARK}, PACE, budget_s=1.2)

    assert one.late == 1
    assert one.first == [pytest.approx(1303)]


def test_words_that_the_model_did_not_write_are_help() -> None:
    heard = a_turn()
    heard.pieces.insert(0, (100.1, "One moment, please."))
    one = Round()

    one.hear([heard], {5: MARK}, PACE, budget_s=1.2)

    assert one.helped == 1
    assert one.added == []  # nothing of the model's was said first


def test_a_turn_without_an_end_is_an_error_and_nothing_else() -> None:
    one = Round()

    one.hear([Heard(1, 0.0, error="status 500")], {}, PACE, budget_s=1.2)

    assert (one.turns, one.errors, one.first) == (1, {"status 500": 1}, [])


def test_of_words_without_numbers_only_the_times_are_told() -> None:
    one = Round()

    one.hear([Heard(1, 0.0, [(0.4, "My own words.")], 0.4)], {}, None, budget_s=1.2)

    assert (one.first, one.added, one.helped, bool(one.faults)) == ([400.0], [], 0, False)


def test_cpu_is_told_per_turn_and_waiting_as_a_share() -> None:
    one = a_round(turns=100)
    before = Usage(cpu_s=1.0, waited_s=0.5, switched=10, rss=90_000_000, own_rss=80_000_000, processes=2)
    after = Usage(cpu_s=1.4, waited_s=0.52, switched=15, rss=95_000_000, own_rss=84_000_000, processes=2)

    one.use(before, after)

    assert one.cpu_ms == pytest.approx(4.0)
    assert (one.rss_mb, one.tree_mb, one.switched) == (84.0, 95.0, 5)
    assert one.waited == pytest.approx(0.01)
    assert one.is_calm


@pytest.mark.parametrize(
    ("waited", "stolen", "calm"), [(0.0, 0.0, True), (0.06, 0.0, False), (0.0, 0.03, False)]
)
def test_a_round_in_which_the_machine_was_taken_away_is_not_calm(
    waited: float, stolen: float, calm: bool
) -> None:
    assert a_round(waited=waited, stolen=stolen).is_calm is calm


def test_what_the_hypervisor_kept_is_a_share_of_all_cores() -> None:
    one = a_round()

    one.lose(Machine({0: 1.0, 1: 1.0}, 5.0), Machine({0: 2.0, 1: 2.0}, 5.2))

    assert one.stolen == pytest.approx(0.05)


def test_medians_are_those_of_the_calm_rounds() -> None:
    rounds = Rounds(
        [a_round(cpu_ms=ms, waited=waited) for ms, waited in ((9.0, 0.5), (3.0, 0.0), (4.0, 0.0))]
    )

    assert rounds.of(lambda one: one.cpu_ms) == 3.5
    assert rounds.are_calm


def test_where_no_round_was_calm_all_count_and_it_is_told() -> None:
    rounds = Rounds([a_round(cpu_ms=ms, waited=0.5) for ms in (9.0, 3.0, 4.0)])

    assert rounds.of(lambda one: one.cpu_ms) == 4.0
    assert not rounds.are_calm


def test_no_figure_of_a_system_that_tells_none() -> None:
    rounds = Rounds([Round()])
    rounds.rounds[0].use(None, None)
    rounds.rounds[0].lose(None, None)

    assert rounds.of(lambda one: one.cpu_ms) is None
    assert rounds.as_json()["cpu_ms_per_turn"] is None
