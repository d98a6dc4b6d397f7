"""Rows of training: one system prompt, then as many dialogues under it as fit.

The prompt is read once per row: every dialogue sees the prompt and itself, nothing of its
neighbours, and its positions count on from the prompt's end. So a row is worth several
chats that each begin with the prompt, at a third of the price.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voice.training.dialogues import Dialogue, Split, dialogue, row_setting
from voice.training.tokenizer import ASSISTANT, END, SYSTEM, USER

ROW_TOKENS = 640
PROMPT = 0  # the part number of what every dialogue of the row sees
PADDING = -1
NOT_LEARNED = -100


@dataclass(frozen=True, slots=True)
class Row:
    """One row. All lists have ROW_TOKENS entries; `target[i]` is what follows token i, or NOT_LEARNED."""

    tokens: list[int]
    part: list[int]
    position: list[int]
    target: list[int]


class Encoder:
    """Turns dialogues into token ids with a trained tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.vocabulary = int(tokenizer.get_vocab_size())
        self.end, self.system, self.user, self.assistant = (
            int(tokenizer.token_to_id(each)) for each in (END, SYSTEM, USER, ASSISTANT)
        )

    def text(self, text: str) -> list[int]:
        """The ids of a text without special tokens."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def prompt(self, system: str | None) -> list[int]:
        """The ids of the system prompt; empty where there is none."""
        return [self.system, *self.text(system), self.end] if system else []

    def lines(self, found: Dialogue) -> list[tuple[list[int], bool]]:
        """Each line's ids, and whether it is to be learned."""
        roles = {"user": self.user, "assistant": self.assistant}
        return [
            ([roles[line.who], *self.text(line.text), self.end], line.who == "assistant" and line.learn)
            for line in found.lines
        ]


def row(encoder: Encoder, seed: int, number: int, split: Split = "train", size: int = ROW_TOKENS) -> Row:
    """Row `number` of a seed: the same tokens every time."""
    tokens = encoder.prompt(row_setting(seed, number, split).system)
    start = len(tokens)
    part, position, target = [PROMPT] * start, list(range(start)), [NOT_LEARNED] * start
    place = 0
    while size - len(tokens) >= 40:  # less than this holds no turn worth reading
        at = start
        for ids, learn in encoder.lines(dialogue(seed, number, place, split)):
            if len(tokens) + len(ids) > size:
                break
            tokens += ids
            part += [place + 1] * len(ids)
            position += range(at, at + len(ids))
            target += [*ids[1:], NOT_LEARNED] if learn else [NOT_LEARNED] * len(ids)
            at += len(ids)
        else:
            place += 1
            continue
        break
    missing = size - len(tokens)
    return Row(
        tokens + [encoder.end] * missing,
        part + [PADDING] * missing,
        position + [0] * missing,
        target + [NOT_LEARNED] * missing,
    )
