"""A reply begun while the caller still speaks: taken when the words stay the same, else never heard of."""

from __future__ import annotations

import asyncio

import pytest

from tests.builders import a_brain, a_deadline, a_route, an_utterance, chunks_of, words_of
from tests.conftest import VirtualTime
from voice.brain import Brain
from voice.call import Call
from voice.errors import RouteDown
from voice.events import Event, RouteAsked, RouteCancelled
from voice.models.base import Health
from voice.models.scripted import ScriptedClient
from voice.turn.ahead import MOST_BEGUN, SETTLED_S
from voice.types import CallId, Door, ToolCall, Why


async def picked_up(brain: Brain) -> Call:
    return await brain.calls.pick_up(CallId("c1"), Door.GATHER)


async def understood(brain: Brain, call: Call, words: str, for_s: float = 1.0) -> None:
    """The platform tells words that may not be the last ones, and then no others for a while."""
    brain.calls.foresee(call, an_utterance(words, "gather1"), a_deadline())
    await asyncio.sleep(for_s)


async def test_a_reply_that_was_begun_early_is_heard_earlier(virtual_time: VirtualTime) -> None:
    model, events = ScriptedClient(reply="Which unit are you in?", first_s=1.0), list[Event]()

    async with a_brain(model, events=events, hedge_share=1.0) as brain:
        call = await picked_up(brain)
        await understood(brain, call, "my sink leaks", for_s=SETTLED_S + 0.8)
        live = await brain.calls.hear(call, an_utterance("My sink leaks.", "gather1"), a_deadline())
        chunks = await chunks_of(live)

    assert [chunk.text for chunk in chunks] == ["Which unit are you in?"]
    assert live.turn.timing.ttfc_ms == pytest.approx(200, abs=1)
    assert len(model.asked) == 1
    assert [event.why for event in events if isinstance(event, RouteAsked)] == [Why.AHEAD]
    assert live.turn.said == "My sink leaks."


