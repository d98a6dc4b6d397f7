"""The ladder of one turn on played time: who is asked, when and why, and who is heard."""

from __future__ import annotations

import asyncio

import pytest

from tests.builders import a_brain, a_deadline, a_route, an_utterance, chunks_of
from tests.conftest import VirtualTime
from voice.brain import Brain
from voice.errors import RouteDown
from voice.events import Event, RouteCancelled, RouteChanged
from voice.models.base import Health
from voice.models.scripted import ScriptedClient
from voice.routing.table import Price
from voice.types import CallId, Chunk, ChunkKind, Door, Finish, Outcome, Turn, Usage, Why

C1 = CallId("c1")
USUAL = (0.2, 0.2, 0.2, 0.2, 0.3)  # a route that is quick nearly always: its p95 is 0.3 s
COLD = Health("cold", "the job waits in the queue")


async def turn_of(
    brain: Brain, words: str = "My sink leaks.", call_id: CallId = C1
) -> tuple[Turn, list[Chunk]]:
    call = await brain.calls.pick_up(call_id, Door.CHAT)
    live = await brain.calls.hear(call, an_utterance(words), a_deadline())
    return live.turn, await chunks_of(live)


def asked(turn: Turn) -> list[tuple[str, Why, float]]:
    return [(rung.route, rung.why, round(rung.asked_ms)) for rung in turn.rungs]


async def test_a_route_silent_for_longer_than_its_p95_is_hedged(virtual_time: VirtualTime) -> None:
    slow = a_route(ScriptedClient("slow", hangs=True), usually_s=USUAL)
    quick = a_route(ScriptedClient("quick", "Which unit?", first_s=0.1), usually_s=(0.1,))

    async with a_brain(slow, quick) as brain:
        turn, chunks = await turn_of(brain)

    assert asked(turn) == [("slow", Why.FIRST, 0), ("quick", Why.HEDGE, pytest.approx(300, abs=7))]
    assert [chunk.text for chunk in chunks] == ["Which unit?"]
    assert turn.timing.ttfc_ms == pytest.approx(400, abs=7)  # not held: the first is unlikely to come now


async def test_a_hedge_is_held_back_while_the_better_route_is_likely_to_come(
    virtual_time: VirtualTime,
) -> None:
    often_slow = a_route(
        ScriptedClient("better", "Which unit is it?", first_s=0.8), usually_s=(0.2,) * 18 + (0.8, 0.8)
    )
    quick = a_route(ScriptedClient("lower", "Unit?", first_s=0.05), usually_s=(0.05,))

    async with a_brain(often_slow, quick) as brain:
        better = often_slow.latency
        for _ in range(300):  # all that is slow arrives by 0.8 s
            better.saw("clause", 0.8)
        turn, chunks = await turn_of(brain)

    assert [chunk.text for chunk in chunks] == ["Which unit is it?"]
    assert [rung.outcome for rung in turn.rungs if rung.route == "better"] == [Outcome.WON]


async def test_the_embedded_model_is_asked_so_late_that_it_still_lands(virtual_time: VirtualTime) -> None:
    hangs = a_route(ScriptedClient("remote", hangs=True), usually_s=(1.6,))
    local = a_route(ScriptedClient("embedded", first_s=0.1), usually_s=(0.15,), is_local=True)

    async with a_brain(hangs, local) as brain:
        turn, _ = await turn_of(brain)

    assert asked(turn) == [("remote", Why.FIRST, 0), ("embedded", Why.DUE, pytest.approx(1000, abs=5))]


async def test_the_embedded_answer_waits_behind_a_filler_for_a_remote_that_is_predicted(
    virtual_time: VirtualTime,
) -> None:
    remote = a_route(
        ScriptedClient("remote", "Let us send a plumber.", first_s=1.9), usually_s=(1.8, 1.9, 2.0)
    )
    local = a_route(ScriptedClient("embedded", "Which unit?"), usually_s=(0.1,), is_local=True)

    async with a_brain(remote, local) as brain:
        turn, chunks = await turn_of(brain)

    assert [chunk.kind for chunk in chunks] == [ChunkKind.FILLER, ChunkKind.REPLY]
    assert turn.route == "remote"
    assert turn.timing.ttfc_ms == pytest.approx(1150)
    assert turn.rungs[1].outcome is Outcome.LOST
    assert turn.rungs[1].wrote == "Which unit?"  # kept: it is what another model would have said


async def test_the_embedded_model_speaks_when_the_remote_one_is_not_to_be_expected(
    virtual_time: VirtualTime,
) -> None:
    hangs = a_route(ScriptedClient("remote", hangs=True), usually_s=USUAL)
    local = a_route(ScriptedClient("embedded", "Which unit?", first_s=0.1), usually_s=(0.1,), is_local=True)

    async with a_brain(hangs, local) as brain:
        turn, chunks = await turn_of(brain)

    assert [(chunk.kind, chunk.text) for chunk in chunks] == [(ChunkKind.REPLY, "Which unit?")]
    assert turn.route == "embedded"
    assert turn.timing.ttfc_ms is not None
    assert turn.timing.ttfc_ms < 600


