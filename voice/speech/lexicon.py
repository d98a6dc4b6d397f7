"""Names that an agent says in its own way: property names, brand words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from voice.speech.span import Span


class Lexicon:
    """As written → as said. Whole words, in the case they are given in; the longest wins."""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self._names = dict(names or {})
        by_length = sorted(self._names, key=len, reverse=True)
        choice = "|".join(map(re.escape, by_length))
        self._pattern = re.compile(rf"(?<!\w)(?:{choice})(?!\w)") if choice else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def find(self, text: str) -> Iterator[Span]:
        """The places of its names in a text, in order."""
        if self._pattern is None:
            return
        for found in self._pattern.finditer(text):
            yield Span(found.start(), found.end(), "name", self._names[found[0]])


NONE = Lexicon()
