"""What is said when nobody answers."""

from __future__ import annotations

from tests.builders import a_brain, a_deadline, an_agent, an_utterance, words_of
from tests.conftest import VirtualTime
from voice.call import Call
from voice.clock import Deadline
from voice.errors import RouteDown
from voice.models.scripted import ScriptedClient
from voice.turn.fallback import breaking_off, fallback
from voice.types import CallId, ChunkKind, Door, Finish, Hear, Prompt

C1 = CallId("c1")


class AnswersThird(ScriptedClient):
    """Is down for every prompt but the third."""

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        self.asked.append(prompt)
        if len(self.asked) != 3:
            raise RouteDown("route 'one' refused the connection")
        hear("Which unit?")
        return Finish()


async def a_call(**agent: object) -> Call:
    async with a_brain() as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
    call.agent = an_agent(fallbacks=("Once more?", "Please hold on."), goodbye="Goodbye.", **agent)
    return call


async def test_fallbacks_come_in_order_and_the_last_one_from_then_on(virtual_time: VirtualTime) -> None:
    call = await a_call()

    assert [fallback(call).text for _ in range(3)] == ["Once more?", "Please hold on.", "Please hold on."]


async def test_a_goodbye_is_answered_though_no_model_answers(virtual_time: VirtualTime) -> None:
    call = await a_call()

    assert fallback(call, "That's all, thanks. Bye!").text == "Goodbye."
    assert fallback(call, "My sink leaks.").text == "Once more?"  # the goodbye used up none of them


async def test_a_caller_in_need_is_not_bidden_farewell(virtual_time: VirtualTime) -> None:
    call = await a_call()

    assert fallback(call, "Nothing else works, there is water everywhere.").text == "Once more?"


async def test_a_sentence_is_broken_off_with_the_agents_own_words(virtual_time: VirtualTime) -> None:
    line = breaking_off(await a_call(breaks_off="… pardon me. Once more, please?"))

    assert (line.text, line.kind) == ("… pardon me. Once more, please?", ChunkKind.FALLBACK)


async def test_an_answered_turn_begins_again_with_the_first_line(virtual_time: VirtualTime) -> None:
    agent = an_agent()

    async with a_brain(AnswersThird()) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
        call.agent = agent
        heard = [
            await words_of(await brain.calls.hear(call, an_utterance(words), a_deadline()))
            for words in ("One.", "Two.", "Three.", "Four.")
        ]

    assert heard == [*agent.fallbacks, "Which unit?", agent.fallbacks[0]]
