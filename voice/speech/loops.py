"""Notices that a reply goes in circles: the same words again and again, or a sentence said twice."""

from __future__ import annotations

from voice.types import words

LONGEST = 24  # words in one round: a long sentence; what repeats in longer ones is caught as a sentence
ROUNDS = 3  # of a phrase; "no problem, no problem" is how people talk
FEW = 3  # words: a shorter round needs MANY_ROUNDS, for "nine one one" and "very, very, very"
MANY_ROUNDS = 6
NUMBER_ROUNDS = 12  # of digits alone: a telephone number has eleven, which may all be "five"
NUMBERS = frozenset(
    ("zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "double")
)
KEPT_TAIL = LONGEST * MANY_ROUNDS  # words
LOOK_CHARS = 48  # looked at together: a circle is as clear half a line later, at a tenth of the cost
KEPT_WORDS = 400  # two minutes of speech
SENTENCE_WORDS = 4  # a sentence of so many words is not said twice by chance; "Thank you." is


class Loops:
    """Watches one reply. Costs a comparison or two per word."""

    __slots__ = ("_open", "_said", "_tail")

    def __init__(self) -> None:
        self._tail: list[str] = []  # the newest words; enough for the longest round
        self._open = ""  # a word that may still be growing
        self._said: list[str] = []  # the newest words of the chunks that were let through

    def hears_one(self, piece: str) -> bool:
        """Take a piece as it is written. True when its words complete a circle."""
        self._open += piece
        if len(self._open) < LOOK_CHARS:
            return False
        cut = max(self._open.rfind(" "), self._open.rfind("\n")) + 1
        fresh, self._open = words(self._open[:cut]), self._open[cut:][-100:]
        for word in fresh:
            self._tail.append(word)
            if self._goes_round():
                return True
        if len(self._tail) > 2 * KEPT_TAIL:
            del self._tail[:-KEPT_TAIL]
        return False

    def echoes(self, sentence: str) -> bool:
        """Whether a sentence, however short, is the one just said. A digit may well follow its like."""
        new = words(sentence)
        return bool(new) and self._said[-len(new) :] == new and not all(is_number(word) for word in new)

    def repeats(self, sentence: str) -> bool:
        """Whether a whole sentence was said before; it is remembered if not."""
        new = words(sentence)
        if says_again(self._said, new, SENTENCE_WORDS):
            return True
        self._said += new
        del self._said[:-KEPT_WORDS]
        return False

    def _goes_round(self) -> bool:
        tail = self._tail
        if tail[-1] not in tail[-LONGEST - 1 : -1]:
            return False  # nearly always, and this costs next to nothing
        for length in range(1, min(LONGEST, len(tail) // ROUNDS) + 1):
            if tail[-1] != tail[-1 - length]:
                continue
            rounds = _rounds(tail[-length:])
            reach = length * (rounds - 1)
            if len(tail) >= reach + length and tail[-reach:] == tail[-reach - length : -length]:
                return True
        return False


def is_number(word: str) -> bool:
    """Whether a word is a digit or made of digits: those are told twice without being a repetition."""
    return word in NUMBERS or word[0].isdigit()


def _rounds(phrase: list[str]) -> int:
    """How often a phrase is told until it is a circle."""
    if all(is_number(word) for word in phrase):
        return NUMBER_ROUNDS
    return ROUNDS if len(phrase) >= FEW else MANY_ROUNDS


def says_again(said: list[str], new: list[str], at_least: int) -> bool:
    """Whether these words, if there are enough of them, stand one after the other in what was said."""
    size = len(new)
    if size < at_least or new[0] not in said:
        return False
    return any(said[at] == new[0] and said[at : at + size] == new for at in range(len(said) - size + 1))


def goes_round(said: list[str]) -> bool:
    """Whether words without an end of their sentence begin to repeat: FEW of them stand there twice."""
    runs = [tuple(said[at : at + FEW]) for at in range(len(said) - FEW + 1)]
    return len(set(runs)) < len(runs) and not all(is_number(word) for word in said)
