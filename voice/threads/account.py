"""A platform's account of a call, taken apart: what was said and answered, turn by turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from voice.types import Message


@dataclass(frozen=True, slots=True)
class Told:
    """What was said and answered in one turn, by a platform's account."""

    said: str
    answers: tuple[str, ...]  # as many messages as it has for them

    @property
    def answer(self) -> str:
        return " ".join(self.answers)


def pairs_of(history: Sequence[Message]) -> list[Told]:
    """What was said and what was answered, turn by turn; an opening line by the agent is no turn."""
    pairs: list[tuple[str, list[str]]] = []
    for message in history:
        text = message.text.strip()
        if message.role == "user" and text:
            pairs.append((text, []))
        elif message.role == "assistant" and pairs and text:
            pairs[-1][1].append(text)
    return [Told(said, tuple(answers)) for said, answers in pairs]


def opening_of(history: Sequence[Message]) -> str:
    """What the agent said before the caller said anything."""
    if history and history[0].role == "assistant":
        return history[0].text.strip()
    return ""


def openings(history: Sequence[Message]) -> tuple[str, ...]:
    """All that the caller heard before they said anything."""
    heard = takewhile(lambda message: message.role != "user", history)
    return tuple(text for one in heard if one.role == "assistant" and (text := one.text.strip()))
