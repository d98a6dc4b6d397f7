"""Frame: the bytes that stand around the words of one streamed reply.

A host writes the events of a reply after one pattern: from one to the next only the word changes. What stands
before the word and behind it is taken from the first of them. What fits it is then read by comparing bytes,
a whole read of the network at once: 1 µs for a word, 7 µs for twenty, in place of 3 µs for each by its JSON.
Whatever does not fit is read as JSON.
"""

from __future__ import annotations

import orjson

from voice.types import Json

DATA = b"data: "
END = b"\n\n"  # of an event
QUOTE = b'"'
PROBE = b"?"


class Frame:
    """What stands `before` and `behind` each word of a reply, from the beginning of an event to its end."""

    __slots__ = ("_before", "_behind", "_between")

    def __init__(self, before: bytes, behind: bytes) -> None:
        self._before, self._behind, self._between = before, behind, behind + before

    def words_in(self, some: bytes) -> tuple[str, bytes]:
        """The text of the events that fit, from the first one on, and the bytes behind them."""
        if not some.startswith(self._before):
            return "", some
        words = some[len(self._before) :].split(self._between)
        words[-1], behind, rest = words[-1].partition(self._behind)
        if not behind:  # the last one is not whole, or another kind of event
            rest = self._before + words.pop()
        text = QUOTE.join(words)  # so that two halves of a character stay the damage that they are
        # What JSON writes otherwise than it is.
        if text.count(QUOTE) >= len(words) or b"\\" in text:
            return "", some
        try:
            told = text.decode()
        except UnicodeDecodeError:
            return "", some
        return (told.replace('"', ""), rest) if told.isprintable() else ("", some)


def frame_of(event: bytes, value: Json) -> Frame | None:
    """The frame of an event, when all that it brings is a word; None also where it cannot be told."""
    word = word_in(value)
    if not word or not event.startswith(DATA):
        return None
    before, found, behind = event.rpartition(orjson.dumps(word))
    if not found:  # it is written in another way
        return None
    before, behind = before + QUOTE, QUOTE + behind
    # The same bytes may stand elsewhere in the event: `","` between two texts, where a comma is the word.
    try:
        probed = orjson.loads(before[len(DATA) :] + PROBE + behind)
    except orjson.JSONDecodeError:  # so is an event of several lines
        return None
    return Frame(before, behind) if word_in(probed) == PROBE.decode() else None


def word_in(event: Json) -> str | None:
    """The text of an event that brings a word of the answer and nothing else; None: of any other."""
    if not isinstance(event, dict) or "error" in event or event.get("usage") is not None:
        return None
    choices = event.get("choices")
    if not isinstance(choices, list) or len(choices) != 1:
        return None
    choice = choices[0]
    if not isinstance(choice, dict) or choice.get("index") != 0 or choice.get("finish_reason"):
        return None
    part = choice.get("delta")
    if not isinstance(part, dict) or "tool_calls" in part:
        return None
    content = part.get("content")
    return content if isinstance(content, str) else None
