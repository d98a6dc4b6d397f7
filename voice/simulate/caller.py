"""A caller who reads from a script, and the line that carries their words.

A script is a list of utterances; a line is one platform's way to our door. `play()` lets the
one speak over the other, and tells what the caller heard.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from voice.errors import BadRequest
from voice.simulate.report import CallReport, TurnReport

CALLER = "+12025550123"  # a number that is set aside for fiction


class Line(Protocol):
    """One simulated call through one door. Its methods raise BadRequest where the platform would give up."""

    @property
    def door(self) -> str: ...

    @property
    def call_id(self) -> str: ...

    @property
    def is_over(self) -> bool:
        """Whether the other side has hung up."""
        ...

    async def dial(self) -> str:
        """Begin the call; the greeting."""
        ...

    async def say(self, text: str) -> TurnReport:
        """Speak one utterance, and hear the reply to its end. Cancelled where the caller speaks over it."""
        ...

    async def hang_up(self) -> None:
        """End the call and tell the door. A second time changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Script:
    """What a caller says, utterance by utterance."""

    name: str
    says: tuple[str, ...]
    caller: str = CALLER

    @classmethod
    def load(cls, path: Path) -> Script:
        """A script from a file: TOML (`says = ["…"]`, `name`, `caller`), or text with one utterance a line.

        In text, lines that begin with # are notes. Raises BadRequest, naming the file and what is wrong.
        """
        try:
            text = path.read_text(encoding="utf-8")
            if path.suffix != ".toml":
                lines = (line.strip() for line in text.splitlines())
                return cls._of(path, [line for line in lines if line and not line.startswith("#")])
            found = tomllib.loads(text)
        except (OSError, ValueError) as exc:
            raise BadRequest(f"{path}: not readable as a script: {exc}") from exc
        return cls._of(path, found.get("says"), found.get("name", path.stem), found.get("caller", CALLER))

    @classmethod
    def _of(cls, path: Path, says: object, name: object = None, caller: object = CALLER) -> Script:
        if (
            not isinstance(says, list)
            or not says
            or not all(isinstance(one, str) and one.strip() for one in says)
        ):
            raise BadRequest(
                f'{path}: says: write a list of utterances, such as says = ["Hello.", "Goodbye."]'
            )
        return cls(str(name or path.stem), tuple(says), str(caller))


AC_REPAIR = Script(
    "ac-repair",
    (
        "Hi, my air conditioning stopped working last night.",
        "It's unit 4B.",
        "Tomorrow after three would be fine.",
        "Yes, that's right.",
        "No, that's all, thank you.",
    ),
)
LEAK = Script(
    "leak",
    (
        "hello i have water leaking under my kitchen sink",
        "Apartment twelve.",
        "Somebody can come in any time today.",
        "When is the office open?",
        "Okay thanks, bye.",
    ),
)
SCRIPTS = {script.name: script for script in (AC_REPAIR, LEAK)}


async def play(line: Line, script: Script, told: Callable[[TurnReport], None] = lambda _: None) -> CallReport:
    """One whole call; `told` hears of each turn when it is over. What goes wrong stands in the report."""
    report = CallReport(line.door, line.call_id)
    try:
        report.greeting = await line.dial()
        for text in script.says:
            if line.is_over:
                report.error = "the agent hung up before the caller had said everything"
                break
            turn = await line.say(text)
            report.turns.append(turn)
            told(turn)
    except (BadRequest, httpx.HTTPError) as exc:
        report.error = f"{type(exc).__name__}: {exc}" if isinstance(exc, httpx.HTTPError) else str(exc)
    finally:
        report.error = await _hung_up(line) or report.error
    return report


async def _hung_up(line: Line) -> str | None:
    try:
        await line.hang_up()
    except (BadRequest, httpx.HTTPError) as exc:
        return f"hanging up: {type(exc).__name__}: {exc}"
    return None
