"""Cuts a reply into chunks while it is being written.

The first chunk ends at the first clause mark, so that speech begins early; later ones end
with a sentence, so that it sounds like one voice. What a model thinks aloud between
`<think>` tags and what it writes between code fences is not said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from voice.speech.clean import clean
from voice.types import Chunk, ChunkKind

FIRST_CHARS = 8  # a first chunk of fewer letters ("Yes,") sounds clipped before a pause
MAX_CHARS = 300  # a sentence this long is cut at a space: it is about 20 s of speech

_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]*_]*(?=\s)|\n+")
_CLAUSE_END = re.compile(r"[,;:–—](?=\s)")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:Dr|Mr|Mrs|Ms|St|Ave|Blvd|Rd|Apt|No|Nr|approx|appt|vs|etc|[A-Za-z]|[ap]\.m|e\.g|i\.e|U\.S)\.$",
    re.IGNORECASE,
)
_LIST_NUMBER = re.compile(r"(?:^|\n)\s*\d{1,3}\.$")
_HIDDEN_OPEN = re.compile(
    r"(?P<thought><think(?:ing)?>)|(?P<code>```)|(?P<call><\|?tool_call\|?>)|(?P<rest><\|\w{1,30}\|>|</s>)",
    re.IGNORECASE,
)
_HIDDEN_CLOSE = {
    "thought": re.compile(r"</think(?:ing)?>", re.IGNORECASE),
    "code": re.compile(r"```"),
    "call": re.compile(r"</tool_call>|<\|?/tool_call\|?>", re.IGNORECASE),
    # A template's token (<|im_end|>): what a model writes behind it is not for anybody.
    "rest": re.compile(r"(?!)"),
}
# A reply that begins so is JSON or a call.
_MACHINE_WRITTEN = re.compile(r"\s*(?:\{|\[\s*(?:[\[{\"\]]|\w+\())")
_MAYBE_MACHINE_WRITTEN = re.compile(r"\s*(?:\[\s*\w{0,60})?$")
_LINK_CHARS = 300  # a bracket that is still open after this is no link
_TAG_BEGUN = re.compile(r"<[|/A-Za-z_]{0,12}$|`{1,2}$")


class Chunker:
    """Takes the pieces of one reply, gives chunks back as soon as they can be said."""

    def __init__(self, kind: ChunkKind = ChunkKind.REPLY) -> None:
        self._kind = kind
        self._open = ""  # not yet said
        self._hidden: re.Pattern[str] | None = None  # what ends the hidden part we are in
        self._before = ""  # raw words that became no chunk of their own; they join the next one
        self._has_spoken = False

    def feed(self, piece: str) -> list[Chunk]:
        """The chunks that this piece completes."""
        self._open += piece
        return list(self._cut())

    def end(self) -> list[Chunk]:
        """What is left when the reply has ended."""
        chunks = list(self._cut())
        rest, self._open = ("", "") if self._hidden else (self._open, "")
        return [*chunks, *self._chunk(rest)]

    @property
    def is_hiding(self) -> bool:
        """Whether what comes now is not for the caller: thoughts, code, a call."""
        return self._hidden is not None

    @property
    def waits_for_nothing(self) -> bool:
        """Whether what is not said yet is a whole sentence already."""
        return not self._hidden and is_whole(self._open.rstrip())

    def flush(self) -> list[Chunk]:
        """The words that are there, up to the last whole one: for a caller who would else hear a pause."""
        words = "" if self._hidden else self._open[: self._open.rfind(" ") + 1]
        if (
            len(words) < FIRST_CHARS
            or not self._has_begun()
            or _HIDDEN_OPEN.search(words)
            or _in_link(words, len(words))
        ):
            return []
        self._open = self._open[len(words) :]
        return self._chunk(words)

    def _has_begun(self) -> bool:
        """Whether this is a reply in words. One that begins as JSON or as a call is hidden to its end."""
        if self._has_spoken or self._hidden:
            return True
        if _MACHINE_WRITTEN.match(self._open):
            self._hidden = _HIDDEN_CLOSE["rest"]
        return not _MAYBE_MACHINE_WRITTEN.fullmatch(self._open)

    def _cut(self) -> Iterator[Chunk]:
        while self._has_begun():
            if self._hidden and not self._skip_hidden():
                return
            opening = _HIDDEN_OPEN.search(self._open)
            visible = self._open[: opening.start()] if opening else self._open
            end = self._end_of_chunk(visible)
            if end is not None:
                yield from self._chunk(visible[:end])
                self._open = self._open[end:]
            elif opening:
                yield from self._chunk(visible) if clean(visible) else ()
                self._open = self._open[opening.end() :]
                self._hidden = _HIDDEN_CLOSE[str(opening.lastgroup)]
            else:
                return

    def _skip_hidden(self) -> bool:
        """Drop what is hidden, up to its end. False while the end has not come."""
        assert self._hidden is not None
        close = self._hidden.search(self._open)
        if close is None:
            self._open = self._open[-16:]  # the end may be cut in two; nothing else of it is needed
            return False
        self._open, self._hidden = self._open[close.end() :], None
        return True

    def _end_of_chunk(self, visible: str) -> int | None:
        sentence = next(
            (m.end() for m in _SENTENCE_END.finditer(visible) if _ends_sentence(visible, m.end())), None
        )
        if not self._has_spoken:
            clauses = (m.end() for m in _CLAUSE_END.finditer(visible) if m.start() >= FIRST_CHARS)
            clause = next((end for end in clauses if not _in_link(visible, end)), None)
            if clause is not None and (sentence is None or clause < sentence):
                return clause
        if sentence is None and len(visible) > MAX_CHARS and not _TAG_BEGUN.search(visible):
            return max(visible.rfind(" ", 0, MAX_CHARS), 0) or MAX_CHARS
        return sentence

    def _chunk(self, raw: str) -> list[Chunk]:
        raw, self._before = self._before + raw, ""
        text = clean(raw)
        if not text:
            self._before = raw[-MAX_CHARS:]  # bounded: it is cleaned again with every piece
            return []
        self._has_spoken = True
        return [Chunk(text, raw, self._kind)]


def is_whole(text: str) -> bool:
    """Whether spoken text ends as a sentence does: nothing need follow."""
    return text.rstrip("\"'”’)").endswith((".", "!", "?", "…"))


def _ends_sentence(text: str, end: int) -> bool:
    """Whether the mark before `end` ends a sentence; one in "Dr.", "1." or a link's label does not."""
    before = text[:end].rstrip("\"'”’)]*_")
    return not (_ABBREVIATION.search(before) or _LIST_NUMBER.search(before) or _in_link(text, end))


def _in_link(text: str, end: int) -> bool:
    """Whether `end` lies within `[label](url)`, which must reach the cleaner in one piece."""
    opened = text.rfind("[", max(0, end - _LINK_CHARS), end)
    return opened >= 0 and "]" not in text[opened:end]
