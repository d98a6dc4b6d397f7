"""Tells what in a reply is written for machines or for the model itself, though no mark begins it.

Tracebacks, errors, a job's status, the steps of a planner, the caller's part written by the model, thoughts
without tags (`thoughts`) and the prompt's own instructions: none of it is ever said. Honest speech that
sounds like it is: a caller who hears nothing is worse off than one who hears an odd sentence. So only what
nobody says on the telephone counts, where it begins a sentence or a line, and for no longer than that.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from voice.speech.patterns import Pattern
from voice.speech.thoughts import goes_over_to_thought, is_thought
from voice.types import words

_LEAD = Pattern(r"^[^\w\[(<#]*")  # emphasis, quotes and pictures before the first word

_TRACEBACK = "Traceback (most recent call last"
_OTHERS_PART = Pattern(
    r"(?:User|Human)(?:\*\*)?\s?:(?:\s|\*\*|$)"
    # "Customer: Kim Lee" is a line of a form that is read back.
    r"|(?:Caller|Customer|System)(?:\*\*)?\s?:(?:\s|\*\*)(?!\s?(?:[^\s.!?]++\s?){1,3}$)"
    r"|###\s?(?:Instruction|Input|Human|User|System|Prompt)"
)
# Wherever a part begins: no sentence holds "KeyError:".
_RAISED = Pattern(
    r"(?:[\w.]{1,60}\.)?[A-Z]\w{0,40}[a-z]\w{0,20}(?:Error|Exception)(?::|$)"
    r"|[a-z]\w{1,30}\.[A-Z]\w{0,40}(?:Timeout|Timedout|Refused|Interrupt):"
    r"|Exception in thread \"|panic: |File \"[^\"\n]{1,200}\", line \d"
)
_ERROR_NAME = Pattern(r"(?<!\S)[A-Z][A-Za-z]{0,40}[a-z]Error:")  # anywhere
_LABEL = (
    r"(?:Thoughts?|Thought process|Thinking|Internal (?:thought|monologue)s?|Action Input"
    r"|(?:Tool|Function)[ _](?:Call|Input|Output|Result|Response)s?)"
)
# Where a sentence begins.
_STEP = Pattern(
    rf"(?i:{_LABEL})(?:\*\*)?\s?:(?:\*\*)?(?:\s|$)"
    r"|(?:Action|Tool|Function)(?:\*\*)?\s?:(?:\*\*)?\s{1,3}(?:[a-z]\w{0,40}_\w{1,40}"
    r"|[a-z_]\w{0,40}\s*(?:\(|$))"
)
_LINE = Pattern(
    r"at [\w.$<>]{1,80} ?\([^\s():]{0,200}\.\w{1,5}:\d+(?::\d+)?\)"
    r"|(?:data|event|id):\s*$"
)
_FIELD = Pattern(r"\"[a-z_]\w{0,40}\"\s?:")  # JSON that lost its braces
_FAILED = r"(?:Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?[Oo]ut|Too Many Requests)"
_ERROR = Pattern(
    rf"(?:Error|ERROR|FATAL)\s?:(?:\s|$)|HTTP(?:/\d\.\d)? \d{{3}}\b|\d{{3}} {_FAILED}\b|{_FAILED}[.!]?$"
    rf"|Error \d{{3}}\s?[:.,–-]?\s{{0,3}}(?:{_FAILED}|(?i:not found|unauthorized|forbidden))?[.!]?$"
)
_STATUS = r"(?:IN_QUEUE|IN_PROGRESS|QUEUED|RUNNING|COMPLETED|FAILED|CANCELLED|TIMED_OUT|PENDING)"
_WHOLE = Pattern(
    rf"(?:\"?(?:(?i:job|the) )?(?i:status)\"?\s?[:=]\s?\"?)?{_STATUS}\"?[.,]?"
    r"|null|None|undefined|NaN|nil|\[object Object\]|\(no (?:output|response|content)\)"
    r"|(?:END_CALL|HANG_?UP|TRANSFER(?:_CALL)?)[.!]?",
)
_OF_JOB = Pattern(
    r"(?i:the )?(?i:job|task|request|worker)\b[^.!?\n]{0,60}"
    r"(?<![A-Z_])(?:IN_QUEUE|IN_PROGRESS|TIMED_OUT)(?![A-Z_])"
)
_ADDRESS = Pattern(r"0x[0-9a-f]{8,16}\b")

_SHORT_CHARS = 60  # no status is longer

# One of these stands in whatever `judge` does not let through, but for a prompt's instructions. As strings:
# to look for sixty of them one by one takes a tenth of the time that one pattern of all of them takes.
_HINTS = (
    *("IN_QUEUE", "IN_PROGRESS", "QUEUED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"),
    *("PENDING", "Traceback", "Error", "ERROR", "FATAL", "Exception", "panic: ", "Timeout", "Timedout"),
    *("Refused", "Interrupt", 'File "', "HTTP", "Bad Gateway", "Unavailable", "Gateway Time", "Too Many"),
    *("END_CALL", "HANGUP", "HANG_UP", "TRANSFER", "###", "0x"),
)
_LOWER_HINTS = (
    *("user", "human", "caller", "customer", "system", "thought", "thinking", "monologue", "action", "tool"),
    *("function", "persona", "character", "prompt", "markdown", "sentence", "step by step", "instructions"),
    *("response", "reply", "answer", "respond", "null", "none", "undefined", "nan", "nil", "object"),
    *("no output", "no content", "apologi", "acknowledge"),
)
_LINE_HINT = Pattern(r"^[ \t]{0,20}(?:at |(?:data|event|id):|\"[a-z_]\w*\"\s?:)", re.MULTILINE)

# A prompt's facts may well be said, "You can pay online" and "Never swim alone" among them.
_TELLS = (
    r"(?:promise|say|mention|reveal|tell|ask|quote|discuss|guess|invent|make up|repeat|speak|answer|reply"
    r"|respond|transfer|interrupt|sound|collect|offer|book|end the call|read out)"
)
_INSTRUCTS = Pattern(
    r"\b(?:you (?:are (?:an?|the|(?-i:[A-Z])\w*)|answer|help|speak)\b|speak as\b|the (?:caller|user)\b"
    r"|callers? (?:who|that)\b|your (?:reply|replies|answers?|tools?|persona|role|instructions)\b"
    r"|(?:call|use) the (?:\w+ )?tool\b|short sentences?\b|symbols\b"
    r"|(?:never|always|do not|don't|you (?:must|should)(?: never| always| not)?)"
    rf" {_TELLS}\b(?!.{{0,200}}\byour?\b))",
    re.IGNORECASE,
)
_SENTENCE = Pattern(r"[^.!?;\n]{1,400}")
# Of an instruction so many words tell that a model says it word for word; fewer where that is all of it.
LEAST_WORDS, FEWEST_WORDS, MOST_WORDS = 3, 4, 6
MOST_CHARS = 120  # in which so many words stand

Instructions = frozenset[tuple[str, ...]]  # the first words of each


class Verdict(Enum):
    """What is to be done with a part of a reply."""

    SAY = "say"
    DROP = "drop"
    DROP_LINE = "drop it and the rest of its line"
    DROP_ALL = "drop it and all that follows"
    THINKS = "hold it: it sounds like thoughts"


class Begins(Enum):
    """What a part of a reply begins with its first word."""

    CLAUSE = "clause"
    SENTENCE = "sentence"
    LINE = "line"


def judge(
    part: str,
    instructions: Instructions = frozenset(),
    *,
    begins: Begins = Begins.LINE,
    behind_thought: bool = False,
) -> Verdict:
    """What to do with a part of a reply, as written.

    `instructions` are those of its prompt (`instructions_in`). `behind_thought`: a part before it was one.
    """
    part = part.strip()
    if not part[:1].isalnum():
        if begins is Begins.LINE and _FIELD.match(part):
            return Verdict.DROP_LINE
        part = _LEAD.sub("", part, count=1)
    if _TRACEBACK in part:
        return Verdict.DROP_ALL
    has_colon = ":" in part
    may_raise = has_colon or '"' in part or part.endswith(("Error", "Exception"))
    if may_raise and (_RAISED.match(part) or ("Error:" in part and _ERROR_NAME.search(part))):
        return Verdict.DROP_LINE
    if begins is Begins.CLAUSE:
        return Verdict.THINKS if goes_over_to_thought(part) else Verdict.SAY
    if begins is Begins.LINE and (has_colon or part[:1] == "#"):
        if _OTHERS_PART.match(part):
            return Verdict.DROP_ALL
        if _LINE.match(part):
            return Verdict.DROP_LINE
    return _of_sentence(part, instructions, behind_thought=behind_thought)


def may_be_technical(text: str) -> bool:
    """Whether something in a whole text may be judged otherwise than to be said. A quick look."""
    return (
        any(map(text.__contains__, _HINTS))
        or any(map(text.lower().__contains__, _LOWER_HINTS))
        or _LINE_HINT.search(text) is not None
    )


@lru_cache(maxsize=64)
def instructions_in(prompt: str) -> Instructions:
    """The first words of the sentences of a prompt that tell the model what to do.

    Its facts may well be said.
    """
    found = [tuple(words(part)) for part in _SENTENCE.findall(prompt) if _INSTRUCTS.search(part)]
    begun = {told[:size] for told in found for size in range(FEWEST_WORDS, MOST_WORDS + 1)}
    return frozenset(told for told in begun.union(found) if len(told) >= LEAST_WORDS)


def _of_sentence(part: str, instructions: Instructions, *, behind_thought: bool) -> Verdict:
    if ":" in part and _STEP.match(part):
        return Verdict.DROP_LINE
    if is_thought(part, behind_thought=behind_thought):
        return Verdict.THINKS
    if (len(part) < _SHORT_CHARS and _WHOLE.fullmatch(part)) or _ERROR.match(part):
        return Verdict.DROP
    if ("_" in part and _OF_JOB.match(part)) or ("0x" in part and _ADDRESS.search(part)):
        return Verdict.DROP
    if instructions and tuple(words(part[:MOST_CHARS])[:MOST_WORDS]) in instructions:
        return Verdict.DROP
    return Verdict.SAY
