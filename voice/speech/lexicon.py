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
        self._seams: dict[str, list[tuple[str, str]]] = {}  # by the word before a space: what is around it
        for name in self._names:
            for gap in re.finditer(r"(\S+)(?= )", name):
                self._seams.setdefault(gap[1], []).append((name[: gap.end()], name[gap.end() :]))

    def __bool__(self) -> bool:
        return self._pattern is not None

    def parted_at(self, text: str, at: int) -> bool | None:
        """Whether a cut at this place would part a name of several words; None: what follows decides it."""
        if not self._seams:
            return False
        left = text[:at].rstrip(" ")
        rest = text[len(left) :]
        is_open = False
        for before, behind in self._seams.get(left[left.rfind(" ") + 1 :].lstrip('("“‘*_'), ()):
            if not left.endswith(before) or left[: len(left) - len(before)][-1:].isalnum():
                continue
            if rest.startswith(behind):
                return True
            is_open = is_open or behind.startswith(rest)
        return None if is_open else False

    def find(self, text: str) -> Iterator[Span]:
        """The places of its names in a text, in order."""
        if self._pattern is None:
            return
        for found in self._pattern.finditer(text):
            yield Span(found.start(), found.end(), "name", self._names[found[0]])


NONE = Lexicon()
