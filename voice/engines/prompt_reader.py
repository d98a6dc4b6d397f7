"""What a model in this process reads: messages become tokens that fit into its context.

Too long a call loses its oldest turns, then the end of the system text; the caller's last
words are never cut. A reply that was begun stays open at its end, so that the model goes on
behind it. Words that the tokenizer would take for its own marks ("<|end|>") are broken up:
a caller who says them is not the system.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import orjson

from voice.errors import BadJob
from voice.types import SPOKE_OVER, Json

# Oldest turns are left out four at a time: what stays then begins at the same place for
# four turns, and the engine need not read it all again at each of them.
TURNS_AT_ONCE = 4

Entry = Mapping[str, Json]  # a message as chat completions write it


class Tokenizer(Protocol):
    """The part of the library's tokenizer that reading needs."""

    def encode(self, text: str) -> Sequence[int]: ...

    def apply_chat_template(self, messages: str, *, add_generation_prompt: bool) -> str: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """The tokens of a prompt, and how many of its oldest turns were left out."""

    tokens: list[int]
    dropped_turns: int = 0


class PromptReader:
    """Turns messages into tokens. `marks` are the tokenizer's own, `context` is counted in tokens.

    `knows_tools`: the model's template has words for what a tool answered.
    """

    def __init__(
        self, tokenizer: Tokenizer, marks: Sequence[str], context: int, *, knows_tools: bool = False
    ) -> None:
        self._tokenizer = tokenizer
        self._marks = tuple(mark for mark in marks if len(mark) > 1)
        self._context = context
        self._knows_tools = knows_tools

    def read(self, messages: Sequence[Entry], max_tokens: int, so_far: str = "") -> Reading:
        """The tokens of the messages, with room for `max_tokens` more, at least for half of the context.

        The last ones are those of `so_far`, the beginning of the reply. Raises BadJob when the last words
        do not fit, or the model's template refuses the messages.
        """
        told = [self._clean(entry) for entry in messages]
        if not self._knows_tools:
            told = without_tools(told)
        if not told:
            raise BadJob("messages hold nothing that the model could read.")
        room = max(self._context - max_tokens, self._context // 2)
        # Without its last space: that one belongs to the token of the next word.
        begun = self._unmarked(so_far).strip()
        tokens = self._encode(told, begun)
        return Reading(tokens) if len(tokens) <= room else self._fit(told, begun, room)

    def _fit(self, messages: Sequence[Entry], begun: str, room: int) -> Reading:
        system, turns = split(messages)
        starts = sorted({*range(TURNS_AT_ONCE, len(turns), TURNS_AT_ONCE), max(0, len(turns) - 1)})

        def read_from(start: int) -> list[int]:
            return self._encode([*system, *(entry for turn in turns[start:] for entry in turn)], begun)

        place = bisect_left(starts, True, key=lambda start: len(read_from(start)) <= room)
        if place < len(starts):
            return Reading(read_from(starts[place]), starts[place])
        tokens = self._cut_system(system, turns[-1] if turns else [], begun, room)
        return Reading(tokens, max(0, len(turns) - 1))

    def _cut_system(self, system: Sequence[Entry], last: Sequence[Entry], begun: str, room: int) -> list[int]:
        text = "\n\n".join(str(entry["content"]) for entry in system)
        while text:
            text = text[: len(text) * 9 // 10]
            tokens = self._encode([{"role": "system", "content": text}, *last], begun)
            if len(tokens) <= room:
                return tokens
        raise BadJob(f"the last message is longer than the {room} tokens that the model can read.")

    def _encode(self, messages: Sequence[Entry], begun: str) -> list[int]:
        try:
            text = self._tokenizer.apply_chat_template(
                orjson.dumps(messages).decode(), add_generation_prompt=True
            )
        except RuntimeError as exc:  # all that the library raises
            raise BadJob("the model's chat template does not take these messages.") from exc
        return [int(token) for token in self._tokenizer.encode(text + begun)]

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


def split(messages: Sequence[Entry]) -> tuple[list[Entry], list[list[Entry]]]:
    """The system messages at the beginning, and the turns, each from a user's message to the next."""
    begin = next((i for i, entry in enumerate(messages) if entry["role"] != "system"), len(messages))
    starts = [i for i in range(begin, len(messages)) if i == begin or messages[i]["role"] == "user"]
    turns = [list(messages[start:end]) for start, end in pairwise([*starts, len(messages)])]
    return list(messages[:begin]), turns


def without_tools(messages: Sequence[Entry]) -> list[Entry]:
    """The messages for a model that was never shown a tool: what a tool answered follows the caller's words.

    Neighbours with the same role become one, as such a model learned them.
    """
    told: list[Entry] = []
    for entry in messages:
        role, text = entry["role"], str(entry["content"])
        if role == "tool":
            role, text = "user", f"({text})"
        elif role == "assistant" and not text.strip():
            continue  # it only asked for a tool
        if told and told[-1]["role"] == role:
            told[-1] = {"role": role, "content": f"{told[-1]['content']}\n{text}"}
        else:
            told.append({"role": role, "content": text})
    return told
