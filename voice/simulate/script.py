"""What a caller does, step by step: a file that the commands and the tests play alike.

TOML with `says = ["…"]`, or with steps; or plain text, one utterance a line. A step with `after_words`
happens while the agent still answers the step before it: when so many words have been said.

    [[steps]]
    say = "When is the office open?"

    [[steps]]
    after_words = 4
    say = "No, wait, it's about a leak."
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from voice.errors import BadRequest
from voice.simulate.cast import Cast, read_cast
from voice.simulate.twilio.dial import Person
from voice.simulate.twilio.status import Status

CALLER = "+12025550123"  # a number that is set aside for fiction
PACKAGED = Path(__file__).parent / "scripts"
SAYS = 'write a list of utterances, such as says = ["Hello.", "Goodbye."]'
MAX_SILENCE_S = 120.0

Kind = Literal["say", "press", "silent_s", "drop", "restart", "hang_up"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FIRST: tuple[Kind, ...] = ("say", "press", "silent_s")  # what has a reply that words can be waited for of


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a caller does, or that happens to the call.

    `text` is what is said, or the keys that are pressed; `for_s` how long nothing is said. `after_words`:
    when the agent has said so many words in answer to the step before. `person`: what the one does who is
    dialled in answer to this step.
    """

    kind: Kind
    text: str = ""
    for_s: float = 0.0
    after_words: int | None = None
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """A whole call. `statuses` are Twilio's callbacks at its end, in the order in which they arrive.

    `cast` is who answers on a server of one's own.
    """

    name: str
    steps: tuple[Step, ...]
    caller: str = CALLER
    statuses: tuple[Status, ...] = ("completed",)
    cast: Cast | None = None

    @classmethod
    def saying(cls, name: str, *says: str, caller: str = CALLER) -> Script:
        """A caller who says this, utterance by utterance, and waits for each reply."""
        return cls(name, tuple(Step("say", text) for text in says), caller)

    @classmethod
    def load(cls, path: Path) -> Script:
        """A script from a file. Raises BadRequest, naming the file and what is wrong."""
        try:
            text = path.read_text(encoding="utf-8")
            found = tomllib.loads(text) if path.suffix == ".toml" else {"says": _lines(text)}
            return _read(found, path.stem, path.parent)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
            raise BadRequest(f"{path}: not readable as a script: {exc}") from exc
        except BadRequest as exc:
            raise BadRequest(f"{path}: {exc}") from None

    @property
    def says(self) -> tuple[str, ...]:
        """What is said, utterance by utterance."""
        return tuple(step.text for step in self.steps if step.kind == "say")

    @property
    def needs_pace(self) -> bool:
        """Whether something happens in the middle of a reply: then speaking must take its time."""
        return any(step.after_words is not None for step in self.steps)


def packaged(name: str) -> Script:
    """A script that comes with the product. Raises BadRequest."""
    return Script.load(PACKAGED / f"{name}.toml")


def names() -> list[str]:
    """The scripts that come with the product."""
    return sorted(path.stem for path in PACKAGED.glob("*.toml"))


def _lines(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _read(found: Mapping[str, Any], stem: str, folder: Path) -> Script:
    _known(found, "the script", {"name", "caller", "says", "steps", "statuses", "agent", "model"})
    if "steps" in found and "says" in found:
        raise BadRequest("write says or [[steps]], not both: nobody would know what comes first")
    steps = _steps(found["steps"]) if "steps" in found else _says(found.get("says"))
    statuses = found.get("statuses", ["completed"])
    if not isinstance(statuses, list) or not set(map(str, statuses)) <= set(get_args(Status)):
        raise BadRequest(f"statuses: a list of {', '.join(get_args(Status))}")
    caller = found.get("caller", CALLER)
    if not isinstance(caller, str):
        raise BadRequest(f'caller: write a number in quotes, such as "{CALLER}"')
    cast = read_cast(found, folder)
    return Script(str(found.get("name", stem)), steps, caller, tuple(statuses), cast)


def _says(says: object) -> tuple[Step, ...]:
    if (
        not isinstance(says, list)
        or not says
        or not all(isinstance(one, str) and one.strip() for one in says)
    ):
        raise BadRequest(f"says: {SAYS}")
    return tuple(Step("say", one) for one in says)


def _steps(steps: object) -> tuple[Step, ...]:
    if not isinstance(steps, list) or not steps:
        raise BadRequest('steps: write at least one [[steps]] with say = "…"')
    read: list[Step] = []
    for number, given in enumerate(steps, 1):
        try:
            read.append(_step(given))
            if read[-1].after_words is not None and (number == 1 or read[-2].kind not in FIRST):
                raise BadRequest(f"after_words needs a step with {', '.join(FIRST)} before it")
        except BadRequest as exc:
            raise BadRequest(f"step {number}: {exc}") from None
    return tuple(read)


def _step(given: object) -> Step:
    if not isinstance(given, dict):
        raise BadRequest("write it as a table")
    _known(given, "a step", {*KINDS, "after_words", "dialled"})
    kinds = [kind for kind in KINDS if kind in given]
    if len(kinds) != 1:
        raise BadRequest(f"exactly one of {', '.join(KINDS)}")
    after, person = given.get("after_words"), given.get("dialled")
    if after is not None and not (isinstance(after, int) and after > 0):
        raise BadRequest("after_words: a whole number from 1")
    if person is not None and person not in get_args(Person):
        raise BadRequest(f"dialled: one of {', '.join(get_args(Person))}")
    if person is not None and kinds[0] not in FIRST:
        raise BadRequest(f"dialled goes with {', '.join(FIRST)}: nobody is dialled in answer to {kinds[0]}")
    return _of_kind(kinds[0], given[kinds[0]], after, person)


def _of_kind(kind: Kind, value: object, after: int | None, person: Person | None) -> Step:
    if kind in {"say", "press"}:
        if not isinstance(value, str) or not value.strip():
            raise BadRequest(f"{kind}: some {'words' if kind == 'say' else 'keys'} in quotes")
        if kind == "press" and not set(value) <= set("0123456789*#"):
            raise BadRequest(f"press: {value!r} has more than 0 to 9, * and #")
        return Step(kind, value, after_words=after, person=person)
    if kind == "silent_s":
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_SILENCE_S:
            raise BadRequest(f"silent_s: seconds, {MAX_SILENCE_S:.0f} at most")
        return Step(kind, for_s=float(value), after_words=after, person=person)
    if value is not True:
        raise BadRequest(f"{kind}: write {kind} = true")
    return Step(kind, after_words=after, person=person)


def _known(given: Mapping[str, Any], what: str, keys: set[str]) -> None:
    if unknown := sorted(set(given) - keys):
        raise BadRequest(f"{what} has no key {unknown[0]!r}; there are {', '.join(sorted(keys))}")


AC_REPAIR, LEAK = packaged("ac-repair"), packaged("leak")
