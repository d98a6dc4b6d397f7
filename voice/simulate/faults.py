"""Everything that a model host can do wrong: a catalogue of faults, as data.

`beats` turns a fault into what the host does, instant by instant; `hosts` says it in OpenAI's and in
RunPod's manner. Times are drawn from the ranges given here, with the request's own random numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from random import Random
from typing import Literal

from voice.simulate.marked import SENTENCE, written

Then = Literal[
    "ends",  # as it should
    "closes",  # the connection, in good order and without an end of the reply
    "cuts",  # the connection, by a reset
    "hangs",
    "keeps alive",  # with comments and empty pieces
    "damages",  # sends half a JSON value
    "errs",  # an error object where words should be
    "repeats a sentence",
    "repeats words",  # without an end of the sentence
    "goes on",  # and on
]
Kind = Literal[
    "begin", "word", "thought", "half", "alive", "tool", "end", "close", "cut", "hang", "damage", "error"
]  # fmt: skip
Span = tuple[float, float]

HTML = b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Bad gateway</h1></body></html>"
TALKS_S = 0.04  # between two words: a small model on one GPU
THOUGHT_S = 0.25  # between two pieces of what is thought aloud
ALIVE_S = 0.5
ROUND = 5  # words that are written again and again
TAIL = 1.288  # of a log-normal whose p99 is 20 × its median: ln 20 / 2.326
THOUGHT = "The user wants help so I should look at the policy first and then answer briefly"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to go wrong, in one sentence: `says`. After `words` words (None: all) comes `then`.

    `page` is sent with `status` in place of a reply. `tail` is the spread of a log-normal first wait.
    """

    name: str
    says: str
    first_s: Span = (0.15, 0.45)
    every_s: Span = (TALKS_S, TALKS_S)
    words: tuple[int, int] | None = None
    then: Then = "ends"
    status: int = 200
    page: bytes = b""
    tail: float = 0.0
    queued_s: float = 0.0  # RunPod only: until a worker takes the job
    thinks_s: float = 0.0
    uses_tool: bool = False
    splits: bool = False  # a character of several bytes in two
    refuses: bool = False  # the connection

    @property
    def never_answers(self) -> bool:
        """Whether a request gets not so much as a status."""
        return self.then == "hangs" and self.words == (0, 0)


FAULTS: Sequence[Fault] = (
    Fault("healthy", "Nothing is wrong."),
    Fault("tool", "It opens a ticket before it answers.", uses_tool=True),
    Fault("slow-start", "The first word takes 1.5 to 6 s.", first_s=(1.5, 6.0)),
    Fault("cold", "The job waits 42 s for a worker.", first_s=(42.0, 42.5), queued_s=42.0),
    Fault("dribble", "A word comes now and then.", every_s=(0.6, 4.0)),
    Fault("cut", "The connection is reset in the middle of a sentence.", words=(4, 15), then="cuts"),
    Fault("closes-early", "The stream ends in good order in the middle.", words=(4, 15), then="closes"),
    Fault("hang", "The request is taken and never answered.", words=(0, 0), then="hangs"),
    Fault("hang-later", "Nothing more comes in the middle of a sentence.", words=(4, 15), then="hangs"),
    Fault("empty", "The reply ends without a word.", words=(0, 0)),
    Fault("keep-alive", "Signs of life come, and never a word.", words=(0, 0), then="keeps alive"),
    Fault("thinks", "It thinks aloud for 4 s, in tags or in a field of its own.", thinks_s=4.0),
    Fault("401", "The key is refused.", status=401, page=b'{"error": {"message": "Invalid API key"}}'),
    Fault("404", "The endpoint is unknown.", status=404, page=b'{"error": "Not found"}'),
    Fault("429", "The rate limit is reached.", status=429, page=b'{"error": "Too many requests"}'),
    Fault("500", "The host fails.", status=500, page=b"Internal Server Error"),
    Fault("html-200", "An HTML page comes in place of the reply.", page=HTML),
    Fault("html-502", "The gateway sends its error page.", status=502, page=HTML),
    Fault("garbage", "What comes is half a JSON value.", words=(0, 9), then="damages"),
    Fault("half-character", "A character of several bytes is cut in two.", splits=True),
    Fault("error-object", "An error stands where the words should be.", words=(0, 0), then="errs"),
    Fault("refused", "Nobody listens at the host's port.", refuses=True),
    Fault("endless", "The reply never ends.", then="goes on"),
    Fault("loop", "A sentence is said again and again.", words=(8, 16), then="repeats a sentence"),
    Fault("loop-words", "Five words are said again and again.", words=(8, 15), then="repeats words"),
    Fault("heavy-tail", "One reply in 100 takes 20 × the median.", first_s=(0.2, 0.2), tail=TAIL),
)
BY_NAME = {fault.name: fault for fault in FAULTS}
HEALTHY = BY_NAME["healthy"]


