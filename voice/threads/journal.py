"""Journal: what became of every tool that was asked for on a call, as separate facts.

"Logged as done" is not "done": a tool was asked for, it ran, it answered, and whoever asked has taken
the answer. Each fact is a note of its own (kind "tool"), kept the moment it happens, so that a process
that dies in between leaves what it knew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from voice.types import CallId, Json, Note

KIND = "tool"


class Step(StrEnum):
    """How far a use of a tool has come."""

    ASKED = "asked"  # by the model, or by the platform's
    RAN = "ran"  # it began; a name that nobody has, or arguments that cannot be read, never do
    ANSWERED = "answered"
    ACCEPTED = "accepted"  # whoever asked has gone on with the answer


@dataclass(slots=True)
class Used:
    """One use of a tool as its notes tell of it. None: that has not happened, or nobody has seen it."""

    id: str
    name: str = ""
    arguments: str = ""
    ok: bool | None = None
    answer: str | None = None
    effect: str | None = None  # what the door was to do to the call
    asked_on: datetime | None = None
    ran_on: datetime | None = None
    answered_on: datetime | None = None
    accepted_on: datetime | None = None


def step_note(call_id: CallId, use_id: str, step: Step, facts: Mapping[str, Json]) -> Note:
    """The note of one step."""
    return Note(call_id, KIND, {"id": use_id, "step": step.value, **facts})


def journal(notes: Iterable[Note]) -> list[Used]:
    """Every use that notes tell of, in the order they were asked for."""
    uses: dict[str, Used] = {}
    for note in notes:
        use_id, step = note.payload.get("id"), note.payload.get("step")
        if note.kind == KIND and isinstance(use_id, str) and step in list(Step):
            _read(uses.setdefault(use_id, Used(use_id)), Step(str(step)), note)
    return list(uses.values())


def lines(uses: Iterable[Used]) -> list[str]:
    """The journal to be read: one line for each use."""
    return [_line(use) for use in uses]


def _read(use: Used, step: Step, note: Note) -> None:
    match step:
        case Step.ASKED:
            use.asked_on = use.asked_on or note.noted_on
            use.name, use.arguments = str(note.payload.get("name")), str(note.payload.get("arguments"))
        case Step.RAN:
            use.ran_on = use.ran_on or note.noted_on
        case Step.ANSWERED:
            use.answered_on = note.noted_on
            use.ok, use.answer = note.payload.get("ok") is True, str(note.payload.get("answer"))
            use.effect = str(note.payload["effect"]) if note.payload.get("effect") else None
        case Step.ACCEPTED:
            use.accepted_on = use.accepted_on or note.noted_on


def _line(use: Used) -> str:
    steps = (
        ("asked", use.asked_on),
        ("ran", use.ran_on),
        ("answered" if use.ok is not False else "refused or failed", use.answered_on),
        ("accepted", use.accepted_on),
    )
    told = ", ".join(f"{name} {on:%H:%M:%S.%f}"[:-3] for name, on in steps if on is not None)
    return (
        f"{use.name or '?'} ({use.id}): {told}: {use.answer}"
        if use.answer
        else f"{use.name} ({use.id}): {told}"
    )
