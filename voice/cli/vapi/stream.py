"""One reply of a custom LLM as Vapi would take it: what a caller hears of it, and what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from voice.cli.checks import Check

FLUSH = re.compile(r"<\s*/?\s*flush\s*/?>", re.IGNORECASE)
MARKUP = re.compile(r"\*\*|```|^#+ |</?[a-z]+>|\{\"", re.MULTILINE)
BUDGET_MS, LATE_MS = 1200, 3000  # until the first words: an agent's first_chunk_ms; what nobody waits for
HOLDS_CHARS, HELD_MS = (
    30,
    1000,
)  # Vapi's voice.chunkPlan.minCharacters; a pause in which less than that is held
GAP_MS = 1500  # an agent's gap_ms
ITS_OWN_MS = 1200  # endpointing, voice and telephone network: measured by others, and not ours to shorten
MAX_SHOWN_CHARS = 60
STREAM = (
    "answer with `text/event-stream` whenever `stream` is not exactly false; where this is the server's URL, "
    "the two are swapped"
)
PATH = "the model's URL is …/vapi: Vapi appends /chat/completions to it"
SECRET = (
    "give Vapi the secret that VAPI_SECRET holds: as the custom-LLM credential and as the server's header"
)


@dataclass(slots=True)
class Taken:
    """A reply as it came. `pieces` are its frames and when each came, in milliseconds since the request."""

    status: int
    kind: str  # content type
    pieces: list[tuple[float, str]] = field(default_factory=list)
    text: list[tuple[float, str]] = field(default_factory=list)  # words, and when they came
    problem: str = ""  # what Vapi would end the call for
    finished: bool = False
    done: bool = False

    @property
    def words(self) -> str:
        return " ".join(FLUSH.sub(" ", "".join(text for _, text in self.text)).split())

    @property
    def first_ms(self) -> float | None:
        return next((at for at, text in self.text if text.strip()), None)

    def take(self, at_ms: float, data: str) -> None:
        """One frame. Only the first thing that Vapi would stumble over is kept."""
        self.pieces.append((at_ms, data))
        if data == "[DONE]":
            self.done = True
            return
        try:
            frame = json.loads(data)
        except ValueError:
            self._stumble(f"a frame is not JSON: {data[:MAX_SHOWN_CHARS]!r}")
            return
        choices = frame.get("choices") if isinstance(frame, dict) else None
        if not isinstance(choices, list):
            self._stumble(f"a frame has no `choices`: {data[:MAX_SHOWN_CHARS]!r}")
            return
        for choice in choices:
            self._choose(at_ms, choice)

    def _choose(self, at_ms: float, choice: object) -> None:
        table = choice if isinstance(choice, dict) else {}
        delta = table.get("delta")
        content = delta.get("content") if isinstance(delta, dict) else None
        if isinstance(content, str) and content:
            if self.finished:
                self._stumble("words follow the finish_reason")
            self.text.append((at_ms, content))
        self.finished = self.finished or table.get("finish_reason") is not None

    def _stumble(self, problem: str) -> None:
        self.problem = self.problem or problem


def checked(taken: Taken, what: str) -> Iterator[Check]:
    """What a caller would notice of a reply, in words; one `ok` when nothing is wrong."""
    if wrong := _never_heard(taken, what):
        yield wrong
        return
    found = [*_heard_badly(taken, what)]
    yield from found
    if not any(check.state == "broken" for check in found):
        first = round(taken.first_ms or 0)
        says = f"the first words came after {first} ms; a caller hears them after about {first + ITS_OWN_MS}"
        yield Check(what, "ok", f"{says}, for Vapi needs {ITS_OWN_MS} of its own")


def _never_heard(taken: Taken, what: str) -> Check | None:
    """Why the caller hears nothing, or the call ends."""
    if taken.status in (401, 403):
        return Check(what, "broken", f"answered {taken.status}: the call ends at once", SECRET)
    if taken.status in (404, 405):
        return Check(what, "broken", f"answered {taken.status}: nothing is at this path, the call ends", PATH)
    if taken.status != 200:
        return Check(what, "broken", f"answered {taken.status}: Vapi ends the call", "see the server's log")
    if taken.kind != "text/event-stream":
        shown = taken.kind or "nothing that says what it is"
        return Check(
            what, "broken", f"answered {shown} in place of a stream: the caller hears silence", STREAM
        )
    if taken.problem:
        to_do = "every frame needs `choices`, also those that tell an error; nothing follows the last one"
        return Check(what, "broken", f"{taken.problem}: Vapi ends the call", to_do)
    if not taken.words:
        return Check(
            what, "broken", "not one word: the caller hears silence", "say a line when nothing else is there"
        )
    return None


def _heard_badly(taken: Taken, what: str) -> Iterator[Check]:
    first = taken.first_ms or 0.0
    if first > BUDGET_MS:
        state = "broken" if first > LATE_MS else "warn"
        says = f"the first words came after {first:.0f} ms: the caller asks whether anybody is there"
        yield Check(
            what, "broken" if state == "broken" else "warn", says, "keep a worker warm, or let fillers speak"
        )
    if held := _held(taken):
        chars, pause = held
        says = f"{chars} characters came, then nothing for {pause:.0f} ms: Vapi holds less than {HOLDS_CHARS}"
        yield Check(
            what, "warn", says, "a longer first sentence or filler, or a smaller chunkPlan.minCharacters"
        )
    elif (gap := _gap(taken)) > GAP_MS:
        yield Check(
            what, "warn", f"a pause of {gap:.0f} ms within the reply", "look at the model host's load"
        )
    if not (taken.finished and taken.done):
        missing = "finish_reason" if not taken.finished else "[DONE]"
        yield Check(what, "warn", f"the stream ended without {missing}", "end each stream with both")
    if MARKUP.search(taken.words):
        yield Check(
            what, "warn", f"markup would be read aloud: {taken.words[:MAX_SHOWN_CHARS]!r}", "send words only"
        )


def _held(taken: Taken) -> tuple[int, float] | None:
    """How many characters Vapi's voice would hold through which pause; None: it speaks at once."""
    chars = 0
    for (at, text), (next_at, _) in pairwise(taken.text):
        chars += len(FLUSH.sub("", text).strip())
        if chars >= HOLDS_CHARS:
            return None
        if chars and next_at - at > HELD_MS:
            return chars, next_at - at
    return None


def _gap(taken: Taken) -> float:
    times = [at for at, text in taken.text if text.strip()]
    return max((later - earlier for earlier, later in pairwise(times)), default=0.0)