@dataclass(frozen=True, slots=True)
class Beat:
    """What a host does next, `after_s` behind what it did before."""

    after_s: float
    kind: Kind
    text: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is to be written: what is `repeated` of the beginning, and the words from `begins` to `length`.

    `ticket`: the arguments of the tool that may be used before; empty where none may be.
    """

    request: int
    begins: int
    length: int
    repeated: str = ""
    ticket: str = ""


def beats(fault: Fault, reply: Reply, rng: Random) -> Iterator[Beat]:
    """What a host with this fault does, from the moment it has read the request."""
    first_s = rng.uniform(*fault.first_s) * (rng.lognormvariate(0.0, fault.tail) if fault.tail else 1.0)
    yield Beat(first_s if fault.queued_s else 0.01, "begin")
    yield from _thoughts(fault, rng)
    wait_s = 0.0 if fault.queued_s else first_s
    if reply.repeated:
        yield Beat(wait_s, "word", reply.repeated)
        wait_s = 0.0
    cut_at = rng.randint(1, 3) if fault.splits else 0
    if uses_tool := fault.uses_tool and bool(reply.ticket):
        # Some models say something first; what is left of the reply follows the tool.
        reply = replace(reply, length=SENTENCE if reply.length > SENTENCE and rng.random() < 0.5 else 0)
    for place, text in enumerate(_words(fault, reply, rng)):
        yield Beat(wait_s, "half" if place + 1 == cut_at else "word", text)
        wait_s = rng.uniform(*fault.every_s)
    if uses_tool:
        yield Beat(wait_s, "tool", reply.ticket)
        wait_s = 0.0
    yield from _ending(fault, wait_s)


def _thoughts(fault: Fault, rng: Random) -> Iterator[Beat]:
    pieces = int(fault.thinks_s / THOUGHT_S)
    for place in range(pieces):
        yield Beat(THOUGHT_S, "thought", f"{rng.choice(THOUGHT.split())}{'.' if place % 7 == 6 else ''} ")


def _words(fault: Fault, reply: Reply, rng: Random) -> Iterator[str]:
    """The words that are written before the host does what it does in the end."""
    number, begins, length = reply.request, reply.begins, reply.length
    if fault.then == "goes on":
        yield from written(number, count(begins))
        return
    if fault.words is None:
        yield from written(number, range(begins, length), length - 1)
        return
    until = begins + rng.randint(*fault.words)
    if until % SENTENCE == 0 and until > begins and not fault.then.startswith("repeats"):
        until -= 1  # in the middle of a sentence
    if fault.then == "repeats a sentence":
        until = max(until // SENTENCE, begins // SENTENCE + 1) * SENTENCE
    yield from written(number, range(begins, until))
    if fault.then.startswith("repeats"):
        is_sentence = fault.then == "repeats a sentence"
        again = list(written(number, range(max(begins, until - (SENTENCE if is_sentence else ROUND)), until)))
        if not is_sentence:
            again = [text.rstrip(".,").lower() for text in again]
        while True:
            yield from (f" {text.lstrip()}" for text in again)


def _ending(fault: Fault, wait_s: float) -> Iterator[Beat]:
    match fault.then:
        case "closes":
            yield Beat(wait_s, "close")
        case "cuts":
            yield Beat(wait_s, "cut")
        case "hangs":
            yield Beat(wait_s, "hang")
        case "damages":
            yield Beat(wait_s, "damage")
        case "errs":
            yield Beat(wait_s, "error")
        case "keeps alive":
            while True:
                yield Beat(ALIVE_S, "alive")
        case _:
            yield Beat(wait_s, "end")
