"""Lines made into sentences: a heading, an item of a list and a row of a table each end with a pause.

An item that is numbered keeps its number ("1. Call us" → "1, Call us."); a bullet is not said. A line
that only draws something is dropped, and so is the role that a model sets before its words ("Agent:").
"""

from __future__ import annotations

import re

from voice.speech.patterns import Pattern

_RULE = Pattern(r"(?:[-*_=—]\s{0,3}){3,}|={2,}|-{2,}")
_TABLE_RULE = Pattern(r"\|?[\s:|-]*-[\s:|-]*\|[\s:|-]*")
_QUOTE = Pattern(r"(?:>[ \t]?)+")
_HEADING = Pattern(r"#{1,6}[ \t]+")
_BULLET = Pattern(r"(?:[-*+•‣◦▪·–—→➜➤►✓✔✅☑][ \t]+)+(?:\[[ xX]?\][ \t]*)?")
_NUMBER = Pattern(r"(?:\*\*|__)?\(?(?:(\d{1,2})[.)]|([a-hA-H])\))(?:\*\*|__)?[ \t]+(?=\S)")
_TASK = Pattern(r"\[[ xX]\][ \t]+")
_ROLES = (
    r"(?:(?:ai|virtual|phone|voice|support)[ _])?(?:agent|assistant|ai|bot|chatbot|receptionist|operator"
    r"|representative|response|reply|final answer|model)"
)
_ROLE = Pattern(
    rf"(?:\*\*|__|\[|<)?{_ROLES}(?:\]|>)?(?:\*\*|__)?[ \t]?:(?:\*\*|__)?(?:[ \t]+|$|(?=[\"“*]))",
    re.IGNORECASE,
)
_ENDED = Pattern(r"[.,;:!?…।。！？]['\"”’)\]*_~`]*$")
_BARE = Pattern(r"[*_#>~`\s|-]*")


def as_sentences(text: str, *, begins_line: bool) -> str:
    """The text on one line, with a pause where a line was a thing of its own."""
    lines = text.split("\n")
    if len(lines) == 1 and not begins_line:
        return text
    bars = 1 if "|" in text and any(map(_TABLE_RULE.fullmatch, lines)) else 2
    said: list[str] = []
    for place, line in enumerate(lines):
        words, is_own = _read(line.strip(), bars) if place or begins_line else (line.strip(), False)
        is_new = is_own or not line.strip() or words[:1].isupper() or not words[:1].islower()
        if said and is_new:
            said[-1] = _ended(said[-1])
        if words:
            said.append(f"{words}\n" if is_own and place < len(lines) - 1 else words)
    return " ".join(part[:-1] if part.endswith("\n") else part for part in map(_closed, said))


def _closed(part: str) -> str:
    """An item that other lines follow ends with a pause, though the next one goes on in lower case."""
    return _ended(part[:-1]) if part.endswith("\n") else part


def _ended(part: str) -> str:
    words = part.removesuffix("\n")
    return words if not words or _ENDED.search(words) or _BARE.fullmatch(words) else f"{words}."


def _read(line: str, bars: int) -> tuple[str, bool]:
    """The words of a line without its mark, and whether it is a thing of its own.

    `bars`: so many between words make it the row of a table.
    """
    if not line:
        return "", False
    first = line[0]
    if first in "-*_=—:|" and (_RULE.fullmatch(line) or _TABLE_RULE.fullmatch(line)):
        return "", True
    if first == ">" and (mark := _QUOTE.match(line)):
        line = line[mark.end() :].strip()
        return (_read(line, bars)[0], True) if line else ("", True)
    if first == "|" or line.count(" | ") >= bars:
        return _row(line), True
    if first == "#" and (mark := _HEADING.match(line)):
        title = line[mark.end() :].rstrip("# \t")
        role = _ROLE.match(title)
        return (title[role.end() :].strip() if role else title), True
    if mark := _BULLET.match(line):
        return _item(line[mark.end() :]), True
    if mark := _NUMBER.match(line):
        return f"{mark[1] or mark[2].upper()}, {_item(line[mark.end() :])}", True
    if mark := _TASK.match(line):
        return line[mark.end() :], True
    if line == "assistant":  # the token that begins a reply, as text
        return "", True
    mark = _ROLE.match(line)
    return (line[mark.end() :].strip() if mark else line), False


def _item(words: str) -> str:
    """An item may hold a heading or a role of its own."""
    mark = _HEADING.match(words)
    return words[mark.end() :] if mark else words


def _row(line: str) -> str:
    """The cells of a table's row with a pause between them."""
    cells = (cell.strip() for cell in line.replace("\\|", " ").split("|"))
    return ", ".join(cell for cell in cells if not _BARE.fullmatch(cell))
