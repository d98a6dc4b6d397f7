"""How much the caller has heard of what we sent to be spoken.

Twilio tells it in three ways, none of them sure to come: the words before an interruption, which may be
a clause from anywhere in the reply; the words played so far, be it all of them or only the newest; how
long it spoke. Where none can be used, the usual pace of a voice says it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from voice.clock import now
from voice.threads.speaking import BEGINS_AFTER_S, CHARS_PER_S, SLACK_S
from voice.types import WORD, Turn, join_words, words

TOLD_WORDS = 30  # of what is told, the last ones: they say where it ended
FEW = 2  # so many words in a row tell where something ended; one alone may stand anywhere


@dataclass(slots=True)
class _Piece:
    """Words that left together, and when they are spoken by the usual pace."""

    text: str
    words: list[str]
    is_reply: bool
    begins_at: float
    ends_at: float

    def spoken_by(self, at: float) -> int:
        """How many of its words have been begun."""
        chars = (min(at, self.ends_at) - self.begins_at) * CHARS_PER_S
        return sum(match.start() < chars for match in WORD.finditer(self.text)) if chars > 0 else 0

    def cut(self, at: float) -> None:
        """No more of it is spoken from then on."""
        self.words, self.ends_at = self.words[: self.spoken_by(at)], min(self.ends_at, at)


@dataclass(slots=True)
class Talk:
    """What is being said: the reply of a turn with its fillers, or a line of the agent's own (no turn)."""

    turn: Turn | None = None
    ends_at: float = 0.0  # by the usual pace, all that was sent
    left_at: float | None = None  # when the newest words left; None: none have
    played_at: float | None = None  # when the newest report of words played came
    _played: int = field(default=0, init=False)  # words, by those reports
    _before: int = field(default=0, init=False)  # words of the reply that an earlier socket has spoken
    _pieces: list[_Piece] = field(default_factory=list, init=False)

    def begin(self, turn: Turn | None, heard_before: str = "") -> None:
        """Something else is said from now on; what was sent before is spoken to its end."""
        if self.is_played:
            self.stop()
        self.turn, self._before = turn, len(words(heard_before))
        self._pieces, self._played, self.played_at = [], 0, None

    def add(self, text: str, *, is_reply: bool = True) -> None:
        """Words have left. What follows a filler cuts it."""
        self.left_at = at = now()
        if self._pieces and not self._pieces[-1].is_reply:
            self._pieces[-1].cut(at)
            self.ends_at = min(self.ends_at, at)
        begins_at = max(at + BEGINS_AFTER_S, self.ends_at)
        self.ends_at = begins_at + len(text) / CHARS_PER_S
        self._pieces.append(_Piece(text, words(text), is_reply, begins_at, self.ends_at))

    def stop(self) -> None:
        """The agent has been silenced."""
        self.ends_at = min(self.ends_at, now())

    def played(self, told: str) -> None:
        """Words have been played: those so far, or the newest. What fits nowhere changes nothing."""
        told_words, every = words(told), self._words
        if not told_words:
            return
        self.played_at, count = now(), len(told_words)
        if count > self._played and every[:count] == told_words:
            place: int | None = count
        elif every[self._played : self._played + count] == told_words:
            place = self._played + count
        else:
            place = _place(every, told_words, self._played)
        self._played = max(self._played, place or 0)

    @property
    def is_played(self) -> bool:
        """Whether all that was sent is told to have been played."""
        return self.played_at is not None and self._played >= len(self._words)

    @property
    def lasts_until(self) -> float:
        """When all that was sent is spoken, by the usual pace from where the platform has come to."""
        if self.played_at is None:
            return self.ends_at
        left = sum(len(word) + 1 for word in self._words[self._played :])
        return min(self.ends_at, self.played_at + left / CHARS_PER_S)

    @property
    def is_waiting(self) -> bool:
        """Whether nothing of it has left yet."""
        return not self._pieces

    @property
    def ends_in_filler(self) -> bool:
        """Whether the newest words ask the caller to wait."""
        return bool(self._pieces) and not self._pieces[-1].is_reply

    @property
    def line(self) -> str:
        """All that was said of it, fillers, too."""
        line = ""
        for piece in self._pieces:
            line = join_words(line, piece.text)
        return line

    @property
    def may_end_at(self) -> float:
        """When it can have been spoken at the earliest: by a voice of twice the usual pace."""
        last = self._pieces[-1] if self._pieces else None
        return self.ends_at if last is None else (last.begins_at + last.ends_at) / 2

    def heard(self, told: str = "", spoke_s: float | None = None) -> str | None:
        """The beginning of the reply, or line, that the caller has heard; None: all of it.

        `told` are the words before an interruption, `spoke_s` how long the agent was speaking.
        """
        whole = self.turn.spoken if self.turn is not None else self.line
        count, ends = self._count(told, spoke_s), [match.end() for match in WORD.finditer(whole)]
        if count >= len(ends):
            return None
        return whole[: ends[count - 1]] if count else ""

    def _count(self, told: str, spoke_s: float | None) -> int:
        """How many words of the reply, or line, were heard."""
        guess = self._played if self.played_at is not None else self._spoken_by(self._until(spoke_s))
        place = _place(self._words, words(told), guess)
        left, count = guess if place is None else place, self._before
        for piece in self._pieces:
            if piece.is_reply:
                count += max(0, min(left, len(piece.words)))
            left -= len(piece.words)
        return count

    def _until(self, spoke_s: float | None) -> float:
        if spoke_s is None:
            return now()
        return next((piece.begins_at for piece in self._pieces if piece.is_reply), now()) + spoke_s

    def _spoken_by(self, at: float) -> int:
        if at >= self.ends_at - SLACK_S:
            return len(self._words)
        return sum(piece.spoken_by(at) for piece in self._pieces)

    @property
    def _words(self) -> list[str]:
        return [word for piece in self._pieces for word in piece.words]


def _place(every: Sequence[str], told: Sequence[str], near: int) -> int | None:
    """How many words there are up to where what is told ends; None where it cannot be found.

    Where it stands more than once, the place that is nearest to `near`. Its beginning may be missing or
    spelt otherwise, so ever fewer of its last words are looked for.
    """
    told = told[-TOLD_WORDS:]
    for count in range(len(told), 0, -1):
        if count < min(FEW, len(told)):
            break
        tail = told[len(told) - count :]
        starts = range(len(every) - count + 1)
        if ends := [start + count for start in starts if _is_same(every[start : start + count], tail)]:
            return min(ends, key=lambda end: abs(end - near))
    return None


def _is_same(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether these are the same words; the last one may have been cut in the middle."""
    return ours[-1].startswith(theirs[-1]) and ours[:-1] == theirs[:-1]
