"""The tables `[[lines]]` of offhook.toml: who takes the calls of a number, or of a caller.

They are looked through once, at the start: a table that can never do what it says is a caller who
reaches nobody, and nothing would show it before that call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from voice.errors import SetupError
from voice.settings.overrides import doubtful, wrong_overrides, wrong_squad
from voice.types import E164

SIP = re.compile(r"sips?:[^\s@<>\"]+@[^\s@<>\"]+", re.IGNORECASE)
PUNCTUATION = re.compile(r"[\s().\-/]")
BEGINNING = re.compile(r"\+[0-9]{0,15}")
MAX_DIGITS = 15  # of a number anywhere; what is longer and has no + is a platform's id
ATTEMPTS = ("assistant_id", "squad_id", "squad", "transfer", "refuse", "reject")
OUTCOMES = "agent, assistant_id, squad_id, squad, transfer, refuse or reject"
E164_EXAMPLE = "+14155550100"
# What pydantic finds wrong with a value, in the words of whoever writes the file.
WRONG_KINDS = {
    "string_type": 'must be text: write it in quotes, as "…"',
    "dict_type": "must be a table: write it in braces, as {…}",
}


class LineSettings(BaseModel):
    """One `[[lines]]` table: for which calls it is, and what becomes of them.

    The first table that fits a call decides. One without `number` and `caller` fits every call. Exactly
    one outcome is written; `agent` may stand beside what is kept at the platform, where it writes the words.
    """

    model_config = ConfigDict(extra="forbid")

    number: str | None = None  # ours, +1…, or the platform's id of it
    caller: str | None = None  # whole, or its beginning and a star: +44*
    agent: str | None = None
    assistant_id: str | None = None  # an assistant or a squad that is kept at the platform
    squad_id: str | None = None
    squad: dict[str, Any] = Field(default_factory=dict)  # a squad in the platform's words
    transfer: str | None = None  # +1… or sip:…; nobody of ours takes the call
    refuse: str | None = None  # said to the caller, who is not taken
    reject: bool = False  # not answered, and not billed; Vapi has answered, and says the busy line
    say: str | None = None  # before the transfer
    variables: dict[str, str] = Field(default_factory=dict)  # for the {{placeholders}} of an assistant
    overrides: dict[str, Any] = Field(default_factory=dict)  # of the assistant, in the platform's words

    @model_validator(mode="before")
    @classmethod
    def _has_known_keys(cls, found: object) -> object:
        if not isinstance(found, Mapping):
            raise ValueError('is no table: write [[lines]] and below it number = "…", agent = "…"')
        for key in found:
            if key not in cls.model_fields:
                raise ValueError(f"{key} is no key of such a table; {_meant(str(key), cls.model_fields)}")
        return found

    @field_validator("number", "caller", "agent", "assistant_id", "squad_id", "transfer", "refuse")
    @classmethod
    def _is_not_empty(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError('is empty: take it away, or write something between the ""')
        return value

    @field_validator("transfer")
    @classmethod
    def _can_be_dialled(cls, value: str | None) -> str | None:
        if value is None or SIP.fullmatch(value.strip()):
            return value and value.strip()
        number = plain_number(value)
        if not E164.fullmatch(number):
            raise ValueError(f"cannot be dialled: write + and digits, as {E164_EXAMPLE}, or sip:name@host")
        return number

    @field_validator("number", "caller")
    @classmethod
    def _is_as_platforms_write_it(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if value.endswith("*"):
            return value
        number = plain_number(value)
        if _is_telephone(number) and not E164.fullmatch(number):
            raise ValueError(f"fits no call: write + and the country before it, as {E164_EXAMPLE}")
        return value

    @model_validator(mode="after")
    def _can_be_done(self) -> LineSettings:
        for trouble in _troubles(self):
            raise ValueError(trouble)
        return self


def read_lines(found: object) -> object:
    """The tables as they stand in a file, checked one by one and together.

    Raises SetupError with a line for each wrong table, which says what to write.
    """
    if isinstance(found, Mapping | str) or not isinstance(found, Sequence):
        raise SetupError("lines is no list of tables: write [[lines]], with two brackets, over each table")
    tables: list[LineSettings] = []
    wrong: list[str] = []
    for place, one in enumerate(found):
        try:
            tables.append(LineSettings.model_validate(one))
        except ValidationError as exc:
            wrong += [f"{_name(place, one)}: {_said(error)}" for error in exc.errors()]
    if wrong or (wrong := list(_never_reached(tables))):
        raise SetupError("\n".join(wrong))
    return tuple(tables)


def doubts(tables: Sequence[LineSettings]) -> Iterator[str]:
    """What the platform may refuse in tables that are right as far as we know, in sentences."""
    for place, one in enumerate(tables):
        for says in doubtful(one.overrides, one.squad):
            yield f"{table_name(place, one.number, one.caller)}: {says}"


def plain_number(number: str) -> str:
    """A number as it is compared: without blanks, brackets and dashes. Ids keep their own."""
    bare = PUNCTUATION.sub("", number)
    return bare if bare.removeprefix("+").isdigit() else number.strip()


def table_name(place: int, number: str | None = None, caller: str | None = None) -> str:
    """A table as its writer finds it: counted from 1, with the number and the caller that it is for."""
    whom = ", ".join(f"{key} {one}" for key, one in (("number", number), ("caller", caller)) if one)
    return f"[[lines]] table {place + 1}" + (f" ({whom})" if whom else "")


def _troubles(line: LineSettings) -> Iterator[str]:
    """Why a table cannot do what it says, in sentences; the first one is enough."""
    written = [key for key in ATTEMPTS if getattr(line, key)]
    if line.squad:
        yield from wrong_squad(line.squad)
    yield from wrong_overrides(line.overrides)
    if line.say is not None and not line.transfer:
        yield (
            'say goes with transfer alone: write transfer = "+1…", or another greeting as '
            'overrides = {firstMessage = "…"}'
        )
    if not written and not line.agent:
        yield f'nobody takes the call: write one of {OUTCOMES}; agent = "jamie" for the built-in agent'
    if len(written) > 1:
        yield f"{' and '.join(written)} exclude each other: write only one of {', '.join(ATTEMPTS)}"
    takes_nobody = next((key for key in ("transfer", "refuse", "reject") if getattr(line, key)), None)
    useless = [key for key in ("agent", "variables", "overrides") if getattr(line, key)]
    if takes_nobody and useless:
        yield f"{useless[0]} has no part in it, since {takes_nobody} is written: take one of them away"
    for key in ("number", "caller"):
        if line.transfer and plain_number(getattr(line, key) or "") == line.transfer:
            yield f"transfer rings the {key} of this very table: write another number"
    yield from _odd_stars(line)


def _odd_stars(line: LineSettings) -> Iterator[str]:
    """A star stands behind the beginning of a caller's number, nowhere else."""
    if line.number and "*" in line.number:
        yield f"number has a star: write it whole, as {E164_EXAMPLE}; only caller may be a beginning"
    begins = plain_number((line.caller or "").removesuffix("*"))
    if "*" in begins:
        yield "caller has a star before its end: write the beginning and one star, as +1415*"
    if (
        line.caller
        and line.caller.endswith("*")
        and _is_telephone(begins)
        and not BEGINNING.fullmatch(begins)
    ):
        yield "caller fits no call: write + and the country before it, as +1415*"


