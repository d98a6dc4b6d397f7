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
_STATUS = r"(?:IN_QUEUE|IN_PROGRESS|QUEUED|RUNNING|COMPLETED|FAILED|CANCELLED|TIMED_OUT|PENDING)"
_STATUS_OF = Pattern(rf"\"?(?:(?i:job|the) )?(?i:status)\"?\s?[:=]\s?\"?{_STATUS}\"?[.,]?\Z")
_STATE = Pattern(
    # All of the part …
    rf"(?:{_STATUS}\"?[.,]?|null|None|undefined|NaN|nil|\[object Object\]|\(no (?:output|response|content)\)"
    r"|(?:END_CALL|HANG_?UP|TRANSFER(?:_CALL)?)[.!]?)\Z"
    # … or its beginning.
    rf"|(?:Error|ERROR|FATAL)\s?:(?:\s|$)|HTTP(?:/\d\.\d)? \d{{3}}\b|\d{{3}} {_FAILED}\b|{_FAILED}[.!]?$"
    rf"|Error \d{{3}}\s?[:.,–-]?\s{{0,3}}(?:{_FAILED}|(?i:not found|unauthorized|forbidden))?[.!]?$"
)
_OF_JOB = Pattern(
    r"(?i:the )?(?i:job|task|request|worker)\b[^.!?\n]{0,60}"
    r"(?<![A-Z_])(?:IN_QUEUE|IN_PROGRESS|TIMED_OUT)(?![A-Z_])"
)
_ADDRESS = Pattern(r"0x[0-9a-f]{8,16}\b")

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


# Python 3.11 takes 0.1 µs to look up `Verdict.SAY`, as long as a search takes: each is looked up once.
SAY, DROP, DROP_LINE, DROP_ALL, THINKS = Verdict
CLAUSE, SENTENCE, LINE = Begins


class Judge:
    """Judges the parts of one reply, one after the other: what goes on with a sentence shares its fate."""

    __slots__ = ("_announces", "_begins", "_instructions", "_of_sentence")

    def __init__(self, instructions: Instructions = frozenset()) -> None:
        self._instructions = instructions
        self._begins = LINE  # what the next part is the beginning of
        self._announces = False  # the part before it ends with a colon: a list follows
        self._of_sentence: Verdict | None = None  # what became of its beginning

    @property
    def begins_line(self) -> bool:
        """Whether the next part stands at the beginning of a line."""
        return self._begins is LINE

    def verdict(self, part: str, *, then: Begins, announces: bool, behind_thought: bool) -> Verdict:
        """What to do with the next part, as written; behind it, what `then` says begins."""
        begins, self._begins = self._begins, then
        if "\n" in part and "\n" in part[: len(part) - len(part.lstrip())]:
            begins = LINE
        if self._announces and begins is LINE:
            begins = SENTENCE  # "Log in with:\nUser: kim" is no other's part
        self._announces = announces
        verdict = self._of_sentence if begins is CLAUSE else None
        if verdict is None:
            verdict = judge(part, self._instructions, begins=begins, behind_thought=behind_thought)
        is_shared = verdict is DROP or verdict is THINKS
        self._of_sentence = verdict if is_shared and then is CLAUSE else None
        return verdict

    def forget(self) -> None:
        """What was judged was a thought: the reply begins now."""
        self._begins, self._of_sentence = LINE, None


def judge(
    part: str,
    instructions: Instructions = frozenset(),
    *,
    begins: Begins = LINE,
    behind_thought: bool = False,
) -> Verdict:
    """What to do with a part of a reply, as written.

    `instructions` are those of its prompt (`instructions_in`). `behind_thought`: a part before it was one.
    """
    part = part.strip()
    if not part[:1].isalnum():
        if begins is LINE and _FIELD.match(part):
            return DROP_LINE
        part = _LEAD.sub("", part, count=1)
    has_colon = ":" in part
    if has_colon or '"' in part or "(" in part or part.endswith(("Error", "Exception")):
        if _TRACEBACK in part:
            return DROP_ALL
        if _RAISED.match(part) or ("Error:" in part and _ERROR_NAME.search(part)):
            return DROP_LINE
    if begins is CLAUSE:
        return THINKS if goes_over_to_thought(part) else SAY
    if begins is LINE and (has_colon or part[:1] == "#"):
        if _OTHERS_PART.match(part):
            return DROP_ALL
        if _LINE.match(part):
            return DROP_LINE
    if has_colon and _STEP.match(part):
        return DROP_LINE
    if is_thought(part, behind_thought=behind_thought):
        return THINKS
    return DROP if _is_state(part) or (instructions and _is_of(part, instructions)) else SAY


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


def _is_state(part: str) -> bool:
    """Whether it tells what became of a job or a request, in the words of a machine."""
    return (
        _STATE.match(part) is not None
        or ((":" in part or "=" in part) and _STATUS_OF.match(part) is not None)
        or ("_" in part and _OF_JOB.match(part) is not None)
        or ("0x" in part and _ADDRESS.search(part) is not None)
    )


def _is_of(part: str, instructions: Instructions) -> bool:
    """Whether it is one of the prompt's instructions."""
    return tuple(words(part[:MOST_CHARS])[:MOST_WORDS]) in instructions
