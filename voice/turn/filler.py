"""Something said while the caller waits: at most one line per turn, and not on every turn.

Only a tool that works for seconds has more said, each line once and a last one that it still works. A
filler never answers a goodbye, is not the same twice in a row, and fits what the caller said where
the agent has lines for that. It is long enough for the platform to say it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from voice.agents.agent import FillerKind
from voice.call import Call
from voice.clock import now
from voice.tools.farewell import is_goodbye
from voice.turn.own import own_line
from voice.types import Chunk, ChunkKind

ONE_MOMENT = "One moment please, I am working on it."  # where an agent has no line of its own
STILL_AT_IT = "I am still working on it, one more moment please."  # after which there is nothing to add
REST_S = 10.0  # after a filler: one in every turn sounds like a machine that stutters

# Who asks whether anybody is there does not ask "a good question".
_IS_ANYBODY_THERE = re.compile(
    r"^\W*(?:(?:hello|hi|hey|um|uh|so|yes|okay|ok)\b\W*)*"
    r"(?:(?:are you (?:still )?(?:there|on)|can you hear me|(?:is )?any(?:body|one) there"
    r"|what|sorry|pardon|huh)\b\W*)*$",
    re.IGNORECASE,
)
_ASKS_TO_DO = re.compile(
    r"\b(?:can|could|will|would) (?:you|somebody|someone)(?! (?:please )?(?:tell|say|explain|know|remind))\b",
    re.IGNORECASE,
)
_SUBJECT = r"(?:i|we|you|they|he|she|it|there|this|that|the|my|our|your|an?|any\w*|some\w*)\b"
_QUESTION = re.compile(
    r"\?\W*$|^\W*(?:(?:so|and|okay|ok|well|um|uh|but)\W+)*"
    rf"(?:(?:what|when|where|who|why|how)\b(?!\s+{_SUBJECT})|(?:can|could|do|does|did|is|are|will|would|should|may)\s+{_SUBJECT})",
    re.IGNORECASE,
)
_DETAIL = re.compile(
    r"\d|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|monday|tuesday|wednesday|thursday|friday"
    r"|saturday|sunday|today|tomorrow|morning|afternoon|evening|my name|apartment|unit)\b",
    re.IGNORECASE,
)
DETAIL_WORDS = 8  # a detail is given in few words: "It's unit 4B."


def kind_of(text: str) -> FillerKind | None:
    """What the caller said, as the agent's `[fillers_for]` names it; None for "Hello? Are you there?"."""
    if _IS_ANYBODY_THERE.search(text):
        return None
    if _QUESTION.search(text) and not _ASKS_TO_DO.search(text):
        return "question"
    if _DETAIL.search(text) and len(text.split()) <= DETAIL_WORDS and not _ASKS_TO_DO.search(text):
        return "detail"
    return "request"


def may_fill(call: Call, said: str) -> bool:
    """Whether a filler would do now: there is one, the last is some time ago, and nobody says goodbye."""
    rested = call.filled_at is None or now() - call.filled_at >= REST_S
    return rested and bool(call.agent.fillers) and not is_goodbye(said)


def filler(call: Call, said: str) -> Chunk | None:
    """The next line that fits; None when the agent has none, or the caller takes their leave."""
    return None if not call.agent.fillers or is_goodbye(said) else _next_line(call, said)


def working(call: Call, said: str, heard: Sequence[str]) -> Chunk | None:
    """Something to say while a tool works, whoever the agent is and whatever was said.

    `heard` are the lines of this turn so far; None: nothing is left that the caller has not heard.
    """
    for _ in call.agent.fillers:
        line = _next_line(call, said)
        if line.text not in heard:
            return line
    rest = (line for line in ((ONE_MOMENT,) if not heard else ()) + (STILL_AT_IT,) if line not in heard)
    text = next(rest, None)
    return None if text is None else own_line(call.agent, text, ChunkKind.FILLER)


def _next_line(call: Call, said: str) -> Chunk:
    kind = kind_of(said)
    lines = (call.agent.fillers_for.get(kind) if kind else None) or call.agent.fillers
    place, call.filled_at = call.fillers_said, now()
    call.fillers_said += 1
    text = _line(lines, call.agent.fillers, place, call.record.door.holds_chars)
    return own_line(call.agent, text, ChunkKind.FILLER)


def _line(lines: Sequence[str], others: Sequence[str], place: int, least_chars: int) -> str:
    """The line whose turn it is. A platform that waits for more characters keeps a short one to itself."""
    for some in (lines, others):
        if long := [line for line in some if len(line) >= least_chars]:
            return long[place % len(long)]
    text = lines[place % len(lines)]
    for step in range(1, len(lines)):
        if len(text) < least_chars:
            text = f"{text} {lines[(place + step) % len(lines)]}"
    return text
