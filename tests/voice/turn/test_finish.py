"""A reply that breaks in the middle is finished by another route: one sentence, once, on played time."""

from __future__ import annotations

import asyncio

import pytest

from tests.builders import AN_ENDLESS_REPLY, a_brain, a_deadline, a_route, an_utterance, chunks_of
from tests.conftest import VirtualTime
from voice.brain import Brain
from voice.clock import Budget, Deadline, now
from voice.errors import ReplyBroken
from voice.models.scripted import ScriptedClient
from voice.types import CallId, Chunk, Door, Ending, Finish, Hear, Outcome, Prompt, ToolCall, Turn, Why

C1 = CallId("c1")
BREAKS_OFF = "… sorry, I lost my thread there. Could you say that once more?"
BEGINNING = "I am sorry to hear that, which unit are you in today?"


class Paced(ScriptedClient):
    """Writes each piece after a pause of its own."""

    def __init__(self, *pieces: tuple[float, str]) -> None:
        super().__init__("paced")
        self._pieces = pieces

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        for pause_s, text in self._pieces:
            await asyncio.sleep(pause_s)
            hear(text)
        return Finish()


async def turn_of(brain: Brain, words: str = "My sink leaks.") -> tuple[Turn, list[Chunk]]:
    call = await brain.calls.pick_up(C1, Door.CHAT)
    live = await brain.calls.hear(call, an_utterance(words), a_deadline())
    return live.turn, await chunks_of(live)


def breaks(reply: str = BEGINNING, after_words: int = 8, every_s: float = 0.05) -> ScriptedClient:
    cut = ReplyBroken("the connection was reset")
    return ScriptedClient("breaks", reply, fails=cut, after_words=after_words, every_s=every_s)


def stalls(after_words: int = 8) -> ScriptedClient:
    return ScriptedClient("stalls", BEGINNING, hangs=True, after_words=after_words, every_s=0.05)


async def test_a_broken_sentence_is_finished_by_another_route(virtual_time: VirtualTime) -> None:
    other = ScriptedClient("other", goes_on="could you tell me your unit?", first_s=0.1)

    async with a_brain(breaks(), other) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "I am sorry to hear that, could you tell me your unit?"
    assert turn.sent == turn.spoken
    assert other.asked[0].so_far == "I am sorry to hear that,"
    assert turn.ending is Ending.ANSWERED
    assert [(rung.route, rung.why, rung.outcome) for rung in turn.rungs] == [
        ("breaks", Why.FIRST, Outcome.BROKE),
        ("other", Why.GOES_ON, Outcome.WON),
    ]
    assert turn.route == "other"


@pytest.mark.parametrize(
    "told",
    [
        "to hear that, could you tell me your unit?",
        "I am sorry to hear that, could you tell me your unit?",
        "that could you tell me your unit?",
        "I am sorry to hear that. could you tell me your unit?",
    ],
)
async def test_words_that_were_heard_are_not_said_again(virtual_time: VirtualTime, told: str) -> None:
    async with a_brain(breaks(), ScriptedClient("other", goes_on=told, every_s=0.02)) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "I am sorry to hear that, could you tell me your unit?"


async def test_who_begins_anew_does_not_go_on(virtual_time: VirtualTime) -> None:
    anew = ScriptedClient("anew", goes_on="I am sorry for the trouble with your sink.")
    third = ScriptedClient("third", goes_on="is it urgent?")

    async with a_brain(breaks(), anew, third) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "I am sorry to hear that, is it urgent?"


async def test_a_stall_is_bridged_before_the_gap_is_over(virtual_time: VirtualTime) -> None:
    remote = a_route(stalls(), usually_s=(0.3,))
    local = a_route(ScriptedClient("embedded", goes_on="is it urgent?", first_s=0.1), is_local=True)

    async with a_brain(remote, local) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "I am sorry to hear that, is it urgent?"
    assert turn.timing.gap_ms is not None
    assert turn.timing.gap_ms <= 1500
    assert turn.rungs[0].error == "ReplyStalled"


