"""What the caller heard of a spoken form, in the words that the model wrote."""

from __future__ import annotations

import pytest

from tests.builders import a_turn
from voice.speech.aloud import Reader
from voice.speech.chunk import Chunker
from voice.threads.thread import Thread
from voice.threads.wording import as_written, heard_wording, spoken_until, worded_asides, wording
from voice.types import Aside, Chunk, Ending, Message, Reading, Turn, Utterance

REPLY = "Rent is $1,250, due on 3/14. Call (512) 555-0134."


def a_spoken_turn(reply: str = REPLY, **changes: object) -> Turn:
    turn, chunker, reader = Turn(0, "How much?", "key"), Chunker(), Reader("en-US", ())
    for chunk in [*chunker.feed(reply), *chunker.end()]:
        turn.add(reader.read(chunk), 100.0)
    turn.ending = Ending.ANSWERED
    for name, value in changes.items():
        setattr(turn, name, value)
    return turn


def test_a_reply_is_remembered_as_its_model_wrote_it() -> None:
    turn = a_spoken_turn()

    assert turn.spoken.startswith("Rent is one thousand two hundred fifty dollars, due on March fourteenth.")
    assert wording(turn) == REPLY


@pytest.mark.parametrize(
    ("heard", "words"),
    [
        ("", ""),
        ("Rent is", "Rent is"),
        ("Rent is one thousand two", "Rent is"),
        ("Rent is one thousand two hundred fifty dollars,", "Rent is $1,250,"),
        ("Rent is one thousand two hundred fifty dollars, due on March", "Rent is $1,250, due on"),
        (
            "Rent is one thousand two hundred fifty dollars, due on March fourteenth.",
            "Rent is $1,250, due on 3/14.",
        ),
    ],
)
def test_after_a_barge_in_the_thread_holds_the_words_whose_reading_was_heard(heard: str, words: str) -> None:
    assert heard_wording(a_spoken_turn(heard=heard)) == words


def test_the_next_prompt_holds_the_models_own_words() -> None:
    thread = Thread("", [a_spoken_turn(heard="Rent is one thousand two hundred fifty dollars,")])

    thread.begin(Utterance("When?", heard_at=0.0))

    assert thread.messages()[1] == Message("assistant", "Rent is $1,250,")


def test_what_was_said_besides_stands_where_it_was_heard() -> None:
    turn = a_spoken_turn("It is $5. Come by.")
    turn.asides = (Aside("One moment.", len("It is five dollars.")),)

    assert worded_asides(turn) == (Aside("One moment.", len("It is $5.")),)


@pytest.mark.parametrize(
    "written", ["", "Rent", "Rent is", "Rent is $1,250", "Rent is $1,250, due on 3/14. Call", REPLY]
)
def test_the_beginning_of_the_words_is_found_in_the_spoken_form(written: str) -> None:
    turn = a_spoken_turn()

    turn.heard = spoken_until(turn, written)

    assert heard_wording(turn) == written


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("rent is 1250", "Rent is $1,250"),
        ("Rent is $1,250, due", "Rent is $1,250, due"),
        ("rent is one thousand two hundred fifty dollars due on", "Rent is $1,250, due on"),
    ],
)
def test_a_platforms_transcript_in_digits_or_in_words_tells_the_same(told: str, words: str) -> None:
    thread = Thread("", [a_spoken_turn()])

    thread.reconcile([Message("user", "How much?"), Message("assistant", told), Message("user", "When?")])

    assert heard_wording(thread.turns[0]) == words


def test_what_is_left_of_a_chunk_keeps_what_its_places_stand_for() -> None:
    said = "Rent is five dollars, code A B one two."
    readings = (Reading(8, 20, "$5"), Reading(27, 38, "AB12", "code"))
    chunk = Chunk(said, "Rent is $5, code AB12.", readings=readings)

    rest, cut = chunk.rest("code A B one two."), chunk.rest("dollars, code A B one two.")

    assert as_written(rest.text, rest.readings) == "code AB12."
    assert as_written(cut.text, cut.readings) == "dollars, code AB12."  # read in part: as words
    assert chunk.rest(said).readings == readings


def test_asides_are_read_as_they_were_written() -> None:
    turn = a_turn(spoken="It is five dollars.")
    turn.readings = (Reading(6, 18, "$5"),)
    turn.asides = (Aside("He comes at nine AM.", 19, (Reading(12, 19, "9 am"),)),)

    assert worded_asides(turn) == (Aside("He comes at 9 am.", len("It is $5.")),)
