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

from voice.speech.boundary import MARKS, MAX_CHARS, Boundary, last_words_end
from voice.speech.clean import clean
from voice.speech.firewall import FINAL, Firewall
from voice.speech.held import Held
from voice.speech.lexicon import NONE, Lexicon
from voice.speech.technical import Begins, Instructions, Verdict, judge
from voice.types import Chunk, ChunkKind

FIRST_CHARS = 8  # a first chunk of fewer letters ("Yes,") sounds clipped before a pause
MOST_CHARS = 10_000  # of a reply: over ten minutes of speech, and more than any agent's `max_tokens`
SHORT_CHARS = 10  # a shorter chunk counts for so many: its pause is heard, too
_ANY_WORD = re.compile(r"[^\W_]")
_SLICE = 256  # characters of a long piece taken at once, so that what is open stays short
_has_no_mark = MARKS.isdisjoint
_is_quiet = (MARKS - frozenset(",;-–—，；、")).isdisjoint  # marks of clauses alone: nothing for the firewall


class Chunker:
    """Takes the pieces of one reply, gives chunks back as soon as they can be said.

    `holds_chars`: so many characters a platform waits for before it says any; until then clauses leave.
    `joins`: what is said is one stream of words, where a long clause may be parted without a pause.
    `instructions`: those of the prompt, which are never said (`technical.instructions_in`).
    `thinks`: the reply begins amid a thought, which its prompt has opened.
    `names`: those that the agent says in its own way; none of them is parted.
    """

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
        self._kind, self._holds_chars, self._instructions = kind, holds_chars, instructions
        self._firewall = Firewall(thinks=thinks)
        self._boundary = Boundary(FIRST_CHARS, joins=joins, names=names)
        self._open = ""  # not yet said
        self._before = ""  # raw words that became no chunk of their own; they join the next one
        self._begins = Begins.LINE  # what the next part is the beginning of
        self._announces = False  # what was said last ends with a colon: a list follows
        self._skips_line = False  # the rest of this line is not for the caller
        self._is_closed = False  # nor is anything that follows
        self._of_sentence: Verdict | None = None  # what became of its beginning
        self._said_chars = 0
        self._cut_chars = 0  # so much was cut into chunks, whatever became of them; it ends at MOST_CHARS
        self._held = Held()

    def feed(self, piece: str, at_s: float = 0.0) -> list[Chunk]:
        """The chunks that this piece completes. `at_s` is when it came, on any clock."""
        if self._firewall.is_idle and _has_no_mark(piece):  # nearly always
            before, boundary = self._open, self._boundary
            self._open = before + piece
            if len(self._open) < boundary.sleeps_to or boundary.sleeps_through(before, piece):
                return []
        elif len(piece) > _SLICE:
            slices = (piece[at : at + _SLICE] for at in range(0, len(piece), _SLICE))
            return [chunk for part in slices for chunk in self.feed(part, at_s)]
        elif self._firewall.is_idle and _is_quiet(piece):
            self._open += piece
            if not self._boundary.takes_clause and len(self._open) < self._boundary.wakes_at:
                return []
        elif self._cut_chars > MOST_CHARS:
            return []
        else:
            heard = self._let_through(piece, at_s)  # which may take back what is open
            if not heard:
                return self._released(at_s) if self._held else []
            self._open += heard
        chunks = self._cut()
        return [*chunks, *self._released(at_s)] if self._held else chunks

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
        return self._firewall.is_hiding or self._is_closed or self._skips_line or bool(self._held)

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
        self._boundary.begin()
        return [*self._chunk(raw), *self._released()]

    def _let_through(self, piece: str, at_s: float) -> str:
        """What may be heard of a piece, and of what was held back before it."""
        heard = self._firewall.feed(piece, at_s)
        if self._firewall.takes_back:
            self._take_back()
        return "" if self._is_closed else heard

    def _cut(self) -> list[Chunk]:
        chunks: list[Chunk] = []
        while not self._is_closed:
            if self._skips_line and not self._skip_line():
                return chunks
            takes_clause = self._said_chars == 0 or self._said_chars < self._holds_chars
            end = self._boundary.end_in(self._open, takes_clause=takes_clause)
            if end is None:
                return chunks
            raw, self._open = self._open[:end], self._open[end:]
            self._boundary.begin()
            chunks += self._chunk(raw)
            self._cut_chars += max(end, SHORT_CHARS)
            self._is_closed = self._is_closed or self._cut_chars > MOST_CHARS
        self._open = ""
        return chunks

    def _skip_line(self) -> bool:
        """Drop the rest of a line. False while its end has not come."""
        end = self._open.find("\n")
        self._open = self._open[end:] if end >= 0 else ""
        self._skips_line = end < 0
        self._boundary.begin()
        return end >= 0

    def _chunk(self, raw: str) -> list[Chunk]:
        raw, self._before = self._before + raw, ""
        if FINAL in raw:  # what came before it was a thought
            raw = raw[raw.rindex(FINAL) + len(FINAL) :]
            self._held.forget()
        if _ANY_WORD.search(raw) is None:
            self._before = raw[-MAX_CHARS:]
            return []
        begins = self._begins
        text = clean(raw, begins_line=begins is Begins.LINE)
        if not text:
            self._before = raw[-MAX_CHARS:]  # bounded: it is cleaned again with every piece
            return []
        if raw[0].isspace() and "\n" in raw[: len(raw) - len(raw.lstrip())]:
            begins = Begins.LINE
        ends_line = raw.endswith("\n")
        self._begins = Begins.LINE if ends_line else Begins.SENTENCE if is_whole(text) else Begins.CLAUSE
        if self._announces and begins is Begins.LINE:
            begins = Begins.SENTENCE  # "Log in with:\nUser: kim" is no other's part
        self._announces = text.endswith(":")
        verdict = self._verdict(raw, begins)
        self._skips_line = verdict is Verdict.DROP_LINE and not ends_line
        self._is_closed = verdict is Verdict.DROP_ALL
        if verdict is not Verdict.SAY and verdict is not Verdict.THINKS:
            return []
        chunk = Chunk(text, raw, self._kind)
        if verdict is Verdict.THINKS or self._held:
            self._held.hold(chunk, verdict)
            return []
        self._said_chars += len(text)
        return [chunk]

    def _verdict(self, raw: str, begins: Begins) -> Verdict:
        """What to do with a part; what goes on with the sentence of another one shares its fate."""
        verdict = self._of_sentence if begins is Begins.CLAUSE else None
        if verdict is None:
            verdict = judge(raw, self._instructions, begins=begins, behind_thought=bool(self._held))
        is_open = verdict in (Verdict.DROP, Verdict.THINKS) and self._begins is Begins.CLAUSE
        self._of_sentence = verdict if is_open else None
        return verdict

    def _released(self, at_s: float = inf) -> list[Chunk]:
        """What was held for long enough."""
        chunks = self._held.released(at_s)
        self._said_chars += sum(len(chunk.text) for chunk in chunks)
        return chunks

    def _take_back(self) -> None:
        """What was not said yet was a thought."""
        self._firewall.takes_back = False
        self._open, self._before, self._begins = "", "", Begins.LINE
        self._skips_line = self._is_closed = False
        self._of_sentence = None
        self._held.forget()
        self._boundary.begin()


def is_whole(text: str) -> bool:
    """Whether spoken text ends as a sentence does: nothing need follow."""
    return text.rstrip("\"'”’)").endswith((".", "!", "?", "…"))