async def test_a_stream_that_goes_on_after_all_is_told_to_its_end(virtual_time: VirtualTime) -> None:
    slow = Paced((0.1, "I am sorry to hear that, "), (1.4, "which unit are you in?"))
    local = a_route(spare := ScriptedClient("embedded", goes_on="is it urgent?", first_s=0.5), is_local=True)

    async with a_brain(slow, local) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "I am sorry to hear that, which unit are you in?"
    assert len(spare.asked) == spare.cancelled == 1  # asked in time, and not needed


async def test_after_a_question_a_break_ends_the_turn(virtual_time: VirtualTime) -> None:
    asks = breaks("Which unit are you in? I will then send", after_words=8)
    other = ScriptedClient("other", goes_on="somebody over.")

    async with a_brain(asks, other) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "Which unit are you in?"
    assert not other.asked
    assert turn.ending is Ending.ANSWERED


async def test_a_sentence_that_nobody_can_finish_is_broken_off_politely(virtual_time: VirtualTime) -> None:
    failing = ScriptedClient("other", fails=ReplyBroken("gone, too"))

    async with a_brain(breaks(), failing) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == f"I am sorry to hear that, {BREAKS_OFF}"
    assert turn.ending is Ending.CUT_SHORT


async def test_a_second_break_is_bridged_by_a_third_route(virtual_time: VirtualTime) -> None:
    second = ScriptedClient(
        "second", goes_on="we can help, and I will", fails=ReplyBroken("reset"), after_words=4, every_s=0.05
    )
    third = ScriptedClient("third", goes_on="send a plumber.")

    async with a_brain(breaks(), second, third) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "I am sorry to hear that, we can help, send a plumber."
    assert third.asked[0].so_far == "I am sorry to hear that, we can help,"


async def test_a_reply_in_circles_is_stopped_at_its_host_and_said_once(virtual_time: VirtualTime) -> None:
    loops = ScriptedClient("loops", "We will send a plumber today. " * 50, every_s=0.02)
    other = ScriptedClient("other", goes_on="Is that all right?")

    async with a_brain(loops, other) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "We will send a plumber today. Is that all right?"
    assert loops.cancelled == 1
    assert turn.rungs[0].error == "ReplyLoops"


async def test_a_circle_without_an_end_of_its_sentence_is_stopped_too(virtual_time: VirtualTime) -> None:
    loops = ScriptedClient("loops", "I am sorry to hear that, " + "and the man and " * 300, every_s=0.02)
    other = ScriptedClient("other", goes_on="which unit is it?")

    async with a_brain(loops, other) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "I am sorry to hear that, which unit is it?"


async def test_a_sentence_that_was_heard_is_left_out_by_who_goes_on(virtual_time: VirtualTime) -> None:
    first = breaks("We will send a plumber today. It may take", after_words=9)
    other = ScriptedClient("other", goes_on="Sure. We will send a plumber today. Is noon fine?")

    async with a_brain(first, other) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "We will send a plumber today. Sure. Is noon fine?"


async def test_a_host_that_overlooks_the_token_limit_is_stopped(virtual_time: VirtualTime) -> None:
    model = ScriptedClient("endless", AN_ENDLESS_REPLY, every_s=0.001)

    async with a_brain(model) as brain:
        turn, _ = await turn_of(brain)

    assert len(turn.sent) < 12 * 120 + 40
    assert turn.spoken.endswith("list.")
    assert model.cancelled == 1


async def test_a_short_sentence_in_circles_is_said_once(virtual_time: VirtualTime) -> None:
    loops = ScriptedClient("loops", "One moment. " * 50 + "End.", every_s=0.02)
    other = ScriptedClient("other", goes_on="Which unit is it?")

    async with a_brain(loops, other) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "One moment. Which unit is it?"
    assert turn.rungs[0].error == "ReplyLoops"


