"""The model's own words behind what was said: "ten dollars" was heard, "$10" stands in the prompt.

A chunk's spoken form keeps each place that is written otherwise. What a caller has heard is the beginning of
the spoken form; here it becomes the beginning of what the model wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from voice.types import Aside, Reading, Turn


def wording(turn: Turn) -> str:
    """All of a reply as its model wrote it, without markup."""
    return as_written(turn.spoken, turn.readings)


def heard_wording(turn: Turn) -> str:
    """What the caller heard of a reply, as its model wrote it. What was read in part counts as not heard."""
    heard = turn.was_heard
    return as_written(heard, turn.readings) if turn.spoken.startswith(heard) else heard


def worded_asides(turn: Turn) -> tuple[Aside, ...]:
    """What was heard besides, as it was written, at its places within the wording."""
    return tuple(worded(one, one.after) for one in placed_asides(turn))


def placed_asides(turn: Turn) -> tuple[Aside, ...]:
    """What was heard besides, as it was said, at its places within the wording."""
    spoken, readings = turn.spoken, turn.readings
    return tuple(replace(one, after=len(as_written(spoken[: one.after], readings))) for one in turn.asides)


def worded(aside: Aside, after: int) -> Aside:
    """An aside as it was written, at a place within the wording of what it stands beside."""
    return Aside(as_written(aside.text, aside.readings), after)


def as_told(turn: Turn, theirs: str) -> str:
    """A reply in the form to compare a platform's account with: recognition writes digits, or words."""
    return as_their(turn.spoken, turn.readings, theirs)


def as_their(spoken: str, readings: Sequence[Reading], theirs: str) -> str:
    """A spoken form in the form to compare a platform's account with."""
    is_written = bool(readings) and any(map(str.isdigit, theirs))
    return as_written(spoken, readings) if is_written else spoken


def as_written(spoken: str, readings: Sequence[Reading]) -> str:
    """The beginning of a spoken form in its written form; a reading that it cuts is left out."""
    if not readings:
        return spoken
    parts: list[str] = []
    done, until = 0, len(spoken)
    for one in readings:
        if one.end > until:
            until = min(until, one.start)
            break
        parts += (spoken[done : one.start], one.written)
        done = one.end
    parts.append(spoken[done:until])
    text = "".join(parts)
    return text if until == len(spoken) else text.rstrip()


def spoken_until(turn: Turn, written: str) -> str:
    """The beginning of the spoken form that this beginning of the wording covers.

    What it covers in part counts as covered: recognition writes a number as one word.
    """
    left, done = len(written), 0
    for one in turn.readings:
        plain = one.start - done
        if left <= plain:
            break
        if left <= plain + len(one.written):
            return turn.spoken[: one.end]
        left, done = left - plain - len(one.written), one.end
    return turn.spoken[: done + left]
