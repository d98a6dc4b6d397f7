"""One rule of `offhook vapi lint`: a place of an assistant, and what some of its values cost a caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from voice.cli.vapi.wrong import Wrong

Harm = Literal["harmful", "costly", "note"]
HARMS: tuple[Harm, ...] = ("harmful", "costly", "note")
Cost = Literal["silence", "ms", "money"]
COSTS: tuple[Cost, ...] = ("silence", "ms", "money")


@dataclass(frozen=True, slots=True)
class Rule:
    """One place of an assistant and what is wrong with some of its values.

    `path` may name older spellings behind "|", of which the first that is there counts; "[]" stands for
    every entry of a list. `default` is what Vapi takes where nothing is written. `ms` is what a value
    costs each turn. `{value}` and `{ms}` are filled in.
    """

    path: str
    wrong: Wrong
    harm: Harm
    cost: Cost
    says: str
    write: str
    default: Any = None
    ms: Callable[[float], float] | None = None