async def test_a_short_sentence_said_twice_is_said_once_and_the_reply_goes_on(
    virtual_time: VirtualTime,
) -> None:
    async with a_brain(ScriptedClient("one", "Thank you. Thank you. Which unit is it?")) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "Thank you. Which unit is it?"
    assert turn.rungs[0].outcome is Outcome.WON


async def test_a_stall_in_mid_clause_makes_the_caller_wait_once(virtual_time: VirtualTime) -> None:
    halves = Paced(
        (0.1, "I am sorry to hear that, "), (0.1, "and I will send somebody over to your"), (99.0, "")
    )
    local = a_route(ScriptedClient("embedded", goes_on="which unit is it?", first_s=0.1), is_local=True)

    async with a_brain(halves, local) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == turn.sent == "I am sorry to hear that, which unit is it?"
    assert turn.timing.total_ms == pytest.approx(1550)  # the first clause, and one gap


async def test_a_reply_held_back_to_its_very_end_is_said(virtual_time: VirtualTime) -> None:
    hangs = a_route(ScriptedClient("remote", hangs=True), usually_s=(1.6, 1.7))
    local = a_route(ScriptedClient("embedded", "Which unit? And when?"), usually_s=(0.1,), is_local=True)

    async with a_brain(hangs, local) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
        short = Budget(first_chunk_s=1.2, gap_s=0.5, reply_s=1.2).deadline(now())
        live = await brain.calls.hear(call, an_utterance(), short)
        await live.settled()

    assert live.turn.spoken == "Which unit? And when?"
    assert live.turn.ending is Ending.ANSWERED


async def test_who_cannot_go_on_for_others_is_asked_for_replies_all_the_same(
    virtual_time: VirtualTime,
) -> None:
    local = a_route(
        ScriptedClient("embedded", "Which unit?", goes_on="I am sorry to say more."), is_local=True
    )

    async with a_brain(breaks(), local) as brain:
        for number in range(4):
            await turn_of(brain, f"My sink leaks, {number}.")

    assert not local.breaker.rests(now())


async def test_a_preamble_does_not_hide_that_a_reply_begins_anew(virtual_time: VirtualTime) -> None:
    anew = ScriptedClient("anew", goes_on="Of course I am sorry to hear that, which unit is it?")
    third = ScriptedClient("third", goes_on="which unit is it?")

    async with a_brain(breaks(), anew, third) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "I am sorry to hear that, which unit is it?"


async def test_a_stall_is_bridged_though_no_more_may_be_paid(virtual_time: VirtualTime) -> None:
    other = ScriptedClient("other", goes_on="which unit is it?", first_s=0.2)

    async with a_brain(stalls(), other, hedge_share=0.0) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "I am sorry to hear that, which unit is it?"
    assert turn.ending is Ending.ANSWERED


async def test_words_that_go_round_are_not_said_because_the_gap_is_over(virtual_time: VirtualTime) -> None:
    loops = Paced((0.1, "I am sorry to hear that, "), (0.9, "and the man and the man "), (0.3, "and the "))
    local = a_route(ScriptedClient("embedded", goes_on="which unit is it?", first_s=0.1), is_local=True)

    async with a_brain(loops, local) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
        budget = Budget(gap_s=1.0).deadline(now())
        live = await brain.calls.hear(call, an_utterance(), budget)
        await live.settled()

    assert "man" not in live.turn.spoken


async def test_what_was_said_before_a_tool_is_not_said_again_behind_it(virtual_time: VirtualTime) -> None:
    ticket = ToolCall("t", "ticket", '{"issue": "leak"}')

    class AsksTwice(ScriptedClient):
        """Says the same before a tool and behind it."""

        async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
            self.asked.append(prompt)
            hear("I will open a ticket. ")
            if len(self.asked) == 1:
                return Finish("tool_calls", tool_calls=(ticket,))
            hear("It is open now.")
            return Finish()

    async with a_brain(AsksTwice("one")) as brain:
        turn, _ = await turn_of(brain)

    assert turn.spoken == "I will open a ticket. It is open now."
