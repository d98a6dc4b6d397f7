from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.speech.aloud import Reader, aloud, locale_of
from voice.speech.chunk import Chunker
from voice.speech.lexicon import Lexicon
from voice.threads.wording import as_written
from voice.types import Chunk

PIECES = st.sampled_from(
    (
        "Rent is $1,250/mo", ", ", ". ", "due on 3/14", " at 2:30 pm", "Call (512) 555-0134",
        "\n- ", "\n1. ", "**bold**", "[label](https://x.example/a)", "`code`", "🎉", " a@b.com ",
        "<b>", "</b>", "Apt. 4B", "#305", "~~old~~", "24/7", " & ", "Dr. Lee", " and ", "*sighs*",
        "\u202e", "5–7", "x^2", "¿Qué? ", "(", "[", "\\", "%", "\x00", "\ud800", "…", "— ",
        "e.g. ",
    )
)  # fmt: skip


def chunks_aloud(reply: str, language: str = "en-US") -> list[Chunk]:
    chunker, reader = Chunker(), Reader(language, ())
    return [reader.read(chunk) for chunk in [*chunker.feed(reply), *chunker.end()]]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "**Rent** is $1,250/mo, due on 3/14 at 2:30 pm. Call (512) 555-0134 or a@b.com 🎉",
            "Rent is one thousand two hundred fifty dollars per month, due on March fourteenth at two thirty "
            "PM. Call five one two, five five five, zero one three four or a at b dot com",
        ),
        ("1. Call the office\n2. Pay $5", "one, Call the office. two, Pay five dollars"),
        ("- [ ] Sign\n- [x] Pay", "Sign. Pay"),
        ("<think>no</think>Unit 4B.", "Unit four B."),
        ('{"name": "ticket"}', ""),
        ("COMPLETED", ""),
        ("", ""),
    ],
)
def test_a_text_is_said_as_a_person_would_say_it(written: str, said: str) -> None:
    assert aloud(written) == said


def test_a_name_is_said_as_the_agents_lexicon_has_it() -> None:
    assert (
        aloud("Xcel bills you $5.", lexicon=Lexicon({"Xcel": "ex cell"})) == "ex cell bills you five dollars."
    )


def test_spanish_numbers_are_said_in_spanish_and_other_languages_are_only_cleaned() -> None:
    assert aloud("Son **$20**.", locale_of("es-MX")) == "Son veinte dólares."
    assert aloud("Das sind **20** Euro.", locale_of("de-DE")) == "Das sind 20 Euro."


def test_what_was_said_before_decides_how_a_number_is_read() -> None:
    said = " ".join(chunk.text for chunk in chunks_aloud("Your confirmation code is: 4821. Thank you."))

    assert said == "Your confirmation code is: four eight two one. Thank you."


@given(st.lists(PIECES, max_size=12).map("".join))
def test_a_spoken_chunk_can_be_read_back_as_its_words(reply: str) -> None:
    chunker, reader = Chunker(), Reader("en-US", ())
    for written in [*chunker.feed(reply), *chunker.end()]:
        read = reader.read(written)

        assert as_written(read.text, read.readings) == written.text


@given(st.lists(PIECES, max_size=12).map("".join))
def test_whatever_is_said_stands_on_one_line_and_can_be_sent(reply: str) -> None:
    said = aloud(reply)

    assert "\n" not in said
    assert said.encode().decode() == said
    assert not set("*`|~<>\\") & set(said)


@given(st.text(max_size=400))
def test_no_text_makes_it_fail(text: str) -> None:
    assert isinstance(aloud(text), str)
