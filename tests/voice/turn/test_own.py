"""Lines that no model wrote are heard as replies are."""

from __future__ import annotations

import pytest

from tests.builders import an_agent
from voice.agents.speech import SpeechTable
from voice.threads.wording import as_written
from voice.turn.own import own_line, read_own_lines, said_at
from voice.types import Door

LINE = "Hi, this is Jamie at Oak Apts., call (512) 555-0134."
SAID = "Hi, this is Jamie at Oak Apartments, call five one two, five five five, zero one three four."


def test_a_line_is_read_aloud_and_its_words_are_kept() -> None:
    line = own_line(an_agent(), LINE)

    assert (line.text, line.sent) == (SAID, LINE)
    assert as_written(line.text, line.readings) == LINE


def test_the_agents_language_and_lexicon_count() -> None:
    agent = an_agent(language="es-MX", lexicon=(("Xcel", "equis cel"),))

    assert own_line(agent, "Xcel cobra $20.").text == "equis cel cobra veinte dólares."
    assert own_line(agent, "It is $20.", language="en-US").text == "It is twenty dollars."


def test_what_was_read_comes_back_unchanged() -> None:
    assert own_line(an_agent(), own_line(an_agent(), LINE).text).text == SAID


def test_the_lines_of_a_file_are_read_once_and_no_others_are_kept() -> None:
    agent = an_agent(greeting=LINE, voicemail="It is $5.")

    before = own_line(agent, LINE)
    read_own_lines(agent)

    assert own_line(agent, LINE) is own_line(agent, LINE) is not before
    assert own_line(agent, "It is $5.") is own_line(agent, "It is $5.")
    assert own_line(agent, "He is at 4B.") is not own_line(agent, "He is at 4B.")  # an operator's


def test_what_the_platform_fills_in_stays_as_it_is() -> None:
    assert own_line(an_agent(), "Hi {{customer.name}}, it is $5.").text == (
        "Hi {{customer.name}}, it is five dollars."
    )


@pytest.mark.parametrize("line", ["…", "🎉", "\n Hello,\n caller. "])
def test_no_line_is_lost(line: str) -> None:
    assert own_line(an_agent(), line).text == " ".join(line.split())


def test_marks_for_the_eye_are_not_heard() -> None:
    assert own_line(an_agent(), "**Help** is on its way.").text == "Help is on its way."


def test_a_line_is_spelled_as_the_voice_of_its_door_takes_it() -> None:
    agent = an_agent(speech=SpeechTable(vapi="spell"))

    assert said_at(agent, Door.VAPI, "Code AB12.") == "Code <spell>AB12</spell>."
    assert said_at(agent, Door.CHAT, "Code AB12.") == "Code A B one two."
