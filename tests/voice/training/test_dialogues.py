"""The dialogues that the small model learns from: the same from the same seed, and never nonsense."""

from __future__ import annotations

import re
import subprocess
import sys
from random import Random

import pytest

from voice.training.dialogues import Dialogue, conversation, dialogue, row_setting, slots
from voice.training.dialogues.drills import REMEMBER, REPEAT
from voice.training.dialogues.grammar import Split, phrases, pick, render, wordings
from voice.training.dialogues.settings import greeting, persona

SEED = 11


def some(count: int, split: Split = "train") -> list[Dialogue]:
    return [dialogue(SEED, row, 0, split) for row in range(count)]


def test_the_same_seed_writes_the_same_dialogues_and_another_seed_others():
    first, again, other = dialogue(3, 17, 2), dialogue(3, 17, 2), dialogue(4, 17, 2)

    assert first == again
    assert first.lines != other.lines


def test_dialogues_hardly_ever_repeat():
    written = {tuple(line.text for line in found.lines) for found in some(3000)}

    assert len(written) > 2900


def test_no_slot_or_choice_is_left_unfilled():
    for found in some(1500) + some(1500, "held_out"):
        for line in found.lines:
            assert line.text
            assert not re.search(r"[{}()|<>]|\s\s|\.\.", line.text), line.text


def test_every_hoped_for_reply_passes_its_own_judgement():
    for found in some(1500) + some(1500, "held_out"):
        for line in found.lines:
            if line.who == "assistant" and line.learn:
                for group in line.must:
                    assert any(each in line.text.lower() for each in group), line


def test_a_confirmation_repeats_unit_and_time_as_the_caller_said_them():
    confirmed = 0
    for found in some(800):
        said = " ".join(line.text.lower() for line in found.lines if line.who == "user")
        for line in found.lines:
            if line.act == "confirm" and line.learn:
                confirmed += 1
                for (value,) in line.must:
                    bare = value.removeprefix("unit ")  # the agent puts "unit" before a bare number
                    assert bare in said, (value, said)
    assert confirmed > 100


def test_replies_are_short_and_speakable():
    for found in some(1500):
        for line in found.lines:
            if line.who == "assistant" and line.act != "drill":
                assert len(re.findall(r"[.?!](?:\s|$)", line.text)) <= 5, line.text
                assert not re.search(r"[*#_`•$%&/\\]", line.text), line.text


def test_gas_fire_and_smoke_are_answered_with_leave_and_nine_one_one():
    alarms = [line for found in some(3000) for line in found.lines if line.act == "gas_fire" and line.learn]

    assert len(alarms) > 100
    for line in alarms:
        assert "leave the building now" in line.text.lower()
        assert "nine one one" in line.text


def test_the_shipped_persona_stands_before_more_than_a_third_of_the_calls():
    settings = [row_setting(SEED, row) for row in range(4000, 6000)]

    shipped = sum(1 for each in settings if each.system and each.system.startswith(persona()))

    assert shipped > 700
    assert any(each.system is None for each in settings)
    assert any(line.text == greeting() for found in some(50) for line in found.lines)


def test_exercises_stand_in_training_only():
    exercises = {REPEAT, REMEMBER}

    assert any(row_setting(SEED, row).system in exercises for row in range(200))
    assert not any(row_setting(SEED, row, "held_out").system in exercises for row in range(2000))


def test_some_wordings_are_kept_for_the_evaluation():
    told = [f"wording {number}" for number in range(14)]
    rng = Random(1)

    learned = {pick(rng, told, "train") for _ in range(500)}
    asked = {pick(rng, told, "held_out") for _ in range(500)}

    assert asked - learned == {"wording 5", "wording 12"}
    assert learned < asked


def test_callers_speak_in_both_styles_of_speech_to_text():
    texts = [line.text for found in some(400, "held_out") for line in found.lines if line.who == "user"]

    assert sum(1 for each in texts if each == each.lower() and not each.endswith((".", "?"))) > 200
    assert sum(1 for each in texts if each[0].isupper() and each.endswith((".", "?"))) > 400


def test_a_conversation_begins_with_the_system_prompt_where_there_is_one():
    for found in some(60):
        roles = [message["role"] for message in conversation(found)]
        assert roles.count("system") == (0 if found.where.system is None else 1)
        assert all(role != "system" for role in roles[1:])


@pytest.mark.parametrize(
    ("number", "spoken"),
    [
        (7, "seven"),
        (12, "twelve"),
        (40, "forty"),
        (93, "ninety three"),
        (304, "three oh four"),
        (1200, "twelve hundred"),
        (2987, "twenty nine eighty seven"),
    ],
)
def test_door_numbers_are_spoken_as_people_say_them(number: int, spoken: str):
    assert slots.number_words(Random(0), number) == spoken


def test_telephone_numbers_belong_to_nobody():
    for number in range(300):
        said = slots.phone(Random(number))
        digits = re.sub(r"\D", "", said)
        assert re.search(r"555-?01\d\d$", said) or re.search(r"five five five, (oh|zero) one", said), said
        assert len(digits) in (0, 7, 10)


def test_nested_choices_are_made_and_marks_sit_on_the_word_before():
    assert render(Random(0), "a (b (c|c)|b c) , {x} (|) .", {"x": "d"}) == "a b c, d."


@pytest.mark.parametrize("name", ["problems", "openings", "answers", "questions", "special", "values"])
def test_every_choice_in_the_files_of_wordings_is_closed(name: str):
    def walk(found: object) -> None:
        if isinstance(found, dict):
            for each in found.values():
                walk(each)
        elif isinstance(found, list) and found and isinstance(found[0], str):
            for each in wordings(found):
                assert each.count("(") == each.count(")"), each
                assert each.count("{") == each.count("}"), each

    walk(phrases(name))


def test_importing_the_training_room_loads_nothing_heavy():
    code = (
        "import sys, voice.training;"
        "from voice.training import evaluate, export, train;"
        "print([m for m in ('torch', 'transformers', 'tokenizers', 'onnxruntime_genai') if m in sys.modules])"
    )

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"
