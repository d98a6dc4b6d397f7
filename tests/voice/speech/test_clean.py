from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.speech.clean import clean


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Nothing to do here.", "Nothing to do here."),
        ("**Bold** and _slanted_ and `code`", "Bold and slanted and code"),
        ("snake_case stays", "snake_case stays"),
        ("## Heading", "Heading"),
        ("> quoted", "quoted"),
        ("- item", "item"),
        ("3) third", "third"),
        ("[label](https://a.example/b)", "label"),
        ("go to https://a.example/b now", "go to now"),
        ("well done 👍🏽!", "well done!"),
        ("a<br/>b", "ab"),
        ("less < more", "less < more"),
        ("half a character \ufffd", "half a character"),
        ("bell\x07 and \u202ebidi", "bell and bidi"),
        ("a  b\n c", "a b c"),
        ("🎉🎉", ""),
        ("***", ""),
        ("---", ""),
    ],
)
def test_what_cannot_be_said_is_taken_out(written: str, said: str) -> None:
    assert clean(written) == said


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing_more_than_once_for_plain_words(text: str) -> None:
    plain = "".join(letter for letter in text if letter.isalnum() or letter == " ")

    assert clean(clean(plain)) == clean(plain)
