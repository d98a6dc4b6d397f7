"""A platform asks several times for one utterance, and drops all requests but the last: one turn is left."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.builders import a_brain, a_deadline, an_utterance, words_of
from tests.conftest import VirtualTime
from voice.brain import Brain
from voice.call import Call
from voice.models.scripted import ScriptedClient
from voice.simulate.virtual_time import VirtualLoop
from voice.store.memory import MemoryStore
from voice.threads.export import export_call
from voice.turn.live import LiveTurn
from voice.types import CallId, Door, Ending, Message, Prompt, ToolCall

C1 = CallId("c1")
GREETING = "Hello, this is Ava at the desk."
UTTERANCES = (
    "Hello, the sink leaks.",
    "It is in unit four B.",
    "Since this morning about eight.",
    "Nobody is at home today.",
)
LAST = "Thank you."

Spelling = Callable[[str], str]
SPELLINGS: dict[str, Spelling] = {
    "ours": lambda text: text,
    "recognised again": lambda text: re.sub(r"[^\w\s]", "", text.lower()),
}


@dataclass(frozen=True)
class Dropped:
    """A request that its platform gives up: `words` of the utterance were in it. Times in seconds."""

    words: int
    after_s: float
    then_s: float


@dataclass
class Platform:
    """One call as a platform that keeps its own account plays it. `counts` is what its counters count."""

    brain: Brain
    call: Call
    spelling: Spelling
    counts: str
    history: list[Message] = field(default_factory=list)
    requests: int = 0

    async def asks(self, text: str) -> LiveTurn:
        self.requests += 1
        said = sum(one.role == "user" for one in self.history) + 1
        key = {"utterances": f"u{said}", "turns": f"{said}.{said}", "requests": f"{said}.{self.requests}"}
        heard = an_utterance(text, key=key.get(self.counts))
        return await self.brain.calls.hear(self.call, heard, a_deadline(), self.history)

    async def drops(self, text: str, one: Dropped) -> None:
        """Ask, hang up in mid-reply, and wait."""
        begun = " ".join(text.split()[: one.words]) or text
        live = await self.asks(begun)
        with suppress(TimeoutError):
            await asyncio.wait_for(words_of(live), one.after_s)
        self.brain.calls.leave(self.call, live)
        await asyncio.sleep(one.then_s)

    async def hears(self, text: str, *, late: str | None = None) -> str:
        """Ask and listen to the end. `late`: words whose request comes late, while the reply is spoken."""
        live = await self.asks(text)
        if late:
            await asyncio.sleep(0.05)
            older = await self.asks(late)
            self.brain.calls.leave(self.call, older)
        reply = await words_of(live)
        self.brain.calls.leave(self.call, live)
        self.history += [Message("user", self.spelling(text)), Message("assistant", self.spelling(reply))]
        return reply


def answer(prompt: Prompt) -> str:
    said = [one.text for one in prompt.messages if one.role == "user"]
    return f"You said {said[-1].strip('.')}, and I am listening. Please go on."


dropped = some.builds(
    Dropped,
    words=some.integers(1, 6),
    after_s=some.sampled_from((0.0, 0.02, 0.07, 0.15, 0.4, 2.0)),
    then_s=some.sampled_from((0.0, 0.02, 0.1, 1.0)),
)
calls_of_dropped = some.lists(some.lists(dropped, max_size=5), min_size=1, max_size=len(UTTERANCES))
counted = some.sampled_from(("utterances", "turns", "requests"))


async def a_call_with(
    drops: Sequence[Sequence[Dropped]], spelling: Spelling, counts: str, *, late: bool = False
) -> tuple[list[Message], list[Message], MemoryStore]:
    """What the model of the last turn has read, what was truly said, and what is stored."""
    model, store = ScriptedClient(reply=answer, first_s=0.05, every_s=0.02), MemoryStore()
    truly = [Message("assistant", GREETING)]
    async with a_brain(model, store=store) as brain:
        call = await brain.calls.pick_up(C1, Door.VAPI)
        brain.calls.greet(call, GREETING)
        line = Platform(brain, call, spelling, counts, [Message("assistant", spelling(GREETING))])
        for text, given_up in zip(UTTERANCES, drops, strict=False):
            for one in sorted(given_up, key=lambda one: one.words):  # the caller talks on
                await line.drops(text, one)
            reply = await line.hears(text, late=" ".join(text.split()[:2]) if late else None)
            truly += [Message("user", text), Message("assistant", reply)]
        reply = await line.hears(LAST)
    return list(model.asked[-1].messages[1:]), [*truly, Message("user", LAST)], store


@given(calls_of_dropped, some.sampled_from(sorted(SPELLINGS)), counted)
@settings(max_examples=150, deadline=None)
def test_whatever_was_dropped_the_model_reads_what_was_truly_said(
    drops: list[list[Dropped]], spelling: str, counts: str
) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        read, truly, store = runner.run(a_call_with(drops, SPELLINGS[spelling], counts))
        stored = runner.run(store.find(C1))

    assert read == truly
    assert stored is not None
    assert [turn.said for turn in stored.turns] == [one.text for one in truly if one.role == "user"]
    chat = json.loads(export_call(stored, "chat"))["messages"]
    assert [one["content"] for one in chat[:-1]] == [one.text for one in truly]
    assert "not heard" not in export_call(stored, "text")
    assert "said by others" not in export_call(stored, "text")


@pytest.mark.parametrize("counts", ["utterances", "turns"])
async def test_an_older_request_that_comes_late_does_not_silence_the_reply(
    virtual_time: VirtualTime, counts: str
) -> None:
    drops = [[Dropped(3, 0.02, 0.0)], []]

    read, truly, store = await a_call_with(drops, SPELLINGS["ours"], counts, late=True)
    stored = await store.find(C1)

    assert read == truly
    assert stored is not None
    assert {turn.ending for turn in stored.turns} == {Ending.ANSWERED}


async def test_a_beginning_that_comes_after_the_answer_is_given_it(
    virtual_time: VirtualTime,
) -> None:
    model = ScriptedClient(reply=["Which unit?", "Another answer."])

    async with a_brain(model) as brain:
        call = await brain.calls.pick_up(C1, Door.VAPI)
        for words in ("My sink leaks.", "My sink"):
            said = await words_of(await brain.calls.hear(call, an_utterance(words, key="1.1"), a_deadline()))

    assert said == "Which unit?"
    assert [turn.said for turn in call.thread.turns] == ["My sink leaks."]


async def test_a_transcript_that_was_mended_is_answered_in_the_place_of_the_first(
    virtual_time: VirtualTime,
) -> None:
    model = ScriptedClient(reply="Which unit?", first_s=0.5)

    async with a_brain(model) as brain:
        call = await brain.calls.pick_up(C1, Door.VAPI)
        for words in ("My sing", "The sink leaks."):
            live = await brain.calls.hear(call, an_utterance(words, key="1.1"), a_deadline())
            await asyncio.sleep(0.1)
        await words_of(live)

    assert [(turn.position, turn.said) for turn in call.thread.turns] == [(0, "The sink leaks.")]


async def test_a_tool_of_a_dropped_turn_is_used_once_and_its_answer_read(virtual_time: VirtualTime) -> None:
    wanted = ToolCall("call_1", "ticket", '{"issue": "leak", "unit": "4B"}')
    model = ScriptedClient(reply="It is written down. Is there more?", tool_calls=(wanted,), every_s=0.1)

    async with a_brain(model) as brain:
        call = await brain.calls.pick_up(C1, Door.VAPI)
        dropped_one = await brain.calls.hear(call, an_utterance(key="1.1"), a_deadline())
        await asyncio.sleep(0.15)
        brain.calls.leave(call, dropped_one)
        await asyncio.sleep(0.1)
        await words_of(await brain.calls.hear(call, an_utterance(key="1.1"), a_deadline()))
        stored = await brain.store.find(C1)

    assert stored is not None
    assert len([note for note in stored.notes if note.kind == "ticket"]) == 1
    assert [message.role for message in model.asked[-1].messages][-3:] == ["user", "assistant", "tool"]
    assert len(stored.turns) == 1


async def test_a_caller_who_says_yes_again_after_a_cut_reply_has_said_it_twice(
    virtual_time: VirtualTime,
) -> None:
    model = ScriptedClient(reply="Somebody will come to you today at noon.", every_s=0.2)

    async with a_brain(model) as brain:
        call = await brain.calls.pick_up(C1, Door.VAPI)
        first = await brain.calls.hear(call, an_utterance("Yes.", key="u1"), a_deadline())
        await asyncio.sleep(1.3)
        brain.calls.leave(call, first)
        history = [Message("user", "Yes."), Message("assistant", "Somebody will come")]
        await words_of(await brain.calls.hear(call, an_utterance("Yes.", key="u2"), a_deadline(), history))

    assert [turn.said for turn in call.thread.turns] == ["Yes.", "Yes."]
