"""The promises: what keeps them, what misses them, and what a busy machine leaves unsure."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from voice.cli.bench.marks import MAX_EXCUSED, PACED_CPU, PER_CORE, WRONG_WORDS, Marked, marked
from voice.cli.bench.picture import picture
from voice.cli.bench.playing import Held
from voice.cli.bench.rounds import Round, Rounds
from voice.cli.bench.run import Measured
from voice.cli.bench.shapes import SHAPES
from voice.cli.bench.show import show
from voice.cli.bench.stages import STAGES
from voice.cli.bench.words import Faults


def a_measured(
    shape: str, cpu_ms: float, floor_ms: float = 1.0, *, door: str = "vapi", **figures: object
) -> Measured:
    one = Round(turns=10, wall_s=1.0, cpu_ms=cpu_ms, added=[0.5] * 99 + [8.0, 20.0], first=[150.0] * 101)
    for name, value in figures.items():
        setattr(one, name, value)
    floor = Rounds([Round(turns=10, wall_s=1.0, cpu_ms=floor_ms)])
    return Measured(door, SHAPES[shape], Rounds([one]), floor)  # type: ignore[arg-type]  # a door's name


def by_name(*measured: Measured) -> dict[str, Marked]:
    return {one.mark.name: one for one in marked(measured)}


@pytest.mark.parametrize(
    ("value", "verdict"), [(1.9, "goal"), (2.0, "goal"), (3.0, "must"), (4.0, "must"), (4.01, "missed")]
)
def test_less_is_better_up_to_what_must_be(value: float, verdict: str) -> None:
    assert PACED_CPU.verdict(value, is_calm=True) == verdict


@pytest.mark.parametrize(("value", "verdict"), [(700.0, "goal"), (345.0, "must"), (344.0, "missed")])
def test_of_turns_a_second_more_is_better(value: float, verdict: str) -> None:
    assert PER_CORE.verdict(value, is_calm=True) == verdict


def test_a_busy_machine_leaves_a_time_unsure_and_excuses_no_lost_word() -> None:
    assert PACED_CPU.verdict(9.0, is_calm=False) == "unsure"
    assert PACED_CPU.verdict(3.0, is_calm=False) == "must"
    assert WRONG_WORDS.verdict(1, is_calm=False) == "missed"


def test_every_promise_of_the_paced_streams_is_marked() -> None:
    found = by_name(a_measured("b-200", 2.5))

    assert found["cpu_paced"].value == 2.5
    assert found["per_core"].value == 400.0
    assert found["added_p50"].value == 0.5
    assert found["added_p99"].value == 8.0
    assert found["added_p99"].verdict == "must"


def test_growth_is_many_streams_to_few() -> None:
    found = by_name(a_measured("a-c16", 2.0), a_measured("a-c64", 2.2))

    assert found["cpu_growth"].value == pytest.approx(1.1)
    assert found["cpu_burst"].value == 2.0


def test_the_ratio_to_an_echo_is_no_promise() -> None:
    found = by_name(a_measured("b-200", 9.0, door="gather"))

    assert "cpu_paced" not in found
    assert found["errors"].verdict == "goal"


def test_turns_that_another_route_answered_on_a_busy_machine_are_excused_until_it_is_most_of_them() -> None:
    some, most = (
        by_name(a_measured("b-200", 2.0, waited=0.5, helped=helped))["helped"] for helped in (20, 90)
    )

    assert some.verdict == "unsure"
    assert most.value > MAX_EXCUSED
    assert most.verdict == "missed"


@pytest.mark.parametrize(("helped", "verdict"), [(0, "goal"), (30, "must"), (101, "missed")])
def test_a_route_that_answers_hardly_any_turn_is_missed_on_any_machine(helped: int, verdict: str) -> None:
    one = a_measured("b-200", 2.5, helped=helped, waited=0.5)
    one.numbered, one.route = False, "llm"

    assert by_name(one)["route_helped"].verdict == verdict
    assert "route_helped" not in by_name(a_measured("b-200", 2.5))


def test_what_a_route_did_not_answer_is_said_and_the_signs_are_explained(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = a_measured("b-200", 2.5, helped=101)
    one.route = "llm"

    show([one], marked([one]))

    out = capsys.readouterr().out
    assert "route 'llm' did not answer 101 of 101 turns" in out
    assert all(sign in out for sign in ("✓✓ reaches", "✓ keeps", "✗ misses", "? misses"))


def test_a_bar_that_is_cut_says_how_many_times_what_is_allowed_it_is() -> None:
    drawn = picture([], marked([a_measured("b-200", 26.0)]), datetime(2026, 11, 21, tzinfo=UTC))

    assert ">6.5 ×<" in drawn


def test_wrong_words_are_summed_over_all_shapes_of_a_door() -> None:
    found = by_name(
        a_measured("a-c16", 2.0, faults=Faults(lost=1)), a_measured("b-200", 2.0, faults=Faults(doubled=2))
    )

    assert found["wrong_words"].value == 3
    assert found["wrong_words"].verdict == "missed"


def test_what_a_busy_machine_may_also_make_better_stays_unsure_on_it() -> None:
    few, many = a_measured("a-c16", 2.0, waited=0.5), a_measured("a-c64", 1.9, waited=0.5)

    assert by_name(few, many)["cpu_growth"].verdict == "unsure"


def test_of_words_that_nobody_numbered_nothing_is_promised() -> None:
    one = a_measured("b-200", 2.0)
    one.numbered = False

    found = by_name(one)

    assert "wrong_words" not in found
    assert "helped" not in found
    assert found["errors"].verdict == "goal"


def test_memory_is_told_only_while_all_streams_are_open() -> None:
    found = by_name(
        Measured("vapi", SHAPES["c-idle1000"], held=Held(1000, 900, left_open=0, gone_s=0.5, rss_mb=95.0))
    )

    assert found["stayed_open"].value == 900
    assert found["stayed_open"].verdict == "missed"
    assert "memory" not in found


@pytest.mark.parametrize(("calm", "verdict"), [(True, "missed"), (False, "unsure")])
def test_streams_left_open_at_the_host_are_told(calm: bool, verdict: str) -> None:
    held = Held(1000, 1000, left_open=3, gone_s=1.0, rss_mb=95.0, is_calm=calm)

    found = by_name(Measured("vapi", SHAPES["c-idle1000"], held=held))

    assert found["memory"].verdict == "goal"
    assert found["left_open"].verdict == verdict


def test_the_picture_is_an_image_that_says_every_figure() -> None:
    one = a_measured("b-200", 2.5)
    one.stages = {"stages": dict.fromkeys(STAGES, 0.1), "threads": {"store": 0.1}}

    drawn = picture([one], marked([one]), datetime(2026, 11, 21, tzinfo=UTC))

    words = " ".join(ElementTree.fromstring(drawn).itertext())
    assert "2.50 × floor" in words
    assert "make it speakable 0.31 ms" in words  # an eighth of the turn's CPU


def test_a_picture_of_nothing_is_an_image_too() -> None:
    assert ElementTree.fromstring(picture([], [], datetime(2026, 11, 21, tzinfo=UTC))).tag.endswith("svg")