def _is_telephone(number: str) -> bool:
    digits = number.removeprefix("tel:").removeprefix("+")
    return digits.isdigit() and (number != digits or len(digits) <= MAX_DIGITS)


def _never_reached(tables: Sequence[LineSettings]) -> Iterator[str]:
    for place, later in enumerate(tables):
        for before, earlier in enumerate(tables[:place]):
            if _takes_all(earlier, later):
                yield (
                    f"{table_name(place, later.number, later.caller)}: is never reached, because "
                    f"{table_name(before, earlier.number, earlier.caller)} takes all of its calls: "
                    "write it above that one, or take it away"
                )
                break


def _takes_all(earlier: LineSettings, later: LineSettings) -> bool:
    """Whether a table fits every call that a later one could fit."""
    if earlier.number is not None and (
        later.number is None or plain_number(earlier.number) != plain_number(later.number)
    ):
        return False
    if earlier.caller is None or earlier.caller == "*":
        return True
    if later.caller is None:
        return False
    if not earlier.caller.endswith("*"):
        return plain_number(earlier.caller) == plain_number(later.caller)
    return plain_number(later.caller.removesuffix("*")).startswith(plain_number(earlier.caller[:-1]))


def _name(place: int, found: object) -> str:
    if not isinstance(found, Mapping):
        return table_name(place)
    told = {key: one for key in ("number", "caller") if isinstance(one := found.get(key), str)}
    return table_name(place, **told)


def _said(error: Mapping[str, Any]) -> str:
    """What is wrong with a table, in plain words."""
    said = str(error["msg"]).removeprefix("Value error, ")
    says = WRONG_KINDS.get(str(error["type"]), said)
    if not error["loc"]:
        return says
    return f"{'.'.join(str(part) for part in error['loc'])} = {error['input']!r} {says}"


def _meant(key: str, known: Mapping[str, object]) -> str:
    close = get_close_matches(key.lower().replace("-", "_"), known, n=1)
    return f"write {close[0]}" if close else f"there are: {', '.join(known)}"
