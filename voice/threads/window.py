"""How much of a thread a model reads: the newest messages within a number of characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from voice.types import Message

MAX_CHARS = 12_000  # about 3,000 tokens: an hour of talk, and a model's first token still comes quickly


def without_orphans(messages: Sequence[Message]) -> list[Message]:
    """The same without tool calls that nobody answered, and answers that nobody asked for.

    A model server refuses a chat that holds one: a turn that was stopped between a tool and its answer.
    """
    if not [message for message in messages if message.tool_calls or message.role == "tool"]:
        return list(messages)
    answered_at = {message.tool_call_id: at for at, message in enumerate(messages) if message.role == "tool"}
    asked: set[str | None] = set()
    kept = []
    for place, message in enumerate(messages):
        if message.tool_calls:
            whole = tuple(one for one in message.tool_calls if answered_at.get(one.id, -1) > place)
            asked |= {one.id for one in whole}
            if not whole and not message.text:
                continue
            message = replace(message, tool_calls=whole)
        if message.role != "tool" or message.tool_call_id in asked:
            kept.append(message)
    return kept


def newest(messages: Sequence[Message], max_chars: int = MAX_CHARS) -> list[Message]:
    """The newest messages that fit, in order, beginning with a message of the caller.

    A tool's answer never stands without the question that it answers.
    """
    kept: list[Message] = []
    left = max_chars
    for message in reversed(messages):
        left -= len(message.text)
        for call in message.tool_calls:
            left -= len(call.arguments)
        if left < 0 and kept:
            break
        kept.append(message)
    kept.reverse()
    if len(kept) == len(messages):
        return kept
    first = next((i for i, message in enumerate(kept) if message.role == "user"), 0)
    return kept[first:]
