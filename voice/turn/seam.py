"""Joins a reply to its beginning, which another route wrote: words that both hold are said once.

A model that is asked to go on often repeats the last words, or the whole beginning. Its first words
are held until it is clear which of them are a repetition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from voice.speech.chunk import is_whole
from voice.speech.loops import is_number
from voice.types import WORD, words

_MARKS = re.compile(r"[^\w\s]*(?:\s+[,;:.!?…–—-]+(?=\s|$))*\s*")
_LEADING_MARKS = re.compile(r"\s*[,;:.!?]+(?:\s+|$)")
BEGAN_AGAIN = 3  # words that are equal from the beginning on, and then differ: it is another reply


class BegunAgain(Exception):
    """The writer began a reply of its own instead of going on: it cannot be joined."""


@dataclass(slots=True)
class Seam:
    """Where a new writer's words meet `so_far`, the words that the caller has heard."""

    so_far: str
    _held: str = field(default="", init=False)
    _is_open: bool = field(default=True, init=False)  # still to be decided what is a repetition

    def feed(self, piece: str) -> str:
        """What of the newest words goes on behind `so_far`. Raises BegunAgain."""
        if not self._is_open:
            return piece
        self._held += piece
        whole = self._held[: max(self._held.rfind(" "), self._held.rfind("\n")) + 1]
        return self._joined(whole, is_all=False)

    def end(self) -> str:
        """What is left when the writer has ended. Raises BegunAgain."""
        return self._joined(self._held, is_all=True) if self._is_open else ""

    def _joined(self, told: str, *, is_all: bool) -> str:
        before, after = words(self.so_far), words(told)
        if not after and not is_all:
            return ""
        if not is_all and any(before[at : at + len(after)] == after for at in range(len(before))):
            return ""  # all of it was said before: it may still be a repetition
        self._is_open = False
        return self._held[self._repeated(before, after, told) :]

    def _repeated(self, before: list[str], after: list[str], told: str) -> int:
        """How many characters of `told` repeat the end of what was said, or are marks before a word."""
        for at in range(len(before)):
            size = len(before) - at
            if before[at:] == after[:size] and (size > 1 or self._is_repeated(told, after[0])):
                end = _end_of_word(told, size)
                if self._ends_alike(told, end):
                    return _end_of(_MARKS, told, end)
        if before[:BEGAN_AGAIN] == after[:BEGAN_AGAIN] and len(after) >= BEGAN_AGAIN <= len(before):
            raise BegunAgain
        return _end_of(_LEADING_MARKS, told, 0)

    def _is_repeated(self, told: str, word: str) -> bool:
        """Whether a single word repeats the last one. In "call nine one", "one" does not; nor does
        "You should" behind "to you": it begins a sentence."""
        first, last = WORD.search(told), WORD.findall(self.so_far)
        return not is_number(word) and first is not None and bool(last) and first.group() == last[-1]

    def _ends_alike(self, told: str, end: int) -> bool:
        """Behind "We will send a plumber.", "A plumber will call" begins a sentence and repeats none."""
        return not is_whole(self.so_far) or not told[end : end + 1].isspace() or not told[end:].strip()


def _end_of_word(text: str, count: int) -> int:
    """Where the word of this number ends."""
    return [match.end() for match in WORD.finditer(text)][count - 1]


def _end_of(marks: re.Pattern[str], text: str, begin: int) -> int:
    """Where marks end that begin there: none may begin what is said next."""
    found = marks.match(text, begin)
    return found.end() if found else begin
