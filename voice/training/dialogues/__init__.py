"""Dialogues written by this project, from a seed: the same seed gives the same dialogues.

A row of training holds one setting (the system prompt) and as many dialogues under it as
fit. `dialogue()` writes one of them; `conversation()` is a dialogue as a chat with its
system prompt, for evaluation and for looking at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from voice.training.dialogues import courses, slots
from voice.training.dialogues.drills import REMEMBER, REPEAT, drill, is_drill_row
from voice.training.dialogues.grammar import Split, tidy
from voice.training.dialogues.repairs import repair
from voice.training.dialogues.settings import Setting, greeting_for, setting
from voice.training.dialogues.talk import Line, Talk, from_file, reply_words

COURSES: tuple[tuple[Callable[[Talk], None], int, int], ...] = (
    (repair, 50, 34),
    (courses.question, 26, 30),
    (courses.emergency, 6, 24),
    (courses.flood, 2, 5),
    (courses.lockout, 3, 4),
    (courses.viewing, 4, 4),
    (courses.noise, 3, 4),
    (courses.spot, 2, 2),
    (courses.status, 3, 4),
)
"""What calls are about, and how often: in most rows, and in the last ones."""

LATE_ROWS = 14_000  # from here on, what must not fail is practised more: rare, and worst to get wrong
GREETED_SHARE = 0.75
BARGE_IN_SHARE = 0.03  # of the agent's lines are cut off, as a thread after a barge-in holds them
SINGLE_SHARE = 0.08  # a developer's single message: no greeting, one reply


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What was said, in order, under one setting."""

    where: Setting
    lines: tuple[Line, ...]


def row_setting(seed: int, row: int, split: Split = "train") -> Setting:
    """The setting of a row of training."""
    rng = Random(f"{seed}/{split}/{row}")
    if split == "train" and is_drill_row(rng, row):
        return Setting(rng.choice((REPEAT, REPEAT, REMEMBER)), "Jamie", "Maple Court")
    return setting(rng)


def dialogue(seed: int, row: int, place: int, split: Split = "train") -> Dialogue:
    """The dialogue at a place of a row. Deterministic in all four."""
    rng = Random(f"{seed}/{split}/{row}/{place}")
    where = row_setting(seed, row, split)
    talk = Talk(rng, split, where)
    if where.system in (REPEAT, REMEMBER):
        drill(talk)
        return Dialogue(where, tuple(talk.lines))
    if talk.chance(SINGLE_SHARE):
        _course(talk, row)(talk)
        return Dialogue(where, tuple(talk.lines[:2]))
    if talk.chance(GREETED_SHARE):
        talk.lines.append(Line("assistant", greeting_for(rng, where), "greeting", learn=False))
    if talk.chance(0.08):
        courses.question(talk, ("hello", "hearing", "smalltalk", "robot"))
    _course(talk, row)(talk)
    while "over" not in talk.known and talk.chance(0.3):
        _one_more(talk)
    if "over" not in talk.known and talk.chance(0.9):
        _end(talk)
    return Dialogue(where, tuple(_barged_in(rng, talk.lines)))


def _course(talk: Talk, row: int) -> Callable[[Talk], None]:
    weights = [late if row >= LATE_ROWS else usual for _, usual, late in COURSES]
    return talk.rng.choices([course for course, _, _ in COURSES], weights=weights)[0]


def _one_more(talk: Talk) -> None:
    """A further matter in the same call; a second repair keeps the unit and asks for a new time."""
    if talk.chance(0.06):
        courses.emergency(talk)
    elif talk.chance(0.25):
        talk.known.pop("time", None)
        repair(talk)
    else:
        courses.question(talk)


def _end(talk: Talk) -> None:
    if talk.chance(0.12):
        talk.says(from_file("answers", "thanks"))
        talk.replies("thanks", reply_words("welcome"), must=(("welcome",),))
    talk.says(from_file("answers", "done" if talk.chance(0.6) else "bye"))
    talk.replies("bye", reply_words("bye"), must=(("goodbye",),))
    if talk.chance(0.12):
        talk.says(from_file("answers", "bye"))
        talk.replies("bye", "Goodbye.", must=(("goodbye",),))


def _barged_in(rng: Random, lines: list[Line]) -> list[Line]:
    """Some of the agent's lines end where the caller spoke over them; those are not learned."""
    heard: list[Line] = []
    for at, line in enumerate(lines):
        words = line.text.split()
        if (
            line.who == "assistant"
            and at + 1 < len(lines)
            and len(words) > 6
            and rng.random() < BARGE_IN_SHARE
        ):
            line = replace(line, text=tidy(" ".join(words[: rng.randint(2, len(words) - 2)])), learn=False)
        heard.append(line)
    return heard


def conversation(found: Dialogue) -> list[dict[str, str]]:
    """The dialogue as chat messages, the system prompt first where there is one."""
    system = [{"role": "system", "content": found.where.system}] if found.where.system else []
    return system + [{"role": line.who, "content": line.text} for line in found.lines]


__all__ = ["Dialogue", "Line", "Setting", "Split", "conversation", "dialogue", "row_setting", "slots"]
