"""Numbered words: a reply in which every lost, doubled, reordered or foreign word can be told.

A word is made of three syllables: which reply it belongs to, and its number there. There are several replies,
so that the words of one call on another's line are seen as well. They are cut into sentences as people
speak, and mean nothing to what makes text speakable, so they arrive as they were written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

SYLLABLES = tuple(consonant + vowel for consonant in "bdfgjklmnprstvz" for vowel in "aeiou")
REPLIES = 16  # that differ; a request's number chooses one
SENTENCE = 10  # words
MAX_WORDS = len(SYLLABLES) ** 2
_LETTERS = re.compile(r"[A-Za-z]+")
_PLACES = {syllable: place for place, syllable in enumerate(SYLLABLES)}


@dataclass(frozen=True, slots=True)
class Faults:
    """What was wrong with the words of one reply, or of many. `crossed`: written for another call."""

    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    crossed: int = 0

    def __add__(self, other: Faults) -> Faults:
        return Faults(
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.reordered + other.reordered,
            self.crossed + other.crossed,
        )

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.reordered or self.crossed)


def tokens(number: int, count: int) -> list[str]:
    """The reply to request `number`, piece by piece, each with the space or mark that ends it.

    The first word is a clause by itself, as in "Certainly, …": it may be said at once.
    """
    written = []
    for place in range(count):
        word = _word(number % REPLIES, place)
        word = word.capitalize() if place % SENTENCE == 0 else word
        if place == 0 and count > 1:
            written.append(f"{word}o, ")
        else:
            ends = place == count - 1 or place % SENTENCE == SENTENCE - 1
            written.append(f"{word}. " if ends else f"{word} ")
    return written


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one turn as they were heard: the numbers of its own, how many were another call's, and
    how many nobody has numbered: a filler, a fallback, or what another route wrote.
    """

    own: tuple[int, ...] = ()
    crossed: int = 0
    others: int = 0

    def __add__(self, other: Words) -> Words:
        return Words(self.own + other.own, self.crossed + other.crossed, self.others + other.others)

    def faults(self, count: int) -> Faults:
        """What is wrong with them, of a reply of `count` words. Where others took its place none is lost."""
        once = list(dict.fromkeys(self.own))
        return Faults(
            lost=0 if self.others else len(set(range(count)) - set(once)),
            doubled=len(self.own) - len(once),
            reordered=sum(later < earlier for earlier, later in pairwise(once)),
            crossed=self.crossed,
        )


def words_in(text: str, number: int) -> Words:
    """The words of a text that was heard in answer to request `number`."""
    found = [_read(word) for word in _LETTERS.findall(text)]
    ours = [one for one in found if one is not None]
    own = tuple(place for reply, place in ours if reply == number % REPLIES)
    return Words(own, len(ours) - len(own), len(found) - len(ours))


def _word(reply: int, place: int) -> str:
    high, low = divmod(place, len(SYLLABLES))
    return f"{SYLLABLES[reply]}{SYLLABLES[high]}{SYLLABLES[low]}n"


def _read(word: str) -> tuple[int, int] | None:
    """The reply and the number of a word; None when it is not one of ours."""
    if len(word) not in {7, 8}:
        return None
    parts = [_PLACES.get(word[at : at + 2].lower()) for at in (0, 2, 4)]
    reply, high, low = parts
    if reply is None or high is None or low is None or word[6:] not in {"n", "no"}:
        return None
    return reply, high * len(SYLLABLES) + low