async def test_no_filler_is_said_just_before_an_answer(virtual_time: VirtualTime) -> None:
    near = a_route(ScriptedClient("remote", "A plumber comes.", first_s=1.3), usually_s=(1.3, 1.35))
    local = a_route(ScriptedClient("embedded", "Which unit?"), usually_s=(0.1,), is_local=True)

    async with a_brain(near, local) as brain:
        turn, chunks = await turn_of(brain)

    assert [chunk.kind for chunk in chunks] == [ChunkKind.REPLY]
    assert turn.route == "embedded"


async def test_a_job_that_waits_in_the_queue_is_not_waited_for(virtual_time: VirtualTime) -> None:
    events: list[Event] = []
    cold = a_route(ScriptedClient("runpod", hangs=True, told=COLD))
    local = a_route(ScriptedClient("embedded", "Which unit?", first_s=0.1), is_local=True)

    async with a_brain(cold, local, events=events) as brain:
        turn, _ = await turn_of(brain)
        second, _ = await turn_of(brain, "Are you there?")

    assert turn.timing.ttfc_ms == pytest.approx(100)
    assert RouteChanged("runpod", "cold", COLD.detail) in events
    assert asked(second) == [("embedded", Why.FIRST, 0)]  # asleep: the second voice until it is warm
    assert cold.client.woken > 0  # type: ignore[attr-defined]  # and woken meanwhile


async def test_a_sleeping_route_is_asked_when_nobody_else_answers(virtual_time: VirtualTime) -> None:
    cold = a_route(ScriptedClient("runpod", "Which unit?", told=COLD))
    down = a_route(ScriptedClient("llm", hangs=True))
    cold.warmth.saw(COLD)

    async with a_brain(cold, down) as brain:
        turn, chunks = await turn_of(brain)

    assert [name for name, _, _ in asked(turn)] == ["llm", "runpod"]
    assert chunks[-1].text == "Which unit?"
    assert not cold.warmth.is_asleep  # it has answered


async def test_losers_are_cancelled_at_the_winners_first_word(virtual_time: VirtualTime) -> None:
    events: list[Event] = []
    slow = a_route(loser := ScriptedClient("slow", hangs=True), usually_s=USUAL)
    quick = a_route(ScriptedClient("quick", "Which unit? And when?", every_s=0.1), usually_s=(0.1,))

    async with a_brain(slow, quick, events=events) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
        live = await brain.calls.hear(call, an_utterance(), a_deadline())
        async for _ in live.listen():
            await asyncio.sleep(0.01)
            break
        assert loser.cancelled == 1
        assert [event.route for event in events if isinstance(event, RouteCancelled)] == ["slow"]
        await live.settled()

    rung = live.turn.rungs[0]
    assert rung.was_cancelled
    assert rung.outcome is Outcome.LOST


async def test_only_a_share_of_turns_is_paid_twice(virtual_time: VirtualTime) -> None:
    slow = a_route(ScriptedClient("slow", "Slow unit?", first_s=1.0), usually_s=USUAL, price=Price())
    quick = a_route(ScriptedClient("quick", "Which unit?", first_s=0.05), usually_s=(0.05,))
    local = a_route(ScriptedClient("embedded", "Unit?"), usually_s=(0.1,), is_local=True)

    async with a_brain(slow, quick, local, hedge_share=0.1) as brain:
        turns = []
        for number in range(60):
            for _ in range(100):
                slow.latency.saw("clause", 0.2)  # it stays what it was learned to be
            slow.breaker.succeeded()
            turns.append((await turn_of(brain, "Hello?", CallId(f"c{number}")))[0])

    paid_twice = [turn for turn in turns if {"slow", "quick"} <= {rung.route for rung in turn.rungs}]
    assert 4 <= len(paid_twice) <= 7  # a tenth of sixty, and the one that is given at the start
    assert all(turn.timing.ttfc_ms is not None and turn.timing.ttfc_ms <= 1200 for turn in turns)


async def test_with_no_share_a_second_paid_route_is_asked_only_where_nobody_else_is_left(
    virtual_time: VirtualTime,
) -> None:
    hangs = a_route(ScriptedClient("slow", hangs=True), usually_s=USUAL)
    quick = a_route(ScriptedClient("quick", "Which unit?", first_s=0.05), usually_s=(0.05,))

    async with a_brain(hangs, quick, hedge_share=0.0) as brain:
        turn, chunks = await turn_of(brain)

    assert asked(turn)[1] == ("quick", Why.DUE, pytest.approx(1150, abs=5))  # nothing else has come
    assert [chunk.kind for chunk in chunks] == [ChunkKind.FILLER, ChunkKind.REPLY]


