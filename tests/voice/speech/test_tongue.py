"""In `multi` a sentence is read in the language that it is in, where that is sure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.speech.aloud import Reader
from voice.speech.tongue import ENGLISH_WORDS, OTHER_WORDS, SPANISH_WORDS, tongue_of
from voice.types import Chunk


def read(*sentences: str, asked: str = "") -> str:
    reader = Reader("multi", (), asked)
    return " ".join(reader.read(Chunk(one, one)).text for one in sentences)


@pytest.mark.parametrize(
    ("sentence", "tongue"),
    [
        ("Rent is $1,250.", "en"),
        ("Call 512-555-0134.", "en"),
        ("Open 9 to 5, Monday to Friday.", "en"),
        ("La renta es de $1,250.", "es"),
        ("¿Son 20?", "es"),
        ("Llame al 512-555-0134.", "es"),
        ("Abrimos de 9 a 5, de lunes a viernes.", "es"),
        ("$20", None),
        ("Jennifer Martinez, 4B", None),
        ("Estamos en Av. Juárez 12.", "es"),
        ("Quedan 21 unidades en una calle.", "es"),
        ("Le loyer est de 1250 dollars.", None),
        ("O aluguel é de 1250 reais, vence no dia 3.", None),
        ("L'affitto è di 1250 euro.", None),
        ("Der Preis ist 20 Euro.", None),
        ("De huur is 1250 euro.", None),
        ("Аренда стоит 1250 долларов.", None),
        ("", None),
    ],
)
def test_small_words_and_letters_tell_the_language(sentence: str, tongue: str | None) -> None:
    assert tongue_of(sentence) == tongue


def test_no_word_speaks_for_two_languages() -> None:
    assert not ENGLISH_WORDS & SPANISH_WORDS
    assert not OTHER_WORDS & (ENGLISH_WORDS | SPANISH_WORDS)


def test_each_sentence_is_read_in_its_own_language() -> None:
    assert read("Rent is $20. La renta es de $20. Der Preis ist $20.") == (
        "Rent is twenty dollars. La renta es de veinte dólares. Der Preis ist $20."
    )


def test_a_sentence_of_numbers_goes_on_in_the_language_before_it() -> None:
    assert read("La renta vence hoy.", "$20.") == "La renta vence hoy. veinte dólares."


def test_a_reply_that_begins_with_a_number_is_read_in_the_callers_language() -> None:
    assert read("$20.", asked="¿Cuánto cuesta?") == "veinte dólares."
    assert read("$20.", asked="How much is it?") == "twenty dollars."
    assert read("$20.", asked="Wie viel?") == "$20."


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Ok. $20.", "Ok. twenty dollars."),
        ("Hello, $20.", "Hello, twenty dollars."),
        ("Done! $20", "Done! twenty dollars"),
        ("Total $45.50.", "Total forty five dollars fifty cents."),
        ("No problem, $5.", "No problem, five dollars."),
    ],
)
def test_where_nothing_tells_a_language_it_is_english(written: str, said: str) -> None:
    assert read(written) == said


def test_where_nothing_tells_the_callers_words_do_then_those_of_the_call() -> None:
    assert read("Ok. $20.", asked="¿Cuánto debo?") == "Ok. veinte dólares."
    assert [read("$20.", asked=words) for words in ("What do I owe?", "When do I pay?", "hello")] == (
        ["twenty dollars."] * 3
    )
    newest_first = ("200", "Hola, ¿cuánto cuesta?", "Hello")
    reader = Reader("multi", (), newest_first)
    assert reader.read(Chunk("Ok. $20.", "Ok. $20.")).text == "Ok. veinte dólares."


def test_a_beginning_that_tells_nothing_waits_for_the_sentence_that_does() -> None:
    assert read("Ok. $20. La renta es $30.") == "Ok. veinte dólares. La renta es treinta dólares."
    assert read("Ok. $20.", "La renta es $30.") == "Ok. twenty dollars. La renta es treinta dólares."


def test_son_before_an_amount_is_spanish_and_elsewhere_a_child() -> None:
    assert read("Son $45.50. The total is $20.") == (
        "Son cuarenta y cinco dólares cincuenta centavos. The total is twenty dollars."
    )
    assert read("My son pays $20.") == "My son pays twenty dollars."


def test_a_day_of_the_north_is_said_in_the_language_of_its_sentence() -> None:
    assert read("La renta vence el 3/14.") == "La renta vence el catorce de marzo."


def test_a_short_form_with_a_dot_does_not_part_a_sentence() -> None:
    assert read("Dr. Lee is at Oak St. today.") == "Doctor Lee is at Oak Street today."


@given(st.text(max_size=300))
def test_no_text_makes_it_fail(text: str) -> None:
    assert isinstance(read(text), str)
    assert tongue_of(text) in ("en", "es", None)
