"""Wordings with choices: "my (AC|cooling) is {state}" stands for many sentences.

`(a|b|)` is a choice, which may nest and may be empty; `{name}` is a slot. Wordings live
in phrases/*.toml. Of every longer list of things a caller says, each seventh is kept out
of training, so that the evaluation can ask with wordings the model has never read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Literal

Split = Literal["train", "held_out"]
"""Dialogues to learn from, or dialogues the model has never seen, with wordings kept for them."""

PHRASES = Path(__file__).parent / "phrases"
HELD_OUT_EVERY = 7
HELD_OUT_MINIMUM = 6  # shorter lists are used whole: a missing wording would be a missing meaning
HELD_OUT_SHARE = 0.4  # of a held-out dialogue's wordings; the rest are known ones in new company

_CHOICE = re.compile(r"\(([^()]*)\)")
_SPACES = re.compile(r"\s+")
_BEFORE_MARK = re.compile(r"\s+([,.?!])")


@cache
def phrases(name: str) -> Mapping[str, object]:
    """One file of wordings, as read."""
    return tomllib.loads((PHRASES / f"{name}.toml").read_text(encoding="utf-8"))


def wordings(found: object) -> tuple[str, ...]:
    """A list of wordings out of a file. Raises TypeError when it is something else."""
    if not isinstance(found, list):
        raise TypeError(f"expected a list of wordings, found {type(found).__name__}")
    return tuple(str(each) for each in found)


def table(found: object) -> Mapping[str, object]:
    """A table out of a file. Raises TypeError when it is something else."""
    if not isinstance(found, dict):
        raise TypeError(f"expected a table, found {type(found).__name__}")
    return found


def pick(rng: Random, choices: Sequence[str], split: Split) -> str:
    """One wording of a caller, from the part of the list that belongs to the split."""
    if len(choices) < HELD_OUT_MINIMUM:
        return rng.choice(choices)
    held = choices[HELD_OUT_EVERY - 2 :: HELD_OUT_EVERY]
    if split == "held_out" and rng.random() < HELD_OUT_SHARE:
        return rng.choice(held)
    return rng.choice([each for each in choices if each not in held])


def render(rng: Random, wording: str, slots: Mapping[str, str]) -> str:
    """The wording with its choices made and its slots filled."""
    text = wording
    while "(" in text:
        text = _CHOICE.sub(lambda match: rng.choice(match.group(1).split("|")), text, count=1)
    for name, value in slots.items():
        text = text.replace("{" + name + "}", value)
    return tidy(text)


def tidy(text: str) -> str:
    """One space between words and none before a mark."""
    return _BEFORE_MARK.sub(r"\1", _SPACES.sub(" ", text)).strip()


def words_of(*names: str) -> set[str]:
    """Every word, in lower case, that the wordings of these files can give."""
    found: set[str] = set()
    for name in names:
        text = (PHRASES / f"{name}.toml").read_text(encoding="utf-8")
        found.update(re.findall(r"[a-z']+", text.lower()))
    return found
