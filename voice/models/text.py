"""What of a host's text reaches the listener: the model's words, and not without end.

Some models think aloud between tags within their text. That is no answer, wherever the pieces are cut. A
lone `</think>` stays: whoever speaks the words takes back what came before it (`speech/firewall.py`).
"""

from __future__ import annotations

import re

from voice.errors import ReplyBroken
from voice.types import Hear, Prompt

_OPEN = re.compile(r"<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_CLOSE = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_MAYBE_TAG = re.compile(r"</?[a-z]{0,9}$", re.IGNORECASE)
LONGEST_TAG = len("</reasoning>")

CHARS_PER_TOKEN = 16  # four times the usual
LEAST_CHARS = 4000  # five minutes of speech: whatever was asked for, so much is never a fault


class Spoken:
    """Takes the pieces of one reply, gives back what is meant for the caller."""

    def __init__(self) -> None:
        self.is_idle = True  # a text without "<" is words alone
        self._open = ""  # may be the beginning of a tag
        self._thinks = False

    def feed(self, text: str) -> str:
        """The words in the next piece, without thoughts."""
        if self.is_idle and "<" not in text:
            return text
        words = self._words_in(text)
        self.is_idle = not self._thinks and not self._open
        return words

    def end(self) -> str:
        """What was held back and turned out to be no tag."""
        rest, self._open = self._open, ""
        self.is_idle = not self._thinks
        return "" if self._thinks else rest

    def _words_in(self, text: str) -> str:
        self._open += text
        words = ""
        while True:
            tag = (_CLOSE if self._thinks else _OPEN).search(self._open)
            if tag is None:
                return words + self._take()
            if not self._thinks:
                words += self._open[: tag.start()]
            self._open = self._open[tag.end() :]
            self._thinks = not self._thinks

    def _take(self) -> str:
        """What is clear of the text so far. Of a thought only its end matters, which may be cut."""
        if self._thinks:
            self._open = self._open[-LONGEST_TAG:]
            return ""
        tag = _MAYBE_TAG.search(self._open)
        end = tag.start() if tag else len(self._open)
        words, self._open = self._open[:end], self._open[end:]
        return words


def bounded(hear: Hear, prompt: Prompt, route: str) -> Hear:
    """`hear` for a host that may never stop: raises ReplyBroken at far more text than was asked for."""
    left = max(LEAST_CHARS, prompt.max_tokens * CHARS_PER_TOKEN)

    def heard(text: str) -> None:
        nonlocal left
        left -= len(text)
        if left < 0:
            hear(text[:left])
            raise ReplyBroken(f"route {route!r} does not stop writing")
        hear(text)

    return heard
