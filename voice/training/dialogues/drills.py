"""Exercises in copying: the caller says anything, the agent says it back, now or when asked.

A model this small learns to copy late, from calls alone. These short talks of random
words, units and times have a system prompt of their own, so no caller meets them; many
stand at the beginning of a training, few later.
"""

from __future__ import annotations

from functools import cache
from random import Random

from voice.training.dialogues import slots
from voice.training.dialogues.grammar import words_of
from voice.training.dialogues.talk import Line, Talk

REPEAT = "Say back what the caller says."
REMEMBER = "Remember what the caller says, and tell it when asked."
EARLY_ROWS, EARLY_SHARE, LATER_SHARE = 2400, 0.4, 0.06
ASKED = {"unit": "which unit", "time": "what time", "name": "what name"}


def is_drill_row(rng: Random, row: int) -> bool:
    """Whether this row of training is for exercises."""
    return rng.random() < (EARLY_SHARE if row < EARLY_ROWS else LATER_SHARE)


def drill(talk: Talk) -> None:
    """One exercise, by the setting's system prompt."""
    if talk.where.system == REPEAT:
        for _ in range(talk.rng.randint(1, 4)):
            _exchange(talk, *[_chatter(talk)] * 2)
        return
    said = {
        "unit": slots.unit(talk.rng).repeated,
        "time": slots.time(talk.rng).repeated,
        "name": slots.name(talk.rng),
    }
    kinds = talk.rng.sample(sorted(said), talk.rng.randint(1, 3))
    for kind in kinds:
        _exchange(
            talk,
            talk.rng.choice(("{0}", "it is {0}", "{0} please", "my {1} is {0}")).format(said[kind], kind),
            "Okay.",
        )
    for kind in talk.rng.choices(kinds, k=talk.rng.randint(1, 3)):
        _exchange(talk, ASKED[kind], said[kind])
    _exchange(talk, "everything", ", ".join(said[kind] for kind in kinds))


def _exchange(talk: Talk, said: str, answered: str) -> None:
    talk.lines += [Line("user", said), Line("assistant", answered, "drill", ((answered.lower(),),))]


def _chatter(talk: Talk) -> str:
    kind = talk.rng.random()
    if kind < 0.3:
        return f"{slots.unit(talk.rng).repeated}, {slots.time(talk.rng).repeated}"
    if kind < 0.45:
        return talk.rng.choice(
            (slots.unit(talk.rng).repeated, slots.time(talk.rng).repeated, slots.name(talk.rng))
        )
    if kind < 0.6:
        return " ".join(talk.rng.choice("0123456789ABCDEFGH") for _ in range(talk.rng.randint(2, 8)))
    return " ".join(talk.rng.choices(_words(), k=talk.rng.randint(2, 12)))


@cache
def _words() -> tuple[str, ...]:
    """The words of the callers, once each, in a fixed order."""
    found = words_of("problems", "openings", "answers", "questions", "special")
    return tuple(sorted(found | set(slots.FIRST) | set(slots.LAST) | set(slots.DAYS) | set(slots.HOURS)))
