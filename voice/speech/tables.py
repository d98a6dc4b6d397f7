"""Tables of words as they are easiest to read and to change: plain text."""

from __future__ import annotations


def word_set(words: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(words.split())


def table(lines: str) -> dict[str, str]:
    """One `written = said` a line."""
    pairs = [line.split(" = ", 1) for line in lines.strip().split("\n")]
    return {written.lstrip(): said for written, said in pairs}
