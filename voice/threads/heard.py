"""Which part of our words a caller has heard, told by somebody else's transcript of them.

A platform's account of our reply is speech recognised again: case, punctuation and
numbers differ, and it ends where the caller cut in. Words are compared, not characters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from voice.types import WORD, words

_MARKS = re.compile(r"[^\w\s]*\s*")
SAME = 0.8  # share of equal words; re-transcription changes about one word in ten
FEW_WORDS = 5  # so few must be equal: one more word of three makes another utterance
TAIL_WORDS = 2  # a transcript that stops this near the end was cut by recognition, not by the caller
# A reply has about 100 words. Time grows with the square and every call waits: 400 that repeat
# themselves take 25 ms, 2,500 take a second. What lies behind counts word for word.
MAX_WORDS = 400


def same_words(ours: str, theirs: str) -> bool:
    """Whether two texts are the same utterance, give or take a recogniser's spelling."""
    return ours == theirs or _alike(words(ours), words(theirs))


def begins_with(ours: str, theirs: str) -> bool:
    """Whether `theirs` is the beginning of `ours`, give or take a recogniser's spelling."""
    other = words(theirs)
    return bool(other) and _alike(words(ours)[: len(other)], other)


def after(text: str, beginning: str) -> str | None:
    """What follows these very words at the beginning of a text; None when it begins otherwise."""
    first = words(beginning)
    if not first:
        return text
    if words(text)[: len(first)] != first:
        return None
    end = _ends(text)[len(first) - 1]
    return _MARKS.sub("", text[end:], count=1)


def heard_part(ours: str, theirs: str, filler: str = "") -> str | None:
    """The beginning of `ours` that `theirs` covers; None when that is all of it, "" when nothing.

    `filler` was said in the same breath and may be told by `theirs`; it is no part of `ours`.
    """
    if ours == theirs:
        return None
    mine, other, lead = words(ours), words(theirs), words(filler)
    if mine == other or not mine:
        return None
    if lead and (place := find_words(other, lead)) is not None:
        other, lead = other[:place] + other[place + len(lead) :], []
    # A filler that was cut or recognised differently still comes first: it takes up its own words.
    covered = _covered(lead + mine, other, len(lead)) - len(lead)
    if covered <= 0:
        return ""
    return None if covered >= len(mine) - TAIL_WORDS else ours[: _ends(ours)[covered - 1]]


def find_words(within: Sequence[str], part: Sequence[str]) -> int | None:
    """Where these words stand, one after the other."""
    places = range(len(within) - len(part) + 1)
    return next((place for place in places if within[place : place + len(part)] == part), None)


def _alike(mine: list[str], other: list[str]) -> bool:
    fewer, more = sorted((len(mine), len(other)))
    if mine == other or fewer < FEW_WORDS:
        return mine == other
    if 2 * fewer < SAME * (fewer + more):  # even if all of the shorter one were found again
        return False
    matcher = SequenceMatcher(None, mine[:MAX_WORDS], other[:MAX_WORDS], autojunk=False)
    return matcher.quick_ratio() >= SAME and matcher.ratio() >= SAME


def _covered(mine: list[str], other: list[str], lead: int) -> int:
    """How many of our words a transcript covers; no more than `lead` when no word behind those is in it."""
    matched, unmatched = _last_match(mine, other)
    rest = other[len(other) - unmatched :]
    # Where only a number was said, "nine thirty" becomes "9:30" and no word is the same.
    if matched <= lead and not any(word[0].isdigit() for word in rest):
        return lead
    # Unmatched words at their end stand for words of ours that were recognised differently.
    return matched + unmatched


def _last_match(mine: list[str], other: list[str]) -> tuple[int, int]:
    """How many of our words end with the last one in common, and how many of theirs come after it."""
    same = _equal_at_first(mine, other)
    if same == len(other):
        return same, 0
    mine, other_rest = mine[same : same + MAX_WORDS], other[same : same + MAX_WORDS]
    blocks = SequenceMatcher(None, mine, other_rest, autojunk=False).get_matching_blocks()
    last = max(blocks, key=lambda block: block.a + block.size if block.size else 0)
    if not last.size:
        return same, len(other) - same
    return same + last.a + last.size, len(other) - same - last.b - last.size


def _equal_at_first(mine: list[str], other: list[str]) -> int:
    pairs = enumerate(zip(mine, other, strict=False))
    return next((place for place, (one, two) in pairs if one != two), min(len(mine), len(other)))


def _ends(text: str) -> list[int]:
    """Where each word ends."""
    return [match.end() for match in WORD.finditer(text)]
