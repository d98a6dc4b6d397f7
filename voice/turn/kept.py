"""A turn as it may be kept: without keys that somebody read out, and without the secrets of tools.

The live call goes on with the words as they were: its model has read them, and must find them again in
the platform's account. Only what is written down is cleaned, by the shapes of keys and, in what tools are
asked and answer, by the names of fields. After a restart the model reads what was kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from voice.telemetry.masked import clean, looks_clean, text_to_keep
from voice.types import Aside, Message, Rung, ToolCall, Turn

WORDS = ("said", "sent", "spoken", "heard", "filler")


def turn_to_keep(turn: Turn) -> Turn:
    """The turn itself where nothing is to be left out, else a copy."""
    # Nearly always so, and seen at one glance: no sign of a secret reaches over the end of a text.
    if not (turn.tools or turn.handed) and looks_clean("\n".join(_texts(turn))):
        return turn
    changes = {name: text for name in WORDS if (text := _changed(getattr(turn, name))) is not None}
    lists: dict[str, Sequence[object]] = {
        "asides": tuple(_aside(turn, one) for one in turn.asides),
        "tools": tuple(_message(one) for one in turn.tools),
        "handed": tuple(_asked(one) for one in turn.handed),
        "rungs": [_rung(one) for one in turn.rungs],
        "readings": [] if "spoken" in changes else turn.readings,  # they point at places of what was spoken
    }
    others = {name: found for name, found in lists.items() if not _is_same(found, getattr(turn, name))}
    if not changes and not others:
        return turn
    told: dict[str, Any] = {**changes, **others}
    return replace(turn, **told)


def _texts(turn: Turn) -> list[str]:
    """All words of a turn that has used no tools."""
    texts = [turn.said, turn.sent, turn.spoken, turn.heard or "", turn.filler]
    texts += [rung.wrote for rung in turn.rungs]
    return texts + [aside.text for aside in turn.asides] if turn.asides else texts


def _changed(text: str | None) -> str | None:
    """What is kept of a text; None: the whole of it."""
    if not text or looks_clean(text):
        return None
    kept = clean(text)
    return None if kept == text else kept


def _words(text: str) -> str:
    return text if looks_clean(text) else clean(text)


def _aside(turn: Turn, aside: Aside) -> Aside:
    """An aside, where it stands in the spoken form that is kept."""
    text, after = _words(aside.text), len(_words(turn.spoken[: aside.after]))
    is_same = text == aside.text and after == min(aside.after, len(turn.spoken))
    return aside if is_same else Aside(text, after, aside.readings if text == aside.text else ())


def _rung(rung: Rung) -> Rung:
    wrote = _changed(rung.wrote)
    return rung if wrote is None else replace(rung, wrote=wrote)


def _message(message: Message) -> Message:
    text = message.text if looks_clean(message.text) else text_to_keep(message.text)
    calls = tuple(_asked(one) for one in message.tool_calls)
    if text == message.text and calls == message.tool_calls:
        return message
    return replace(message, text=text, tool_calls=calls)


def _asked(wanted: ToolCall) -> ToolCall:
    arguments = text_to_keep(wanted.arguments)
    return wanted if arguments == wanted.arguments else replace(wanted, arguments=arguments)


def _is_same(found: Sequence[object], before: Sequence[object]) -> bool:
    return len(found) == len(before) and all(one is two for one, two in zip(found, before, strict=True))
