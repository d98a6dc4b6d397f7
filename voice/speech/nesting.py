"""Finds the end of JSON, or of a call in brackets, while it comes in pieces.

A model may forget the last bracket, or a quote, and go on with words for the caller. So what looks like
prose where JSON has no place for it ends the JSON, too; and what shows no sign of JSON for MAX_PLAIN_CHARS,
or for MAX_PLAIN_S, is words again from its next sentence on.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from voice.speech.patterns import Pattern

MAX_DEPTH = 100  # brackets within brackets: more of them are noise, which nothing closes
MAX_PLAIN_CHARS = 600  # a note to a tool is shorter
MAX_PLAIN_S = 1.5  # as long as a caller is to wait between two sentences

_SIGN = Pattern(r"[{}\[\]()\"\\]|\n[ \t]{0,20}\n")
# Three words in a row, the first with a capital, or four: within JSON they stand in quotes, or behind a key.
_PROSE = Pattern(
    r"(?:[\"'}\]),\d]|\b(?:[Tt]rue|[Ff]alse|null|None)|\n)\s*(?<![\w-])"
    r"([¿¡]?[^\W\d_a-z][\w'’-]{0,30}(?:[,!.?]? {1,2}[$¿]?[\w'’-]{1,30}){2}[ ,.!?]"
    r"|(?<=[\"'}\])] )[^\W\d_][\w'’-]{0,30}(?: [\w'’-]{1,30}){3}[ ,.!?])"
)
_SENTENCE_ENDS = Pattern(r"[.!?][\"'”’)]{0,2}\s+(?=[^\W\d_a-z]|[¿¡])|\n(?=\s{0,3}(?:[^\W\d_a-z]|[¿¡]))")
_LINE_END = Pattern(r"\n[ \t]{0,20}\Z")
_BLANK = Pattern(r"[ \t]{0,20}\n")
_TAIL_CHARS = 8
_MAX_GAP_CHARS = 400


class End(NamedTuple):
    """Where what is hidden ends: `at` in the newest piece; `prose` came before it and is words after all.

    `is_sure`: its brackets are closed. Else it may go on behind the words.
    """

    at: int
    prose: str = ""
    is_sure: bool = True


class Nesting:
    """Counts brackets from an opening one on; those within quotes do not count."""

    def __init__(self, depth: int = 0) -> None:
        self._depth = depth
        self._is_quoted = False
        self._is_escaped = False  # the next character belongs to the backslash before it
        self._gap = ""  # between two signs, outside of quotes
        self._plain_chars = 0  # since the newest sign
        self._sign_at_s = inf  # when that came; inf: nothing has come yet
        self._tail = ""
        self._ends_line = False  # the next piece may make it a blank line

    def end_in(self, text: str, at: int, at_s: float = 0.0) -> End | None:
        """Where it ends in the next piece of text, which came at an instant; None: not yet."""
        if self._depth > MAX_DEPTH:
            return None
        if self._ends_line and (blank := _BLANK.match(text, at)):
            at = blank.end()
            self._plain_chars, self._sign_at_s = 0, at_s
            self._take("\n")
        begin = at
        while (sign := _SIGN.search(text, at)) is not None:
            is_escaped = self._is_escaped and sign.start() == at
            if (prose := self._prose(text[at : sign.start()])) is not None:
                return End(sign.start(), prose, is_sure=False)
            at, self._is_escaped = sign.end(), False
            self._plain_chars, self._sign_at_s, begin, self._tail = 0, at_s, at, ""
            if is_escaped and len(sign[0]) == 1:
                continue
            if self._take(sign[0]):
                return End(at)
        self._ends_line = _LINE_END.search(text, at) is not None
        self._is_escaped = self._is_escaped and at == len(text)
        if (prose := self._prose(text[at:])) is not None:
            return End(len(text), prose, is_sure=False)
        return self._given_up(text, begin, at_s)

    def _take(self, sign: str) -> bool:
        """Take a sign. True when the outermost bracket has closed."""
        if sign[0] == "\n":
            self._is_quoted = False  # no quote holds a blank line: this one was never closed
            self._gap = sign
            return False
        self._gap = sign if sign in "([{" else '"'
        if sign == "\\":
            self._is_escaped = self._is_quoted
        elif sign == '"':
            self._is_quoted = not self._is_quoted
        elif not self._is_quoted:
            self._depth += 1 if sign in "{[(" else -1
        return self._depth <= 0 and not self._is_quoted and sign in ")]}"

    def _prose(self, text: str) -> str | None:
        """Words that stand where JSON has no place for them, from the first of them on."""
        if self._is_quoted or not text:
            return None
        gap = self._gap + text
        self._gap = gap[-_MAX_GAP_CHARS:]
        found = _PROSE.search(gap)
        return gap[found.start(1) :] if found else None

    def _given_up(self, text: str, begin: int, at_s: float) -> End | None:
        """The next sentence, where no sign of JSON has come for long."""
        self._sign_at_s = min(self._sign_at_s, at_s)
        is_long = self._plain_chars > MAX_PLAIN_CHARS or at_s - self._sign_at_s > MAX_PLAIN_S
        read = self._tail + text[begin:]
        self._plain_chars += len(text) - begin
        self._tail = read[-_TAIL_CHARS:]
        if not is_long or (found := _SENTENCE_ENDS.search(read)) is None:
            return None
        return End(len(text), read[found.end() :], is_sure=False)
