"""What a model in this process reads: messages become tokens that fit into its context.

Too long a call loses its oldest turns, then the end of the system text; the caller's last
words are never cut. A reply that was begun stays open at its end, so that the model goes on
behind it. Words that the tokenizer would take for its own marks ("<|end|>") are broken up:
a caller who says them is not the system.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Protocol

import orjson

from voice.engines.tool_turns import Entry, one_call_each, shown_tools, with_objects, without_tools
from voice.errors import BadJob
from voice.types import SPOKE_OVER

# Oldest turns are left out four at a time: what stays then begins at the same place for
# four turns, and the engine need not read it all again at each of them.
TURNS_AT_ONCE = 4

# A template that shows this one to the model shows others, too.
PROBE: Final = "offhook_probe"
PROBE_TOOLS: Final[Sequence[Entry]] = ({"type": "function", "function": {"name": PROBE, "description": ""}},)
NO_TOOLS: Final[Sequence[Entry]] = ()


class Tokenizer(Protocol):
    """The part of the library's tokenizer that reading needs."""

    def encode(self, text: str) -> Sequence[int]: ...

    def apply_chat_template(
        self, messages: str, *, tools: str | None = None, add_generation_prompt: bool
    ) -> str: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """The tokens of a prompt, and how many of its oldest turns were left out.

    `ignored` names what the model was not shown, though it was asked for: "tools", the end of "system".
    """

    tokens: list[int]
    dropped_turns: int = 0
    ignored: tuple[str, ...] = ()


class PromptReader:
    """Turns messages into tokens. `marks` are the tokenizer's own, `context` is counted in tokens.

    `knows_tools`: the model's template has words for what a tool answered. `shows_tools`: it has words for
    the tools that there are.
    """

    def __init__(
        self, tokenizer: Tokenizer, marks: Sequence[str], context: int, *, knows_tools: bool = False
    ) -> None:
        self._tokenizer = tokenizer
        self._marks = tuple(mark for mark in marks if len(mark) > 1)
        self._context = context
        self._knows_tools = knows_tools
        self.shows_tools = self._shows_tools()

    def read(
        self,
        messages: Sequence[Entry],
        max_tokens: int,
        so_far: str = "",
        tools: Sequence[Entry] = NO_TOOLS,
    ) -> Reading:
        """The tokens of the messages, with room for `max_tokens` more, at least for half of the context.

        The last ones are those of `so_far`, the beginning of the reply. Raises BadJob when the last words
        do not fit, or the model's template refuses the messages.
        """
        clean = [self._clean(entry) for entry in messages]
        told = with_objects(clean, self._unmarked) if self._knows_tools else without_tools(clean)
        if not told:
            raise BadJob("messages hold nothing that the model could read.")
        room = max(self._context - max_tokens, self._context // 2)
        # Without its last space: that one belongs to the token of the next word.
        asked = _Asked(self._unmarked(so_far).strip(), self._shown(tools))
        ignored = ("tools",) if tools and asked.tools is None else ()
        tokens = self._encode(told, asked)
        if len(tokens) <= room:
            return Reading(tokens, 0, ignored)
        fitting = self._fit(told, asked, room)
        return replace(fitting, ignored=(*ignored, *fitting.ignored))

    def _shows_tools(self) -> bool:
        hello: list[Entry] = [{"role": "user", "content": "Hello."}]
        try:
            return PROBE in self._templated(hello, _written(shown_tools(PROBE_TOOLS)))
        except RuntimeError:
            return False

    def _shown(self, tools: Sequence[Entry]) -> str | None:
        return _written(shown_tools(tools)) if tools and self.shows_tools else None

    def _fit(self, messages: Sequence[Entry], asked: _Asked, room: int) -> Reading:
        system, turns = split(messages)
        starts = sorted({*range(TURNS_AT_ONCE, len(turns), TURNS_AT_ONCE), max(0, len(turns) - 1)})

        def read_from(start: int) -> list[int]:
            return self._encode([*system, *(entry for turn in turns[start:] for entry in turn)], asked)

        place = bisect_left(starts, True, key=lambda start: len(read_from(start)) <= room)
        if place < len(starts):
            return Reading(read_from(starts[place]), starts[place])
        tokens = self._cut_system(system, turns[-1] if turns else [], asked, room)
        return Reading(tokens, max(0, len(turns) - 1), ("system",))

    def _cut_system(
        self, system: Sequence[Entry], last: Sequence[Entry], asked: _Asked, room: int
    ) -> list[int]:
        text = "\n\n".join(str(entry["content"]) for entry in system)
        while text:
            text = text[: len(text) * 9 // 10]
            tokens = self._encode([{"role": "system", "content": text}, *last], asked)
            if len(tokens) <= room:
                return tokens
        raise BadJob(f"the last message is longer than the {room} tokens that the model can read.")

    def _encode(self, messages: Sequence[Entry], asked: _Asked) -> list[int]:
        text = self._read_as_the_template_takes_it(messages, asked.tools)
        return [int(token) for token in self._tokenizer.encode(text + asked.begun)]

    def _read_as_the_template_takes_it(self, messages: Sequence[Entry], tools: str | None) -> str:
        """Some templates take one call in a message only, some no tool's answer where they see none asked."""
        forms = (
            (messages, one_call_each(messages), without_tools(messages)) if self._knows_tools else (messages,)
        )
        for form in forms:
            try:
                return self._templated(form, tools)
            except RuntimeError:  # all that the library raises
                continue
        raise BadJob("the model's chat template does not take these messages.")

    def _templated(self, messages: Sequence[Entry], tools: str | None) -> str:
        return self._tokenizer.apply_chat_template(
            _written(messages), tools=tools, add_generation_prompt=True
        )

    def _clean(self, entry: Entry) -> Entry:
        # A small model that has not learned what the remark means answers to the remark.
        content = str(entry.get("content") or "").removeprefix(SPOKE_OVER).lstrip()
        return {**entry, "content": self._unmarked(content)}

    def _unmarked(self, text: str) -> str:
        text = text.replace("\0", "")  # the library would stop reading there
        for mark in self._marks:
            if mark in text:
                text = text.replace(mark, f"{mark[0]} {mark[1:]}")
        return text


@dataclass(frozen=True, slots=True)
class _Asked:
    """What stands in a prompt besides its messages: the reply's beginning, and the tools, as JSON."""

    begun: str
    tools: str | None


def _written(entries: Sequence[Entry]) -> str:
    return orjson.dumps(entries).decode()


def split(messages: Sequence[Entry]) -> tuple[list[Entry], list[list[Entry]]]:
    """The system messages at the beginning, and the turns, each from a user's message to the next."""
    begin = next((i for i, entry in enumerate(messages) if entry["role"] != "system"), len(messages))
    starts = [i for i in range(begin, len(messages)) if i == begin or messages[i]["role"] == "user"]
    turns = [list(messages[start:end]) for start, end in pairwise([*starts, len(messages)])]
    return list(messages[:begin]), turns
