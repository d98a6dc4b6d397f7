"""How well an exported model does, on calls and wordings it has never read.

Each held-out dialogue is followed turn by turn: the model gets the true history and
writes the next reply, which is judged by what a good reply contains (the unit asked for,
the values repeated word for word, nine one one, the hours). Judging is by words, so a
good reply in words of its own can fail, and a stiff one passes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from voice.training.dialogues import Dialogue, Line, conversation, dialogue
from voice.training.dialogues.settings import greeting, persona
from voice.training.writer import Writer, Written

SEED = 777
TURNS = 400
TEMPERATURE = 0.3  # what the shipped persona asks with
EMERGENCIES = ("gas_fire", "outside", "crime")
FACTS = ("hours", "rent_due")
SEEN_DIALOGUES = 4000  # whose words count as known
DEMO_CALLS: tuple[tuple[str, ...], ...] = (
    (
        "Hi, my air conditioning stopped working last night.",
        "It's unit 4B.",
        "Tomorrow after three would be fine.",
        "Yes, that's right.",
        "No, that's all, thank you.",
    ),
    (
        "hello i have water leaking under my kitchen sink",
        "Apartment twelve.",
        "Somebody can come in any time today.",
        "When is the office open?",
        "Okay thanks, bye.",
    ),
    ("Test AC repair",),
)


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    good: int = 0
    asked: int = 0

    def __str__(self) -> str:
        return f"{100 * self.good / self.asked:.1f} % of {self.asked}" if self.asked else "not asked"


@dataclass(frozen=True, slots=True)
class Missed:
    """A reply that failed, for reading."""

    act: str
    said: str
    written: str
    hoped_for: str


@dataclass(slots=True)
class Evaluation:
    """The figures. `gibberish` counts replies with a word nobody uses; `unended` those cut at the limit.

    `held_out_loss` is in nats per token of the hoped-for replies.
    """

    on_topic: Share = Share()
    copied: Share = Share()
    emergencies: Share = Share()
    facts: Share = Share()
    gibberish: Share = Share()
    unended: Share = Share()
    held_out_loss: float = 0.0
    by_act: dict[str, Share] = field(default_factory=dict)
    missed: list[Missed] = field(default_factory=list)
    demo: list[list[tuple[str, str]]] = field(default_factory=list)

    def report(self) -> str:
        """The figures, a line each."""
        names = ("on_topic", "copied", "emergencies", "facts", "gibberish", "unended")
        told = [f"{name.replace('_', ' ')}: {getattr(self, name)}" for name in names]
        return "\n".join([*told, f"held-out loss: {self.held_out_loss:.3f} per token"])


def evaluate(
    weights_dir: Path, *, seed: int = SEED, turns: int = TURNS, temperature: float = TEMPERATURE
) -> Evaluation:
    """Ask the model for `turns` replies in held-out calls, and for the demo calls."""
    writer = Writer(weights_dir)
    good: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    missed: list[Missed] = []
    surprise, tokens = 0.0, 0
    for number, (messages, line) in enumerate(_turns(seed, turns)):
        written = writer.reply(messages, temperature=temperature, seed=seed + number)
        passed = judge(line, written)
        nats, length = writer.loss(messages, line.text)
        surprise, tokens = surprise + nats, tokens + length
        for name in (*_groups(line), f"act {line.act}"):
            asked[name] += 1
            good[name] += passed
        good["gibberish"] += is_gibberish(written.text, messages)
        good["unended"] += not written.ended
        if not passed:
            missed.append(Missed(line.act, messages[-1]["content"], written.text, line.text))
    asked["gibberish"] = asked["unended"] = asked["on_topic"]
    shares = {name: Share(good[name], asked[name]) for name in asked}
    by_act = {
        name.removeprefix("act "): shares.pop(name) for name in sorted(shares) if name.startswith("act ")
    }
    demo = [play(writer, call, seed, temperature) for call in DEMO_CALLS]
    return Evaluation(
        **shares, held_out_loss=surprise / max(tokens, 1), by_act=by_act, missed=missed, demo=demo
    )


def _turns(seed: int, turns: int) -> Iterator[tuple[list[dict[str, str]], Line]]:
    """Chats up to a reply, with the reply as it was written by the dialogues."""
    given = 0
    row = 0
    while given < turns:
        found = dialogue(seed, row, 0, "held_out")
        row += 1
        for at, line in enumerate(found.lines):
            if line.who == "assistant" and line.learn and line.must and given < turns:
                given += 1
                yield conversation(Dialogue(found.where, found.lines[:at])), line


def _groups(line: Line) -> Iterator[str]:
    yield "on_topic"
    if any(len(group) == 1 and group[0] in line.text.lower() for group in line.must) and line.act in COPYING:
        yield "copied"
    if line.act in EMERGENCIES:
        yield "emergencies"
    if line.act in FACTS:
        yield "facts"


COPYING = (
    *("ask_time", "confirm", "still", "noted", "ask_phone", "phone_done", "ask_number", "contact_done"),
    *("ask_view_time", "view_done", "noise_done", "spot_done"),
)
"""Acts that repeat values of the caller's."""


def judge(line: Line, written: Written) -> bool:
    """Whether the reply is ended and contains one of each group that the hoped-for one does."""
    text = written.text.lower()
    return written.ended and all(any(_has(text, each) for each in group) for group in line.must)


def _has(text: str, wanted: str) -> bool:
    """Whole words only: "unit 1" is not in "unit 12"."""
    if not wanted[-1:].isalnum():
        return wanted in text
    return (
        re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", text) is not None
        if wanted[-1:].isdigit()
        else wanted in text
    )


def is_gibberish(text: str, messages: list[dict[str, str]]) -> bool:
    """Whether a reply has a word that is neither the dialogues' own nor the caller's."""
    told = {word for message in messages for word in _words(message["content"])}
    return any(word not in told and word not in known_words() for word in _words(text))


@cache
def known_words() -> frozenset[str]:
    """The words of the agent's replies in the dialogues it learned from."""
    return frozenset(
        word
        for row in range(SEEN_DIALOGUES)
        for line in dialogue(0, row, 0).lines
        if line.who == "assistant"
        for word in _words(line.text)
    )


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def play(
    writer: Writer, call: tuple[str, ...], seed: int = SEED, temperature: float = TEMPERATURE
) -> list[tuple[str, str]]:
    """A call with the shipped persona, the model answering its own history: (said, answered) pairs."""
    messages = [{"role": "system", "content": persona()}, {"role": "assistant", "content": greeting()}]
    heard: list[tuple[str, str]] = []
    for number, said in enumerate(call):
        messages.append({"role": "user", "content": said})
        answer = writer.reply(messages, temperature=temperature, seed=seed + number).text
        messages.append({"role": "assistant", "content": answer})
        heard.append((said, answer))
    return heard
