"""Words that prove who wrote them, and where in the reply they stand.

A scripted host writes no English: every word spells the number of its request and its own place, in
syllables that can be spoken ("bakidotiru"). So whoever listens can prove that no word was heard twice,
came from another turn's reply, or was written by no model at all. All hosts write the same reply to the
same words of a caller, place by place: one can go on where another has stopped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from zlib import crc32

SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
REQUESTS = len(SYLLABLES) ** 3  # in one run
PLACES = len(SYLLABLES) ** 2  # in one reply; an endless one begins anew
SENTENCE = 8  # words
CLAUSE = 3  # words of the first one, then a comma

_ORDER = re.compile(r"\border ([\w-]+)", re.IGNORECASE)
_MARKED = re.compile(r"\b(?:[bdfgklmnprstvz][aeiou]){5}\b", re.IGNORECASE)
_VALUES = {syllable: value for value, syllable in enumerate(SYLLABLES)}


def word(request: int, place: int) -> str:
    """The word at this place of the reply to this request."""
    return _spelled(request % REQUESTS, 3) + _spelled(place % PLACES, 2)


def read(text: str) -> list[tuple[int, int]]:
    """The request and the place of every marked word in a text."""
    return [(_value(found[:6]), _value(found[6:])) for found in _MARKED.findall(text.lower())]


def others(text: str) -> str:
    """What is left of a text without its marked words and the marks of sentences."""
    return re.sub(r"[\s.,!?…]+", " ", _MARKED.sub("", text)).strip()


def order_in(said: str) -> str:
    """The order that a caller's words are about: it tells them from all others. Else the words themselves."""
    orders = _ORDER.findall(said)
    return orders[-1] if orders else said


def length(order: str) -> int:
    """How many words the reply about an order has: one to four sentences."""
    return SENTENCE * (1 + crc32(order.encode(errors="replace")) % 4)


def written(request: int, places: Iterator[int] | range, last: int | None = None) -> Iterator[str]:
    """The words at these places as a model writes them, with spaces and marks; `last` ends the reply."""
    for place in places:
        text = word(request, place)
        if place % SENTENCE == 0:
            text = text.capitalize()
        if place % SENTENCE == SENTENCE - 1 or place == last:
            text += "."
        elif place == CLAUSE - 1:
            text += ","
        yield f" {text}" if place else text


def _spelled(value: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        value, digit = divmod(value, len(SYLLABLES))
        text = SYLLABLES[digit] + text
    return text


def _value(text: str) -> int:
    value = 0
    for at in range(0, len(text), 2):
        value = value * len(SYLLABLES) + _VALUES[text[at : at + 2]]
    return value