async def test_a_route_nearly_as_slow_as_the_deadline_is_far_is_not_paid_for_at_once(
    virtual_time: VirtualTime,
) -> None:
    first = a_route(ScriptedClient("first", "Which unit?", first_s=0.5), usually_s=(0.2,) * 17 + (1.1,) * 3)
    second = a_route(ScriptedClient("second", first_s=1.0), usually_s=(0.9, 1.1))

    async with a_brain(first, second) as brain:
        turn, _ = await turn_of(brain)

    assert asked(turn)[1:] == [("second", Why.DUE, pytest.approx(200, abs=6))]  # after the first one's median


async def test_a_turn_keeps_what_each_route_cost(virtual_time: VirtualTime) -> None:
    told = Finish("stop", Usage(1000, 50), queued_s=0.04, busy_s=0.5)
    paid = a_route(
        ScriptedClient("runpod", "Which unit?", finish=told),
        price=Price(usd_per_hour=3.6, usd_per_1m_prompt=1.0),
    )

    async with a_brain(paid) as brain:
        turn, _ = await turn_of(brain)

    rung = turn.rungs[0]
    assert rung.queued_ms == 40
    assert rung.cost_usd == pytest.approx(0.5 * 0.001 + rung.usage.prompt_tokens / 1e6)
    assert turn.cost_usd == rung.cost_usd


async def test_what_was_learned_of_a_route_follows_its_replies(virtual_time: VirtualTime) -> None:
    route = a_route(ScriptedClient("one", "Which unit are you in?", first_s=0.4))

    async with a_brain(route) as brain:
        for number in range(20):
            await turn_of(brain, call_id=CallId(f"c{number}"))

    assert route.latency.p95_s("token", 9.0) == pytest.approx(0.4, rel=0.05)
    assert route.latency.is_learned("whole")


async def test_a_caller_who_hangs_up_leaves_a_whole_record(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient("one", "Which unit? And when?", every_s=0.5)) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
        live = await brain.calls.hear(call, an_utterance(), a_deadline())
        await asyncio.sleep(1.2)
        await brain.calls.hang_up(C1, "customer-ended-call")

    rung = live.turn.rungs[0]
    assert (rung.outcome, rung.was_cancelled) == (Outcome.WON, True)
    assert rung.wrote == "Which unit? And"
    assert rung.ended_ms == pytest.approx(1200)


async def test_a_caller_who_cuts_in_after_the_deadline_does_not_make_a_route_slow(
    virtual_time: VirtualTime,
) -> None:
    slow = a_route(ScriptedClient("one", first_s=1.45), usually_s=(1.4, 1.45))

    async with a_brain(slow) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
        for number in range(4):
            live = await brain.calls.hear(call, an_utterance(f"My sink leaks, {number}."), a_deadline())
            await asyncio.sleep(1.3)

    assert live.turn.rungs[0].error is None
    assert not slow.breaker.rests(virtual_time.loop.time())


async def test_a_hedge_is_not_blamed_before_its_own_usual_time(virtual_time: VirtualTime) -> None:
    first = a_route(ScriptedClient("first", "Which unit?", first_s=1.1))
    second = a_route(ScriptedClient("second", first_s=0.9), usually_s=(0.9, 0.95))

    async with a_brain(first, second) as brain:
        turn, _ = await turn_of(brain)

    assert turn.rungs[1].outcome is Outcome.LOST
    assert turn.rungs[1].error is None


async def test_a_host_that_refuses_to_tell_how_it_is_is_asked_first_all_the_same(
    virtual_time: VirtualTime,
) -> None:
    remote = a_route(ScriptedClient("llm", "Which unit?"))
    local = a_route(ScriptedClient("embedded"), is_local=True)
    remote.warmth.saw(Health("refused", "it lists no models"))

    async with a_brain(remote, local) as brain:
        turn, _ = await turn_of(brain)

    assert turn.route == "llm"


async def test_a_local_route_that_rests_is_asked_rather_than_nobody(virtual_time: VirtualTime) -> None:
    hangs = a_route(ScriptedClient("remote", hangs=True))
    local = a_route(ScriptedClient("embedded", "Which unit?", first_s=0.1), is_local=True)

    async with a_brain(hangs, local) as brain:
        for _ in range(3):
            local.breaker.failed(virtual_time.loop.time())
        _, chunks = await turn_of(brain)

    assert chunks[-1].text == "Which unit?"


async def test_when_a_route_begins_to_rest_and_answers_again_is_told(virtual_time: VirtualTime) -> None:
    events: list[Event] = []
    fails = ScriptedClient("one", fails=RouteDown("gone"))

    async with a_brain(fails, events=events) as brain:
        for _ in range(3):
            await turn_of(brain)

    resting = [event for event in events if isinstance(event, RouteChanged) and event.state == "resting"]
    assert ["gone" in event.detail for event in resting] == [True]


async def test_the_tokens_of_every_route_asked_are_counted(virtual_time: VirtualTime) -> None:
    async with a_brain(
        a_route(ScriptedClient("slow", hangs=True), usually_s=USUAL), ScriptedClient("two", "Which unit?")
    ) as brain:
        turn, _ = await turn_of(brain)

    assert turn.usage.completion_tokens == sum(rung.usage.completion_tokens for rung in turn.rungs) == 2
