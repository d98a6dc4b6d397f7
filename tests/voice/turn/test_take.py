"""One turn on played time: what the caller hears, and when, whatever the model does."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest

from tests.builders import AN_ENDLESS_REPLY, a_brain, a_deadline, an_utterance, chunks_of, words_of
from tests.conftest import VirtualTime
from voice.brain import Brain
from voice.call import Call
from voice.clock import Deadline
from voice.errors import ReplyBroken, RouteDown
from voice.events import Event, RouteAsked, RouteFailed, TurnClosed, TurnCrashed
from voice.models.scripted import ScriptedClient
from voice.routing.breaker import REST_S
from voice.tools.base import ToolUse
from voice.types import (
    CallId,
    Chunk,
    ChunkKind,
    Door,
    Ending,
    Finish,
    Hear,
    Message,
    Prompt,
    ToolCall,
    ToolSpec,
)

FALLBACK = "I'm sorry, I lost my train of thought for a second."


async def picked_up(brain: Brain) -> Call:
    return await brain.calls.pick_up(CallId("c1"), Door.CHAT, caller="+14155550100")


async def heard(brain: Brain, words: str = "My sink leaks.") -> list[Chunk]:
    call = await picked_up(brain)
    return await chunks_of(await brain.calls.hear(call, an_utterance(words), a_deadline()))


def spoken(chunks: list[Chunk]) -> str:
    return " ".join(chunk.text for chunk in chunks)


async def test_a_reply_is_said_clause_by_clause(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="I am sorry to hear that, truly. Which **unit** are you in? 🎉")

    async with a_brain(model) as brain:
        chunks = await heard(brain)

    assert [chunk.text for chunk in chunks] == [
        "I am sorry to hear that,",
        "truly.",
        "Which unit are you in?",
    ]


async def test_the_model_reads_the_persona_then_the_call_then_the_callers_words(
    virtual_time: VirtualTime,
) -> None:
    model = ScriptedClient(reply=["Which unit?", "Thanks."])

    async with a_brain(model) as brain:
        await heard(brain, "My sink leaks.")
        await heard(brain, "Unit 4B.")

    read = [(message.role, message.text) for message in model.asked[1].messages]
    assert read[0][0] == "system"
    assert read[0][1].startswith("You are Jamie.")
    assert read[1:] == [("user", "My sink leaks."), ("assistant", "Which unit?"), ("user", "Unit 4B.")]


async def test_a_route_that_fails_is_followed_at_once_by_the_next(virtual_time: VirtualTime) -> None:
    events: list[Event] = []
    broken = ScriptedClient("broken", fails=RouteDown("route 'broken' answered 502"))

    async with a_brain(broken, ScriptedClient("sound", "Which unit?"), events=events) as brain:
        chunks = await heard(brain)

    assert spoken(chunks) == "Which unit?"
    assert virtual_time.elapsed_s == pytest.approx(0.0)
    assert [event.route for event in events if isinstance(event, RouteFailed)] == ["broken"]


async def test_a_silent_route_is_hedged_and_its_job_cancelled(virtual_time: VirtualTime) -> None:
    slow, quick = ScriptedClient("slow", first_s=9.0), ScriptedClient("quick", "Which unit?", first_s=0.2)
    events: list[Event] = []

    async with a_brain(slow, quick, events=events) as brain:
        chunks = await heard(brain)
        closed = next(event for event in events if isinstance(event, TurnClosed))

    assert spoken(chunks) == "Which unit?"
    assert slow.cancelled == 1
    assert not closed.late
    assert [event.route for event in events if isinstance(event, RouteAsked)] == ["slow", "quick"]


async def test_a_lower_routes_early_words_wait_for_a_better_route_that_is_in_time(
    virtual_time: VirtualTime,
) -> None:
    better, lower = (
        ScriptedClient("better", "From the better.", first_s=1.0),
        ScriptedClient("lower", "From the lower."),
    )

    async with a_brain(better, lower) as brain:
        chunks = await heard(brain)

    assert spoken(chunks) == "From the better."


async def test_a_late_answer_is_announced_by_a_filler_at_the_deadline(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Which unit?", first_s=2.0)

    async with a_brain(model) as brain:
        chunks = await heard(brain)
        turn = brain.calls.get(CallId("c1")).thread.turns[0]  # type: ignore[union-attr]  # it is live

    assert [chunk.kind for chunk in chunks] == [ChunkKind.FILLER, ChunkKind.REPLY]
    assert turn.timing.ttfc_ms == pytest.approx(1150)
    assert turn.spoken == "Which unit?"


async def test_a_model_that_never_answers_leaves_the_caller_with_a_fallback(
    virtual_time: VirtualTime,
) -> None:
    model = ScriptedClient(hangs=True)

    async with a_brain(model) as brain:
        chunks = await heard(brain)

    assert [chunk.kind for chunk in chunks] == [ChunkKind.FILLER, ChunkKind.FALLBACK]
    assert chunks[1].text.startswith(FALLBACK)
    assert virtual_time.elapsed_s == pytest.approx(2.6)
    assert model.cancelled == 1


async def test_when_every_route_fails_the_fallback_is_said_at_once(virtual_time: VirtualTime) -> None:
    async with a_brain(
        ScriptedClient(fails=RouteDown("gone")), ScriptedClient("b", fails=RouteDown("gone"))
    ) as brain:
        chunks = await heard(brain)

    assert [chunk.kind for chunk in chunks] == [ChunkKind.FALLBACK]
    assert virtual_time.elapsed_s == pytest.approx(0.0)


async def test_a_second_failure_in_a_row_is_met_with_another_line(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient(fails=RouteDown("gone"))) as brain:
        first, second = spoken(await heard(brain)), spoken(await heard(brain))

    assert first != second


async def test_without_any_route_the_caller_is_still_answered(virtual_time: VirtualTime) -> None:
    async with a_brain() as brain:
        chunks = await heard(brain)

    assert chunks[0].kind is ChunkKind.FALLBACK


@pytest.mark.parametrize("written", ["", "🎉", "<think>I should ask for the unit.</think>", "```\ncode\n```"])
async def test_what_cannot_be_said_is_no_answer(virtual_time: VirtualTime, written: str) -> None:
    async with a_brain(ScriptedClient(reply=written), ScriptedClient("next", "Which unit?")) as brain:
        chunks = await heard(brain)

    assert spoken(chunks) == "Which unit?"


@pytest.mark.parametrize(("words", "said"), [(6, "I see that."), (7, "I see that. It is written down.")])
async def test_a_reply_that_breaks_off_is_ended_with_its_last_whole_sentence(
    virtual_time: VirtualTime, words: int, said: str
) -> None:
    reply, cut = "I see that. It is written down. More would come", ReplyBroken("cut")

    async with a_brain(ScriptedClient(reply=reply, fails=cut, after_words=words, every_s=0.05)) as brain:
        assert spoken(await heard(brain)) == said


async def test_a_reply_that_breaks_in_mid_sentence_ends_with_a_whole_line(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(
        reply="I am sorry to hear that, and then nothing",
        fails=ReplyBroken("cut"),
        after_words=8,
        every_s=0.05,
    )

    async with a_brain(model) as brain:
        chunks = await heard(brain)

    assert chunks[0].text == "I am sorry to hear that,"
    assert chunks[-1].kind is ChunkKind.FALLBACK


async def test_a_stall_after_speech_began_ends_the_reply_with_a_whole_line(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="I see that. It hangs here", hangs=True, after_words=4)

    async with a_brain(model) as brain:
        chunks = await heard(brain)
        turn = brain.calls.get(CallId("c1")).thread.turns[0]  # type: ignore[union-attr]  # it is live

    assert spoken(chunks) == "I see that."
    assert turn.ending is Ending.CUT_SHORT
    assert virtual_time.elapsed_s == pytest.approx(1.45)


async def test_a_model_that_writes_as_slowly_as_people_speak_is_heard_to_its_end(
    virtual_time: VirtualTime,
) -> None:
    reply = "Certainly, I will ask our plumber to come by tomorrow in the morning. Is nine fine?"

    async with a_brain(ScriptedClient(reply=reply, every_s=0.2)) as brain:
        chunks = await heard(brain)

    assert spoken(chunks) == reply
    assert {chunk.kind for chunk in chunks} == {ChunkKind.REPLY}


async def test_words_without_a_mark_are_said_when_the_deadline_comes(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Certainly five good plumbers answer every emergency call.", every_s=0.2)

    async with a_brain(model) as brain:
        chunks = await heard(brain)

    assert chunks[0].text == "Certainly five good plumbers answer"
    assert spoken(chunks) == "Certainly five good plumbers answer every emergency call."


async def test_an_endless_reply_is_ended_at_its_budget(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply=AN_ENDLESS_REPLY, every_s=0.05)

    async with a_brain(model) as brain:
        chunks = await heard(brain)

    assert virtual_time.elapsed_s == pytest.approx(8.0, abs=0.1)
    assert chunks[-1].text.endswith("is on my list.")
    assert model.cancelled == 1


async def test_a_sentence_that_the_token_limit_cut_off_is_not_said(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="It is written down. Somebody will", finish=Finish("length"))

    async with a_brain(model) as brain:
        assert spoken(await heard(brain)) == "It is written down."


async def test_a_tool_that_the_model_asks_for_runs_and_its_answer_is_read(virtual_time: VirtualTime) -> None:
    wanted = ToolCall("call_1", "ticket", '{"issue": "leaking sink", "unit": "4B"}')
    model = ScriptedClient(reply="It is written down.", tool_calls=(wanted,))

    async with a_brain(model) as brain:
        chunks = await heard(brain)
        stored = await brain.store.find(CallId("c1"))

    told = model.asked[1].messages[-1]
    assert (told.role, told.tool_call_id) == ("tool", "call_1")
    assert told.text.startswith("Ticket ")
    assert spoken(chunks) == "It is written down."
    assert stored is not None
    assert [note.kind for note in stored.notes if note.kind != "tool"] == ["ticket"]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (ToolCall("1", "fly", "{}"), "There is no tool called fly."),
        (ToolCall("1", "ticket", "{"), "The arguments are not JSON."),
        (ToolCall("1", "ticket", "[]"), "The arguments must be a JSON object."),
        (ToolCall("1", "ticket", "{}"), "issue is missing: say in a few words what is wrong."),
        (ToolCall("1", "ticket", '{"issue": 5}'), "issue must be text of at most 500 characters."),
    ],
)
async def test_a_tool_that_cannot_be_used_tells_the_model_why(
    virtual_time: VirtualTime, wanted: ToolCall, told: str
) -> None:
    model = ScriptedClient(reply="I could not do that.", tool_calls=(wanted,))

    async with a_brain(model) as brain:
        await heard(brain)

    assert model.asked[1].messages[-1].text == told


async def test_a_turn_that_crashes_is_heard_as_a_fallback_and_reported(virtual_time: VirtualTime) -> None:
    def crash(_: object) -> str:
        raise ZeroDivisionError

    events: list[Event] = []
    async with a_brain(ScriptedClient(reply=crash), events=events) as brain:
        chunks = await heard(brain)

    assert [chunk.kind for chunk in chunks] == [ChunkKind.FALLBACK]
    assert [event.error for event in events if isinstance(event, RouteFailed)] == ["ReplyBroken"]
    assert not [event for event in events if isinstance(event, TurnCrashed)]


async def test_a_request_that_names_a_route_reaches_it_as_it_is(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="**Hi.**")

    async with a_brain(model) as brain:
        call = await picked_up(brain)
        call.as_is = (Message("user", "Just this."),)
        said = await words_of(await brain.calls.hear(call, an_utterance("Just this."), a_deadline()))

    assert model.asked[0].messages == (Message("user", "Just this."),)
    assert said == "Hi."


async def test_a_route_whose_tokens_flow_is_not_hedged(virtual_time: VirtualTime) -> None:
    writing, other = (
        ScriptedClient("writing", "I see that now.", first_s=0.5, every_s=0.2),
        ScriptedClient("other"),
    )

    async with a_brain(writing, other) as brain:
        assert spoken(await heard(brain)) == "I see that now."

    assert other.asked == deque()


async def test_a_route_that_wrote_one_word_and_stalled_is_replaced(virtual_time: VirtualTime) -> None:
    stalled = ScriptedClient("stalled", "Well that hangs", first_s=0.2, hangs=True, after_words=1)

    async with a_brain(stalled, ScriptedClient("sound", "Which unit?", first_s=0.1)) as brain:
        chunks = await heard(brain)

    assert spoken(chunks) == "Which unit?"
    assert virtual_time.elapsed_s < 1.2


class SlowTool:
    """A tool that takes its time."""

    spec = ToolSpec("ticket", "slow", {"type": "object"})

    action = None

    async def use(self, use: ToolUse) -> str:
        await asyncio.sleep(3.0)
        return "Done."


WANTED = ToolCall("call_0", "ticket", '{"issue": "leak"}')


async def test_while_a_tool_works_the_caller_hears_a_filler_in_time(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient(reply="It is done.", tool_calls=(WANTED,))) as brain:
        call = await picked_up(brain)
        call.tools = {"ticket": SlowTool()}
        chunks = await chunks_of(await brain.calls.hear(call, an_utterance(), a_deadline()))

    assert [chunk.kind for chunk in chunks] == [ChunkKind.FILLER, ChunkKind.REPLY]
    assert call.thread.turns[0].timing.ttfc_ms == pytest.approx(1150)
    assert spoken(chunks).endswith("It is done.")


async def test_what_a_tool_answered_late_is_still_told(virtual_time: VirtualTime) -> None:
    events: list[Event] = []
    model = ScriptedClient(reply="It is written down.", tool_calls=(WANTED,), first_s=0.8)

    async with a_brain(model, events=events) as brain:
        chunks = await heard(brain)

    assert [chunk.kind for chunk in chunks] == [ChunkKind.FILLER, ChunkKind.REPLY]
    assert not [event for event in events if isinstance(event, RouteFailed)]


async def test_the_same_tool_id_in_another_turn_is_another_use(virtual_time: VirtualTime) -> None:
    issues = iter(["sink", "heating"])

    class Forgetful(ScriptedClient):
        async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
            if prompt.messages[-1].role == "user":
                return Finish(
                    "tool_calls", tool_calls=(ToolCall("call_0", "ticket", f'{{"issue": "{next(issues)}"}}'),)
                )
            return await super().write(prompt, deadline, hear)

    model = Forgetful(reply="It is written down.")
    async with a_brain(model) as brain:
        await heard(brain, "My sink leaks.")
        await heard(brain, "And the heating is off.")
        stored = await brain.store.find(CallId("c1"))

    assert stored is not None
    tickets = [note.payload for note in stored.notes if note.kind == "ticket"]
    assert [ticket["issue"] for ticket in tickets] == ["sink", "heating"]
    assert tickets[0]["number"] != tickets[1]["number"]
    assert [message.text for message in model.asked[1].messages if message.role == "tool"][-1].endswith(
        "heating."
    )


async def test_a_rested_route_that_nobody_needed_is_asked_when_it_is_needed(
    virtual_time: VirtualTime,
) -> None:
    primary, second = (
        ScriptedClient("primary", "From the primary."),
        ScriptedClient("second", "From the second."),
    )
    async with a_brain(primary, second) as brain:
        for _ in range(3):
            brain.routes[1].breaker.failed(virtual_time.loop.time())
        await asyncio.sleep(REST_S)
        for _ in range(3):
            await heard(brain)
            await asyncio.sleep(5.0)
        brain.routes[0].client = ScriptedClient("primary", fails=RouteDown("gone"))

        assert spoken(await heard(brain)) == "From the second."


async def test_a_route_that_keeps_callers_waiting_rests_after_three_turns(virtual_time: VirtualTime) -> None:
    events: list[Event] = []
    hanging, quick = (
        ScriptedClient("hanging", hangs=True),
        ScriptedClient("quick", "Which unit?", first_s=1.3),
    )

    async with a_brain(hanging, quick, events=events) as brain:
        for _ in range(4):
            await heard(brain)

    assert len(hanging.asked) == 3
    assert {event.error for event in events if isinstance(event, RouteFailed)} == {"RouteSlow"}


async def test_a_reply_that_ends_at_its_budget_is_no_failure_of_its_route(virtual_time: VirtualTime) -> None:
    events: list[Event] = []

    async with a_brain(ScriptedClient(reply=AN_ENDLESS_REPLY, every_s=0.05), events=events) as brain:
        await heard(brain)

    assert not [event for event in events if isinstance(event, RouteFailed)]


async def test_a_route_that_only_thinks_is_hedged_and_its_silence_is_not_waited_for(
    virtual_time: VirtualTime,
) -> None:
    thinking = ScriptedClient("thinking", "<think>" + "hm " * 500, first_s=0.1, every_s=0.05)

    async with a_brain(thinking, ScriptedClient("sound", "Which unit?", first_s=0.3)) as brain:
        chunks = await heard(brain)

    assert spoken(chunks) == "Which unit?"
    assert virtual_time.elapsed_s < 1.2


async def test_behind_a_filler_the_first_answer_is_said_whoever_gives_it(virtual_time: VirtualTime) -> None:
    slow, lower = ScriptedClient("slow", hangs=True), ScriptedClient("lower", "Which unit?", first_s=0.8)

    async with a_brain(slow, lower) as brain:
        chunks = await heard(brain)

    assert [chunk.kind for chunk in chunks] == [ChunkKind.FILLER, ChunkKind.REPLY]
    assert virtual_time.elapsed_s == pytest.approx(1.35)  # asked 0.6 s before 1.15 s, and 0.8 s more


async def test_a_route_is_not_blamed_for_a_caller_who_cut_in(virtual_time: VirtualTime) -> None:
    events: list[Event] = []
    async with a_brain(ScriptedClient("usual", "Which unit?", first_s=0.9), events=events) as brain:
        call = await picked_up(brain)
        for _ in range(5):
            await brain.calls.hear(call, an_utterance("My"), a_deadline())
            await asyncio.sleep(0.8)
            await brain.calls.hear(call, an_utterance("My sink"), a_deadline())

    assert not [event for event in events if isinstance(event, RouteFailed)]


async def test_after_a_slow_tool_the_model_that_asked_for_it_has_time_to_answer(
    virtual_time: VirtualTime,
) -> None:
    asking, other = (
        ScriptedClient("asking", "It is done.", first_s=0.4, tool_calls=(WANTED,)),
        ScriptedClient("other"),
    )

    async with a_brain(asking, other) as brain:
        call = await picked_up(brain)
        call.tools = {"ticket": SlowTool()}
        chunks = await chunks_of(await brain.calls.hear(call, an_utterance(), a_deadline()))

    assert spoken(chunks[1:]) == "It is done."
    assert not other.asked
