from __future__ import annotations

import pytest

from voice.speech.growing import growing


@pytest.mark.parametrize(
    ("text", "open_part"),
    [
        ("It is $1,", "$1,"),
        ("It is $1,250", "$1,250"),
        ("It is $5 ", "$5 "),
        ("Rent is due March 3, ", "March 3, "),
        ("call (512) ", "(512) "),
        ("call (512) 555-", "(512) 555-"),
        ("ask Dr. ", "Dr. "),
        ("on 3/1", "3/1"),
        ("in Apt. 4", "Apt. 4"),
        ("at 2 p.m", "2 p.m"),
        ("write to jane@oak.co", "jane@oak.co"),
        ("see https://oak.com/", "https://oak.com/"),
        ("code AB1", "AB1"),
        ("that", "that"),
        ("that is ", ""),
        ("well, ", ""),
        ("Sure, I can do that. ", ""),
        ("", ""),
        ("Open Mon ", "Mon "),
        ("It ended in 2026. ", ""),
        ("I have 3 dogs and ", ""),
        ("at (512) 555-0134 ext. ", "(512) 555-0134 ext. "),
        ("no. ", "no. "),
        ("I have 3/7 or ", "3/7 or "),
        ("on March 7, 8 and ", "March 7, 8 and "),
        ("call 512 - 555 - ", "512 - 555 - "),
        ("it has 12 ft ", "12 ft "),
        ("3 bd / ", "3 bd / "),
        ("on Tu ", "Tu "),
        ("the NW ", "NW "),
        ("pets or ", ""),
    ],
)
def test_the_part_that_more_text_may_change_is_held(text: str, open_part: str) -> None:
    assert text[growing(text) :] == open_part
