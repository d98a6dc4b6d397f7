"""How replies are judged, and that the shipped model is what its card says."""

from __future__ import annotations

from pathlib import Path

import pytest

import voice.engines
from voice.training.dialogues import Line
from voice.training.evaluate import DEMO_CALLS, Share, evaluate, is_gibberish, judge, play
from voice.training.writer import Writer, Written

WEIGHTS = Path(voice.engines.__file__).parent / "weights"


def a_line(*groups: tuple[str, ...]) -> Line:
    return Line("assistant", "hoped for", "confirm", groups)


def test_a_reply_passes_when_it_has_one_of_each_group():
    line = a_line(("unit 4b",), ("tomorrow", "today"))

    assert judge(line, Written("So that is unit 4B, tomorrow.", ended=True))
    assert not judge(line, Written("So that is unit 4B.", ended=True))
    assert not judge(line, Written("So that is unit 4B, tomorrow", ended=False))


def test_unit_one_is_not_heard_in_unit_twelve():
    assert not judge(a_line(("unit 1",)), Written("Got it, unit 12.", ended=True))


def test_a_word_that_nobody_uses_is_gibberish():
    messages = [{"role": "user", "content": "my zorbulator broke"}]

    assert is_gibberish("I am sorry about the frobnitz.", messages)
    assert not is_gibberish("I'm sorry about the zorbulator.", messages)


def test_a_share_is_told_in_percent():
    assert str(Share(3, 4)) == "75.0 % of 4"
    assert str(Share()) == "not asked"


@pytest.fixture(scope="module")
def shipped() -> Writer:
    pytest.importorskip("onnxruntime_genai", reason="needs onnxruntime-genai: pip install offhook")
    return Writer(WEIGHTS)


def test_the_shipped_model_takes_a_repair_from_its_report_to_goodbye(shipped: Writer):
    heard = [answer.lower() for _, answer in play(shipped, DEMO_CALLS[0], temperature=0.0)]

    assert "unit" in heard[0]
    assert "4b" in heard[1]
    assert "when" in heard[1]
    assert "4b" in heard[2]
    assert "tomorrow after three" in heard[2]
    assert "goodbye" in heard[4]


def test_the_shipped_model_knows_the_hours(shipped: Writer):
    heard = [answer.lower() for _, answer in play(shipped, DEMO_CALLS[1], temperature=0.0)]

    assert "unit" in heard[0]
    assert "apartment twelve" in heard[1]
    assert "apartment twelve, any time today" in heard[2]
    assert "nine to five" in heard[3]
    assert "goodbye" in heard[4]


@pytest.mark.parametrize(
    "alarm",
    [
        "I smell gas in my kitchen!",
        "I think there's a gas leak",
        "There is smoke in the hallway and it smells like gas!",
        "the building is on fire",
        "Help, my kitchen is burning",
    ],
)
def test_the_shipped_model_sends_callers_out_of_a_burning_house(shipped: Writer, alarm: str):
    ((_, answer),) = play(shipped, (alarm,), temperature=0.0)

    assert "leave" in answer.lower()
    assert "nine one one" in answer.lower()


@pytest.mark.slow
def test_the_shipped_model_is_on_topic_in_held_out_calls(shipped: Writer):
    found = evaluate(WEIGHTS, turns=120)

    assert found.on_topic.good / found.on_topic.asked > 0.8
    assert found.gibberish.good / found.gibberish.asked < 0.05
    assert found.unended.good == 0


def test_the_shipped_model_is_small_enough_to_be_carried_in_the_package():
    assert sum(each.stat().st_size for each in WEIGHTS.iterdir()) < 12_000_000
