"""Finds the end of JSON, or of a call in brackets, while it comes in pieces."""

from __future__ import annotations

from voice.speech.patterns import Pattern

_SIGN = Pattern(r"[{}\[\]()\"\\]")


class Nesting:
    """Counts brackets from an opening one on; those within quotes do not count."""

    def __init__(self) -> None:
        self._depth = 0
        self._is_quoted = False
        self._is_escaped = False  # the next character belongs to the backslash before it

    def end_in(self, text: str, at: int) -> int | None:
        """Where the outermost bracket has closed, in the next piece of text; None: not yet."""
        while (sign := _SIGN.search(text, at)) is not None:
            is_escaped = self._is_escaped and sign.start() == at
            at, self._is_escaped = sign.end(), False
            if is_escaped:
                continue
            if sign[0] == "\\":
                self._is_escaped = self._is_quoted
            elif sign[0] == '"':
                self._is_quoted = not self._is_quoted
            elif not self._is_quoted:
                self._depth += 1 if sign[0] in "{[(" else -1
                if self._depth <= 0:
                    return at
        self._is_escaped = self._is_escaped and at == len(text)
        return None
