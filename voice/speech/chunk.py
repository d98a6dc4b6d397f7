"""Cuts a reply into chunks while it is being written.

The first chunk ends at the first clause, so that speech begins early; later ones end with a sentence, so
that it sounds like one voice. A chunk ends in the call that brings the character that decides it, and never
within what is read as a whole: `boundary` knows how far a number, a date or a link may still be growing.
What must not be heard is kept back by `firewall` and `technical`. Each decision is made from the text alone
and not from how it is cut into pieces.
"""

from __future__ import annotations

import re
from math import inf

from voice.speech.boundary import MARKS, MAX_CHARS, Boundary, has_no_mark, last_words_end
from voice.speech.clean import clean
from voice.speech.firewall import FINAL, SIGNS, Firewall
from voice.speech.held import Held
from voice.speech.lexicon import NONE, Lexicon
from voice.speech.technical import (
    CLAUSE,
    DROP_ALL,
    DROP_LINE,
    LINE,
    SAY,
    SENTENCE,
    THINKS,
    Instructions,
    Judge,
)
from voice.types import Chunk, ChunkKind

FIRST_CHARS = 8  # a first chunk of fewer letters ("Yes,") sounds clipped before a pause
MOST_CHARS = 10_000  # of a reply: over ten minutes of speech, and more than any agent's `max_tokens`
SHORT_CHARS = 20  # a shorter chunk counts for so many, over a second with its pause
_ANY_WORD = re.compile(r"[^\W_]")
_SLICE = 256  # characters of a long piece taken at once, so that what is open stays short
_CLAUSE_MARKS = frozenset(",;-–—，；、")
_is_quiet = (MARKS - _CLAUSE_MARKS).isdisjoint  # nothing for the firewall
_has_no_sign = SIGNS.isdisjoint
_SENTENCE_ENDS = frozenset(".!?…")
_OPEN_MARKS = frozenset(".,;:!?…-–—")  # as whole pieces: what follows decides what they end


