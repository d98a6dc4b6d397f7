"""Requests that come late: for words that the caller had said before those which are being answered.

A slow network lets a platform's older request overtake a newer one. Nobody listens to its answer any
more, so it stops nothing and leaves no turn.

A request is older by the platform's own clock, or when all of the caller's words in it stand earlier
in what a newer one has shown. Smaller counters alone do not make it so: a platform that mends its account
of a call counts less than before, and its caller would hear nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from voice.threads.again import turn_key
from voice.types import Ending, Message, Turn, Utterance, words

_COUNTS = re.compile(r"u?(\d+)(?:\.(\d+))?(?![^:+~ ])")  # at the beginning of a key, as doors write it


@dataclass(frozen=True, slots=True)
class Shown:
    """What one request has shown of its call: `said` are all of the caller's words in it, newest last."""

    key: str
    counts: tuple[int, ...]
    said: tuple[str, ...]
    sent_ms: float | None

    def overtakes(self, other: Shown) -> bool:
        """Whether the other request is older than this one, though it came later."""
        pairs = zip(self.counts, other.counts, strict=False)
        if other.key == self.key or any(theirs > mine for mine, theirs in pairs):
            return False
        if self.sent_ms is not None and other.sent_ms is not None and other.sent_ms < self.sent_ms:
            return True
        return _begins(other.said, self.said)


def shown_by(heard: Utterance, history: Sequence[Message]) -> Shown | None:
    """What the request of an utterance shows. None: its platform counts nothing."""
    if heard.key is None:
        return None
    found = _COUNTS.match(heard.key)
    counts = tuple([int(one) for one in found.groups() if one is not None]) if found else ()
    said = [one.text for one in history if one.role == "user" and one.text]
    if heard.text:
        said.append(heard.text)
    return Shown(turn_key(heard), counts, tuple(said), heard.sent_ms)


def late_answer(turns: Sequence[Turn], heard: Utterance) -> Turn:
    """What a request that was overtaken is given: the answer that its words have had, or nothing."""
    begun = words(heard.text)
    earlier = (turn for turn in reversed(turns[:-1]) if begun and words(turn.said)[: len(begun)] == begun)
    unheard = Turn(0, heard.text, turn_key(heard), ending=Ending.INTERRUPTED)
    return next(earlier, unheard)


def _begins(said: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether these are the first of the caller's words, and only those; the last may have been cut short."""
    if not said or len(said) >= len(whole):
        return False
    *before, last = (words(text) for text in said)
    known = [words(text) for text in whole[: len(said)]]
    return bool(last) and before == known[:-1] and known[-1][: len(last)] == last
