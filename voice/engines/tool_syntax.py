"""Parts what a model writes into words, which may be said, and tool calls, which never are.

Words pass at once; what may be the beginning of a call is held until that is clear. A call that was cut
off is no call and no words either: nobody is to hear half of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from voice.engines.tool_forms import BETWEEN, DECODER, Schemas, call_of, calls_in
from voice.types import Json, ToolCall

# What begins calls, and what ends them; None: the reply's own end does.
TAGS: Final = {
    "<tool_call>": "</tool_call>",
    "<|tool_call|>": "<|/tool_call|>",
    "<tool_calls>": "</tool_calls>",
    "<function=": "</function>",
    "<|python_tag|>": None,
    "[TOOL_CALLS]": None,
}
# Marks of a tokenizer that its text must keep: without them a call would look like words.
MARKS: Final = frozenset(("[ARGS]", "[CALL_ID]", *(mark for pair in TAGS.items() for mark in pair if mark)))
STRAY: Final = MARKS - {*TAGS}  # where no call has begun they mean nothing, and are no words
OBJECT = re.compile(r"(?:```\w*\s*)?(?:\[\s*)?\{\s*[\"']")
# What may still become an object: the beginnings of OBJECT, at the end of what has come.
BEGUN = re.compile(r"(?:`{1,2}|```\w*\s*\[?\s*\{?\s*|\[\s*\{?\s*|\{\s*)\Z")


def schemas_of(tools: Iterable[Mapping[str, Json]]) -> Schemas:
    """The parameters of each tool, by its name; `tools` as chat completions write them."""
    functions = [one for tool in tools if isinstance(one := tool.get("function"), dict)]
    return {str(one.get("name")): _table(one.get("parameters")) for one in functions}


def _table(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


class ToolSyntax:
    """Reads one reply. `tools` are those that were offered: where there are none, nothing is called.

    Bare JSON may be a call only where there are some.
    """

    def __init__(self, tools: Schemas) -> None:
        self.calls: list[ToolCall] = []
        self._tools = tools
        openers = [re.escape(mark) for mark in sorted(MARKS)]
        if tools:
            openers += [OBJECT.pattern, rf"\[\s*(?:{'|'.join(map(re.escape, sorted(tools)))})\("]
        self._opener = re.compile("|".join(openers))
        # Beginnings of a call that is told by its words, not by its first character.
        self._starts = (*MARKS, *(f"[{name}(" for name in self._tools))
        self._held = ""
        self._inside: str | None = None  # what began the call that is being written
        self._is_behind = False  # a call has just ended: what parts it from the next is no words

    def add(self, text: str) -> str:
        """What may be said of the text so far."""
        self._held += text
        said = ""
        while True:
            if self._inside is None:
                said += self._words()
            if self._inside is None or not self._has_ended():
                return said

    def end(self) -> str:
        """The reply is over: what was held and turned out to be words."""
        held, self._held = self._held, ""
        if self._inside is None:
            return self._behind(held)
        found = calls_in(self._raw(held), self._tools)
        self._want(found)
        # JSON that calls nothing is the answer itself, where somebody wants that; half of it is no answer.
        return held if not found and self._inside == "{" and _is_whole(held) else ""

    def _words(self) -> str:
        """Takes the words from what is held, up to where a call begins."""
        said = ""
        while (found := self._opener.search(self._held)) is not None:
            said += self._behind(self._held[: found.start()])
            if (opener := found.group()) not in STRAY:
                self._held = self._held[found.start() :]
                self._inside = opener if opener in TAGS else ("(" if opener.endswith("(") else "{")
                return said
            self._held = self._held[found.end() :]
        size = len(self._held) - self._begun()
        words, self._held = self._held[:size], self._held[size:]
        return said + self._behind(words)

    def _begun(self) -> int:
        """How many of the last characters may be the beginning of a call."""
        last = self._held.rfind("<"), self._held.rfind("[")
        sizes = [len(self._held) - at for at in last if at >= 0]
        tagged = [size for size in sizes if any(one.startswith(self._held[-size:]) for one in self._starts)]
        if self._tools and (found := BEGUN.search(self._held)):
            tagged.append(len(self._held) - found.start())
        return max(tagged, default=0)

    def _has_ended(self) -> bool:
        """Takes a call that is whole from what is held; false while more of it is to come."""
        assert self._inside is not None
        if self._inside == "{":
            return self._object_has_ended()
        closer = TAGS.get(self._inside)
        at = self._held.find(closer) if closer else -1
        if closer is None or at < 0:
            return False
        self._want(calls_in(self._raw(self._held[:at]), self._tools))
        self._leave(self._held[at + len(closer) :])
        return True

    def _object_has_ended(self) -> bool:
        start = self._held.index("{")
        try:
            value, end = DECODER.raw_decode(self._held, start)
        except (ValueError, RecursionError):
            return False
        call = call_of(value)
        if call is None:
            return False  # an answer in JSON: it is given as one, at its end
        self._want([call])
        self._leave(self._held[end:])
        return True

    def _want(self, calls: list[ToolCall]) -> None:
        if self._tools:
            self.calls += calls

    def _leave(self, rest: str) -> None:
        self._inside, self._held, self._is_behind = None, rest, True

    def _behind(self, words: str) -> str:
        """Words without what parts them from a call before them."""
        if not self._is_behind:
            return words
        words = words.lstrip(BETWEEN)
        self._is_behind = not words
        return words

    def _raw(self, held: str) -> str:
        """What stands between the marks; a tag that holds a name is part of the call."""
        inside = self._inside or ""
        return held if inside not in TAGS or inside == "<function=" else held.replace(inside, " ")


def _is_whole(text: str) -> bool:
    """Whether JSON, or something that looks like it, was written to its end."""
    return text.rstrip().rstrip("`").rstrip().endswith(("}", "]"))