class Chunker:
    """Takes the pieces of one reply, gives chunks back as soon as they can be said.

    `holds_chars`: so many characters a platform waits for before it says any; until then clauses leave.
    `joins`: what is said is one stream of words, where a long clause may be parted without a pause.
    `instructions`: those of the prompt, which are never said (`technical.instructions_in`).
    `thinks`: the reply begins amid a thought, which its prompt has opened.
    `names`: those that the agent says in its own way; none of them is parted.
    """

    __slots__ = (
        "_before", "_boundary", "_cut_chars", "_firewall", "_held", "_holds_chars", "_is_closed", "_judge",
        "_kind", "_open", "_said_chars", "_skips_line", "_takes_clause",
    )  # fmt: skip

    def __init__(
        self,
        kind: ChunkKind = ChunkKind.REPLY,
        *,
        holds_chars: int = 0,
        joins: bool = True,
        instructions: Instructions = frozenset(),
        thinks: bool = False,
        names: Lexicon = NONE,
    ) -> None:
        self._kind, self._holds_chars = kind, holds_chars
        self._firewall = Firewall(thinks=thinks)
        self._boundary = Boundary(FIRST_CHARS, joins=joins, names=names)
        self._judge = Judge(instructions)
        self._open = ""  # not yet said
        self._before = ""  # raw words that became no chunk of their own; they join the next one
        self._skips_line = False  # the rest of this line is not for the caller
        self._is_closed = False  # nor is anything that follows
        self._said_chars = 0
        self._takes_clause = True  # until enough is said, a clause leaves by itself
        self._cut_chars = 0  # so much was cut into chunks, whatever became of them; it ends at MOST_CHARS
        self._held = Held()

    def feed(self, piece: str, at_s: float = 0.0) -> list[Chunk]:
        """The chunks that this piece completes. `at_s` is when it came, on any clock."""
        firewall, boundary = self._firewall, self._boundary
        before = self._open
        if firewall.is_idle and has_no_mark(piece):  # nearly always
            self._open = text = before + piece
            size = len(text)
            if size < boundary.sleeps_to:
                return []
            if size < boundary.wakes_at and boundary.sleeps_through(before, piece):
                return []
        elif len(piece) > _SLICE:
            slices = (piece[at : at + _SLICE] for at in range(0, len(piece), _SLICE))
            return [chunk for part in slices for chunk in self.feed(part, at_s)]
        elif firewall.is_idle and _is_quiet(piece):  # words with a comma or a dash, or one alone
            self._open = text = before + piece
            if len(text) < boundary.wakes_at:
                if not boundary.takes_clause:
                    return []
                if piece in _OPEN_MARKS:
                    boundary.wait_behind(len(before))
                    return [] if self._held.is_empty else self._released(at_s)
        elif self._cut_chars > MOST_CHARS:
            return []
        elif firewall.is_open and _has_no_sign(piece):  # the end of a sentence, and what begins behind it
            firewall.note(piece)
            self._open = text = before + piece
            if piece in _OPEN_MARKS and len(text) < boundary.wakes_at:
                boundary.wait_behind(len(before))
                return [] if self._held.is_empty else self._released(at_s)
        else:
            heard = firewall.feed(piece, at_s)
            if firewall.takes_back:  # what is open, too
                self._take_back()
            if not heard or self._is_closed:
                return [] if self._held.is_empty else self._released(at_s)
            self._open += heard
            if len(self._open) < boundary.sleeps_to and has_no_mark(heard):
                return [] if self._held.is_empty else self._released(at_s)
        chunks = self._cut()
        return chunks if self._held.is_empty else [*chunks, *self._released(at_s)]

    def end(self, *, is_cut: bool = False) -> list[Chunk]:
        """What is left when the reply has ended. `is_cut`: not by itself."""
        self._open += self._firewall.end(is_cut=is_cut)
        chunks = self._cut()
        rest, self._open = self._open, ""
        if rest and not self._is_closed:
            chunks += self._chunk(rest)
        return [*chunks, *self._released()]

    @property
    def is_hiding(self) -> bool:
        """Whether what comes now is not for the caller: thoughts, code, a call."""
        return self._firewall.is_hiding or self._is_closed or self._skips_line or not self._held.is_empty

    @property
    def began_in_thought(self) -> bool | None:
        """Whether the reply began amid a thought that only its prompt can have opened.

        None: nothing in it says so, and nothing speaks against it.
        """
        return self._firewall.began_in_thought

    @property
    def waits_for_nothing(self) -> bool:
        """Whether what is not said yet is a whole sentence already."""
        return not self.is_hiding and is_whole(self._open.rstrip())

    def flush(self) -> list[Chunk]:
        """The words that are there, up to the last whole one: for a caller who would else hear a pause."""
        end = 0 if self.is_hiding else last_words_end(self._open)
        if end < FIRST_CHARS:
            return self._released()
        raw, self._open = self._open[:end], self._open[end:]
        chunks = [*self._chunk(raw), *self._released()]
        self._begin()
        return chunks

    def _cut(self) -> list[Chunk]:
        chunks: list[Chunk] = []
        boundary = self._boundary
        while not self._is_closed:
            if self._skips_line and not self._skip_line():
                return chunks
            end = boundary.end_in(self._open, takes_clause=self._takes_clause)
            if end is None:
                return chunks
            raw, self._open = self._open[:end], self._open[end:]
            chunks += self._chunk(raw)
            self._begin()
            self._cut_chars += end if end > SHORT_CHARS else SHORT_CHARS
            if self._cut_chars > MOST_CHARS:
                self._is_closed = True
            elif len(self._open) < boundary.sleeps_to and not self._skips_line:
                return chunks
        self._open = ""
        return chunks

    def _begin(self) -> None:
        """A chunk has left. What is held back is looked at with each piece, so nothing sleeps meanwhile."""
        sleeps = self._held.is_empty and has_no_mark(self._open)
        self._boundary.begin(takes_clause=self._takes_clause, sleeps=sleeps)

    def _skip_line(self) -> bool:
        """Drop the rest of a line. False while its end has not come."""
        end = self._open.find("\n")
        self._open = self._open[end:] if end >= 0 else ""
        self._skips_line = end < 0
        self._begin()
        return end >= 0

    def _chunk(self, raw: str) -> list[Chunk]:
        if self._before:
            raw, self._before = self._before + raw, ""
        if FINAL in raw:  # what came before it was a thought
            raw = raw[raw.rindex(FINAL) + len(FINAL) :]
            self._held.forget()
        if _ANY_WORD.search(raw) is None:  # to clean signs alone may take a millisecond
            self._before = raw[-MAX_CHARS:]
            return []
        judge, held = self._judge, self._held
        text = clean(raw, begins_line=judge.begins_line)
        if not text:
            self._before = raw[-MAX_CHARS:]  # bounded: it is cleaned again with every piece
            return []
        ends_line = raw[-1] == "\n"
        then = LINE if ends_line else SENTENCE if text[-1] in _SENTENCE_ENDS or is_whole(text) else CLAUSE
        announces = text[-1] == ":"
        verdict = judge.verdict(raw, then=then, announces=announces, behind_thought=not held.is_empty)
        if verdict is SAY and held.is_empty:
            self._said_chars += len(text)
            self._takes_clause = self._said_chars < self._holds_chars
            return [Chunk(text, raw, self._kind)]
        self._skips_line = verdict is DROP_LINE and not ends_line
        self._is_closed = verdict is DROP_ALL
        if verdict is SAY or verdict is THINKS:
            held.hold(Chunk(text, raw, self._kind), verdict)
        return []

    def _released(self, at_s: float = inf) -> list[Chunk]:
        """What was held for long enough."""
        chunks = self._held.released(at_s)
        if chunks:
            self._said_chars += sum(len(chunk.text) for chunk in chunks)
            self._takes_clause = self._said_chars < self._holds_chars
        return chunks

    def _take_back(self) -> None:
        """What was not said yet was a thought."""
        self._firewall.takes_back = False
        self._open, self._before = "", ""
        self._skips_line = self._is_closed = False
        self._judge.forget()
        self._held.forget()
        self._begin()


def is_whole(text: str) -> bool:
    """Whether spoken text ends as a sentence does: nothing need follow."""
    return text.rstrip("\"'”’)")[-1:] in _SENTENCE_ENDS
