"""Lines made into sentences: a heading, an item of a list and a row of a table each end with a pause.

An item that is numbered keeps its number ("1. Call us" → "1, Call us."); a bullet is not said. A line
that only draws something is dropped, and so is the role that a model sets before its words ("Agent:").
"""

from __future__ import annotations

import re

from voice.speech.patterns import Pattern

_RULE = Pattern(r"(?:[-*_=—]\s{0,3}){3,}|={2,}|-{2,}")
_TABLE_SIGNS = Pattern(r"[\s:|-]+")
_QUOTE = Pattern(r"(?:>[ \t]?)+")
# "# of units", "# 305" and the key in "# to repeat" are no headings; "# To do" and "## to do" are.
_HEADING = Pattern(
    r"(?:#{2,6}[ \t]+|#[ \t]+(?!(?:to|for|or|key|when|if|para|o|si|cuando)\b))(?!of\b|\d+[A-Z]?[.!?]?$)"
)
_BULLETS = frozenset("-*+•‣◦▪·–—→➜➤►✓✔✅☑")
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
_ENDS = frozenset(".,;:!?…")
_BARE = Pattern(r"[*_#>~`\s|-]*")
MOST_LINES = 1000  # of one text; what is behind them is read as one line


def as_sentences(text: str, *, begins_line: bool) -> str:
    """The text on one line, with a pause where a line was a thing of its own."""
    lines = text.split("\n", MOST_LINES)
    if len(lines) == 1 and not begins_line:
        return text
    bars = 1 if "|" in text and any(map(_is_table_rule, lines)) else 2
    said: list[str] = []
    reads = begins_line
    needs_end = False  # of an item that other lines follow, though the next one goes on in lower case
    for line in map(str.strip, lines):
        words, is_own = _read(line, bars) if reads else (line, False)
        reads = True
        if said and (needs_end or is_own or not words[:1].islower()):
            said[-1] = _ended(said[-1])
        if words:
            said.append(words)
            needs_end = is_own
        else:
            needs_end = False
    return " ".join(said)


def _ended(part: str) -> str:
    """What was said, with a pause behind it."""
    return part if part[-1] in _ENDS or _ENDED.search(part) or _BARE.fullmatch(part) else f"{part}."


def _read(line: str, bars: int) -> tuple[str, bool]:
    """The words of a line without its mark, and whether it is a thing of its own.

    `bars`: so many between words make it the row of a table.
    """
    if not line:
        return "", False
    first = line[0]
    if first in "-*_=—:|" and (_RULE.fullmatch(line) or _is_table_rule(line)):
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
    if first in _BULLETS and (mark := _BULLET.match(line)):
        return _item(line[mark.end() :]), True
    if (first in "*_(" or first.isdecimal() or line[1:2] == ")") and (mark := _NUMBER.match(line)):
        return f"{mark[1] or mark[2].upper()}, {_item(line[mark.end() :])}", True
    if first == "[" and (mark := _TASK.match(line)):
        return line[mark.end() :], True
    if line == "assistant":  # the token that begins a reply, as text
        return "", True
    mark = _ROLE.match(line) if ":" in line else None
    return (line[mark.end() :].strip() if mark else line), False


def _is_table_rule(line: str) -> bool:
    """Whether a line is the one below a table's head: bars and dashes, a bar behind a dash."""
    return -1 < line.find("-") < line.rfind("|") and _TABLE_SIGNS.fullmatch(line) is not None


def _item(words: str) -> str:
    """An item may hold a heading or a role of its own."""
    mark = _HEADING.match(words)
    return words[mark.end() :] if mark else words


def _row(line: str) -> str:
    """The cells of a table's row with a pause between them."""
    cells = (cell.strip() for cell in line.replace("\\|", " ").split("|"))
    return ", ".join(cell for cell in cells if not _BARE.fullmatch(cell))