async def test_what_was_written_before_the_last_word_is_not_lost(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Which unit are you in? I will send somebody.", every_s=0.1)

    async with a_brain(model, hedge_share=1.0) as brain:
        call = await picked_up(brain)
        await understood(brain, call, "my sink leaks", for_s=5.0)
        live = await brain.calls.hear(call, an_utterance("My sink leaks.", "gather1"), a_deadline())
        heard = await words_of(live)

    assert heard == "Which unit are you in? I will send somebody."
    assert live.turn.timing.total_ms == pytest.approx(0, abs=1)


async def test_other_words_get_a_reply_of_their_own(virtual_time: VirtualTime) -> None:
    model, events = ScriptedClient(reply=["For the sink.", "For the key."], first_s=1.0), list[Event]()

    async with a_brain(model, events=events, hedge_share=1.0) as brain:
        call = await picked_up(brain)
        await understood(brain, call, "my sink leaks", for_s=0.5)
        live = await brain.calls.hear(call, an_utterance("My sink leaks no more.", "gather1"), a_deadline())
        heard = await words_of(live)

    assert heard == "For the key."
    assert model.cancelled == 1
    assert [message.text for message in model.asked[1].messages][1:] == ["My sink leaks no more."]
    assert [event.route for event in events if isinstance(event, RouteCancelled)] == ["scripted"]


async def test_words_that_still_change_begin_nothing(virtual_time: VirtualTime) -> None:
    model = ScriptedClient()

    async with a_brain(model, hedge_share=1.0) as brain:
        call = await picked_up(brain)
        for words in ("my", "my sink", "my sink leaks"):
            await understood(brain, call, words, for_s=SETTLED_S / 2)
        asked_while_speaking = len(model.asked)
        await understood(brain, call, "My sink leaks.", for_s=SETTLED_S)

    assert asked_while_speaking == 0
    assert len(model.asked) == 1


async def test_who_pauses_after_every_word_does_not_cost_a_reply_each(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(first_s=9.0)

    async with a_brain(a_route(model, is_local=True)) as brain:
        call = await picked_up(brain)
        for count in range(1, 8):
            await understood(brain, call, " ".join(["well"] * count))

    assert len(model.asked) == MOST_BEGUN


async def test_replies_for_nothing_leave_a_slow_turn_its_hedge(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(first_s=9.0)

    async with a_brain(model, hedge_share=0.1) as brain:
        call = await picked_up(brain)
        await understood(brain, call, "my")
        asked_at_first = len(model.asked)
        for _ in range(15):  # turns
            call.purse.earn()
        for words in ("my sink", "my sink leaks", "my sink leaks again"):
            await understood(brain, call, words)
        can_hedge = call.purse.can_pay

    assert asked_at_first == 0
    assert len(model.asked) == 1
    assert can_hedge


async def test_a_tool_that_was_asked_for_early_runs_when_the_caller_has_finished(
    virtual_time: VirtualTime,
) -> None:
    wanted = ToolCall("call_1", "ticket", '{"unit": "4B", "problem": "The sink leaks."}')
    model = ScriptedClient(reply="It is noted.", tool_calls=(wanted,))

    async with a_brain(model, hedge_share=1.0) as brain:
        call = await picked_up(brain)
        await understood(brain, call, "my sink in 4b leaks", for_s=3.0)
        used_while_speaking = list(call.tool_answers)
        live = await brain.calls.hear(call, an_utterance("My sink in 4B leaks.", "gather1"), a_deadline())
        heard = await words_of(live)

    assert used_while_speaking == []
    assert len(call.tool_answers) == 1
    assert heard == "It is noted."


async def test_a_route_that_failed_early_is_followed_by_the_next_at_once(virtual_time: VirtualTime) -> None:
    broken = ScriptedClient("broken", fails=RouteDown("route 'broken' answered 502"))
    sound = ScriptedClient("sound", reply="Which unit?")

    async with a_brain(broken, sound, hedge_share=1.0) as brain:
        call = await picked_up(brain)
        await understood(brain, call, "my sink leaks")
        live = await brain.calls.hear(call, an_utterance("My sink leaks.", "gather1"), a_deadline())
        heard = await words_of(live)

    assert heard == "Which unit?"
    assert live.turn.timing.ttfc_ms == pytest.approx(0, abs=1)


async def test_a_host_that_sleeps_is_woken_by_the_first_words(virtual_time: VirtualTime) -> None:
    model = ScriptedClient()
    route = a_route(model)

    async with a_brain(route, hedge_share=0.0) as brain:
        call = await picked_up(brain)
        await asyncio.sleep(60.0)
        route.warmth.saw(Health("cold"))
        woken_before = model.woken
        for words in ("my", "my sink", "my sink leaks"):
            await understood(brain, call, words, for_s=0.2)

    assert model.woken == woken_before + 1
    assert len(model.asked) == 0


async def test_a_caller_who_hangs_up_in_the_middle_stops_what_was_begun(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(hangs=True)

    async with a_brain(model, hedge_share=1.0) as brain:
        call = await picked_up(brain)
        await understood(brain, call, "my sink")
        await brain.calls.hang_up(call.call_id, "completed")
        await asyncio.sleep(0)
        cancelled = model.cancelled

    assert cancelled == 1
    assert call.thread.turns == []


async def test_a_reply_begun_early_says_nothing_of_a_routes_pace(virtual_time: VirtualTime) -> None:
    route = a_route(ScriptedClient(first_s=1.0))

    async with a_brain(route, hedge_share=1.0) as brain:
        call = await picked_up(brain)
        await understood(brain, call, "my sink leaks", for_s=3.0)
        live = await brain.calls.hear(call, an_utterance("My sink leaks.", "gather1"), a_deadline())
        await words_of(live)

    assert route.latency.p95_s("clause", 7.0) == 7.0
