"""Live calls: one owner, one live turn, and a thread that outlives the process."""

from __future__ import annotations

import asyncio

import pytest

from tests.builders import AN_ENDLESS_REPLY, a_brain, a_deadline, an_utterance, chunks_of, words_of
from tests.conftest import VirtualTime
from voice.brain import Brain
from voice.call import QUIET_S
from voice.calls import IDLE_S
from voice.errors import LinesBusy, StoreError, UnknownAgent
from voice.events import CallEnded, CallStarted, Event, TurnClosed
from voice.ledger import COMMIT_S, LOOK_UP_S, RECALL_S
from voice.models.scripted import ScriptedClient
from voice.store.base import StoredCall
from voice.store.memory import MemoryStore
from voice.turn.live import LiveTurn
from voice.turns import MAX_UTTERANCE_CHARS
from voice.types import CallId, Door, Ending, Message, ToolCall

C1 = CallId("c1")


async def test_a_call_is_picked_up_once(virtual_time: VirtualTime) -> None:
    events: list[Event] = []
    async with a_brain(ScriptedClient(), events=events) as brain:
        first, second = await asyncio.gather(
            brain.calls.pick_up(C1, Door.VAPI), brain.calls.pick_up(C1, Door.VAPI)
        )

        assert first is second
        assert brain.calls.live == 1
    assert len([event for event in events if isinstance(event, CallStarted)]) == 1


async def test_an_unknown_agent_is_refused(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient()) as brain:
        with pytest.raises(UnknownAgent, match="there are: jamie"):
            await brain.calls.pick_up(C1, Door.CHAT, agent="kim")


async def test_one_call_too_many_is_refused_and_the_others_go_on(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient(reply="Which unit?"), max_calls=1) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)

        with pytest.raises(LinesBusy):
            await brain.calls.pick_up(CallId("c2"), Door.CHAT)
        assert await words_of(await brain.calls.hear(call, an_utterance(), a_deadline())) == "Which unit?"


async def test_newer_words_stop_the_turn_in_flight(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply=["First answer. It goes on.", "Second answer."], every_s=0.3)

    async with a_brain(model) as brain:
        call = await brain.calls.pick_up(C1, Door.VAPI)
        first = await brain.calls.hear(call, an_utterance("My sink"), a_deadline())
        await asyncio.sleep(0.7)
        second = await brain.calls.hear(call, an_utterance("My sink leaks."), a_deadline())
        said_first, said_second = await words_of(first), await words_of(second)

    assert said_first == "First answer."
    assert said_second == "Second answer."
    assert first.turn.ending is Ending.INTERRUPTED
    assert model.cancelled == 1


async def test_an_exact_repeat_joins_the_running_turn(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Which unit?", first_s=0.5)

    async with a_brain(model) as brain:
        call = await brain.calls.pick_up(C1, Door.VAPI)
        first = await brain.calls.hear(call, an_utterance(key="1"), a_deadline())
        again = await brain.calls.hear(call, an_utterance(key="1"), a_deadline())
        brain.calls.leave(call, first)

        assert await words_of(again) == "Which unit?"
    assert len(model.asked) == 1


async def test_a_repeat_of_an_answered_turn_gets_the_stored_answer(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply=["Which unit?", "Another answer."])

    async with a_brain(model) as brain:
        call = await brain.calls.pick_up(C1, Door.GATHER)
        for _ in range(2):
            said = await words_of(await brain.calls.hear(call, an_utterance("Hi.", key="1"), a_deadline()))

        assert said == "Which unit?"
        assert len(call.thread.turns) == 1


async def test_a_caller_may_say_the_same_twice(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient(reply=["When?", "Good."])) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
        said = [
            await words_of(await brain.calls.hear(call, an_utterance("Yes."), a_deadline())) for _ in range(2)
        ]

    assert said == ["When?", "Good."]


async def test_when_the_last_listener_leaves_the_model_is_stopped(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(first_s=5.0)

    async with a_brain(model) as brain:
        call = await brain.calls.pick_up(C1, Door.VAPI)
        live = await brain.calls.hear(call, an_utterance(), a_deadline())
        await asyncio.sleep(0.1)
        brain.calls.leave(call, live)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert model.cancelled == 1
        assert live.finished


async def test_a_hang_up_in_mid_turn_stops_it_and_is_remembered(virtual_time: VirtualTime) -> None:
    events: list[Event] = []
    model = ScriptedClient(first_s=5.0)
    async with a_brain(model, events=events) as brain:
        call = await brain.calls.pick_up(C1, Door.VAPI)
        live = await brain.calls.hear(call, an_utterance(), a_deadline())
        await asyncio.sleep(0.1)
        await brain.calls.hang_up(C1, "customer-ended-call")
        await brain.calls.hang_up(C1, "customer-ended-call")
        stored = await brain.store.find(C1)

        assert live.turn.ending is Ending.HUNG_UP
        assert brain.calls.live == 0
        assert stored is not None
        assert stored.record.ended_reason == "customer-ended-call"
    assert len([event for event in events if isinstance(event, CallEnded)]) == 1


async def test_after_a_restart_the_thread_goes_on(virtual_time: VirtualTime) -> None:
    store, model = MemoryStore(), ScriptedClient(reply=["Which unit?", "Thanks."])
    for words in ("My sink leaks.", "Unit 4B."):
        async with a_brain(model, store=store) as brain:
            call = await brain.calls.pick_up(C1, Door.VAPI)
            await words_of(await brain.calls.hear(call, an_utterance(words), a_deadline()))

    assert [message.text for message in model.asked[1].messages[1:]] == [
        "My sink leaks.",
        "Which unit?",
        "Unit 4B.",
    ]


async def test_a_platforms_history_is_not_stored_twice(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient(reply=["Which unit?", "Thanks."])) as brain:
        call = await brain.calls.pick_up(C1, Door.VAPI)
        await words_of(await brain.calls.hear(call, an_utterance("My sink leaks."), a_deadline()))
        history = [
            Message("assistant", "Hello."),
            Message("user", "my sink leaks"),
            Message("assistant", "which"),
        ]
        await words_of(await brain.calls.hear(call, an_utterance("Unit 4B."), a_deadline(), history))
        stored = await brain.store.find(C1)

    assert stored is not None
    assert [(turn.said, turn.was_heard) for turn in stored.turns] == [
        ("My sink leaks.", "Which unit?"),
        ("Unit 4B.", "Thanks."),
    ]


async def test_a_call_that_nobody_speaks_on_ends_by_itself(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient()) as brain:
        await brain.calls.pick_up(C1, Door.CHAT)
        await asyncio.sleep(IDLE_S + 120)

        assert brain.calls.live == 0


async def test_the_same_tool_call_acts_once(virtual_time: VirtualTime) -> None:
    wanted = ToolCall("call_1", "ticket", '{"issue": "leak"}')

    async with a_brain(ScriptedClient()) as brain:
        answers = {await brain.calls.answer_tool(C1, wanted) for _ in range(2)}
        stored = await brain.store.find(C1)

    assert len(answers) == 1
    assert stored is not None
    assert len([note for note in stored.notes if note.kind == "ticket"]) == 1


class AbsentStore(MemoryStore):
    """A store that cannot be asked, or hangs, while it is away."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away, self.hangs = False, False

    async def find(self, call_id: CallId, *, with_notes: bool = True) -> StoredCall | None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.is_away:
            raise StoreError("the database is gone")
        return await super().find(call_id, with_notes=with_notes)

    async def committed(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()


async def one_turn(brain: Brain, words: str, *, call_id: CallId = C1) -> LiveTurn:
    heard = an_utterance(words)  # at the door, before anything is looked up
    deadline = a_deadline()
    call = await brain.calls.pick_up(call_id, Door.CHAT)
    live = await brain.calls.hear(call, heard, deadline)
    await live.settled()
    return live


async def test_a_database_that_hangs_makes_nobody_wait_past_the_deadline(virtual_time: VirtualTime) -> None:
    store = AbsentStore()
    store.hangs = True

    async with a_brain(ScriptedClient(reply="Which unit?"), store=store) as brain:
        live = await one_turn(brain, "My sink leaks.")

    assert live.turn.spoken == "Which unit?"
    assert live.turn.timing.ttfc_ms == pytest.approx(LOOK_UP_S * 1000)


async def test_a_last_frame_waits_for_a_hanging_commit_only_so_long(virtual_time: VirtualTime) -> None:
    store = AbsentStore()

    async with a_brain(ScriptedClient(reply="Which unit?"), store=store) as brain:
        await one_turn(brain, "My sink leaks.")
        store.hangs = True
        before = virtual_time.elapsed_s
        await one_turn(brain, "Unit 4B.")

    assert virtual_time.elapsed_s - before == pytest.approx(COMMIT_S)


async def test_a_store_that_is_away_for_a_moment_loses_neither_past_nor_present(
    virtual_time: VirtualTime,
) -> None:
    store, model = AbsentStore(), ScriptedClient(reply=["Which unit?", "I see.", "Good."])
    async with a_brain(model, store=store) as brain:
        await one_turn(brain, "My sink leaks.")

    async with a_brain(model, store=store) as brain:
        store.is_away = True
        await one_turn(brain, "Unit 4B.")
        store.is_away = False
        await asyncio.sleep(RECALL_S + 1)
        await one_turn(brain, "Tomorrow.")
        stored = await store.find(C1)

    assert stored is not None
    assert [turn.said for turn in stored.turns] == ["My sink leaks.", "Unit 4B.", "Tomorrow."]
    assert [message.text for message in model.asked[2].messages if message.role == "user"] == [
        "My sink leaks.",
        "Unit 4B.",
        "Tomorrow.",
    ]


async def test_a_line_that_has_been_quiet_is_given_to_the_next_caller(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient(reply="Which unit?"), max_calls=2) as brain:
        await one_turn(brain, "One.", call_id=CallId("quiet"))
        await asyncio.sleep(QUIET_S)
        await one_turn(brain, "Two.", call_id=CallId("busy"))
        await brain.calls.pick_up(C1, Door.VAPI)

        assert brain.calls.get(CallId("quiet")) is None
        assert brain.calls.get(CallId("busy")) is not None


async def test_a_hang_up_while_the_call_is_being_looked_up_is_not_lost(virtual_time: VirtualTime) -> None:
    class SlowStore(MemoryStore):
        async def find(self, call_id: CallId, *, with_notes: bool = True) -> StoredCall | None:
            await asyncio.sleep(0.2)
            return await super().find(call_id, with_notes=with_notes)

    store = SlowStore()
    async with a_brain(ScriptedClient(), store=store) as brain:
        picking = asyncio.create_task(brain.calls.pick_up(C1, Door.VAPI))
        await asyncio.sleep(0.1)
        await brain.calls.hang_up(C1, "customer-ended-call")
        await picking
        stored = await store.find(C1)

        assert brain.calls.live == 0
    assert stored is not None
    assert stored.record.ended_reason == "customer-ended-call"


async def test_a_tool_asked_for_after_the_end_does_not_bring_the_call_back(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient()) as brain:
        await brain.calls.pick_up(C1, Door.VAPI)
        await brain.calls.hang_up(C1, "customer-ended-call")

        answer = await brain.calls.answer_tool(C1, ToolCall("t1", "ticket", '{"issue": "leak"}'))

        assert answer.startswith("Ticket ")
        assert brain.calls.live == 0


async def test_two_requests_for_one_tool_use_at_once_act_once(virtual_time: VirtualTime) -> None:
    wanted = ToolCall("call_1", "ticket", '{"issue": "leak"}')

    async with a_brain(ScriptedClient()) as brain:
        answers = await asyncio.gather(*(brain.calls.answer_tool(C1, wanted) for _ in range(5)))
        stored = await brain.store.find(C1)

    assert len(set(answers)) == 1
    assert stored is not None
    assert len([note for note in stored.notes if note.kind == "ticket"]) == 1


async def test_a_late_retry_of_an_older_turn_stops_nothing(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply=["First answer.", "Second answer."], first_s=0.3)
    async with a_brain(model) as brain:
        call = await brain.calls.pick_up(C1, Door.VAPI)
        await words_of(await brain.calls.hear(call, an_utterance("One.", key="1"), a_deadline()))
        running = await brain.calls.hear(call, an_utterance("Two.", key="2"), a_deadline())
        late = await brain.calls.hear(call, an_utterance("One.", key="1"), a_deadline())

        assert await words_of(late) == "First answer."
        assert await words_of(running) == "Second answer."
        assert [turn.said for turn in call.thread.turns] == ["One.", "Two."]


async def test_whoever_is_in_a_hurry_to_stop_waits_for_no_reply(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient(reply=AN_ENDLESS_REPLY, every_s=0.1)) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
        live = await brain.calls.hear(call, an_utterance(), a_deadline())
        await asyncio.sleep(1.0)

        brain.calls.hurry()

        assert live.finished
        assert live.turn.ending is Ending.HUNG_UP


async def test_a_book_instead_of_an_utterance_is_heard_to_its_first_pages(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Which unit?")

    async with a_brain(model) as brain:
        await one_turn(brain, "word " * 100_000)

    assert len(model.asked[0].messages[-1].text) == MAX_UTTERANCE_CHARS


async def test_fifty_calls_at_once_are_all_answered_in_time(virtual_time: VirtualTime) -> None:
    events: list[Event] = []
    model = ScriptedClient(reply="I see that, thank you. Which unit is it?", first_s=0.3, every_s=0.02)

    async with a_brain(model, events=events) as brain:

        async def one_call(number: int) -> None:
            call = await brain.calls.pick_up(CallId(f"c{number}"), Door.CHAT)
            for _ in range(5):
                await chunks_of(await brain.calls.hear(call, an_utterance(), a_deadline()))

        await asyncio.gather(*(one_call(number) for number in range(50)))

    closed = [event for event in events if isinstance(event, TurnClosed)]
    assert len(closed) == 250
    assert not [event for event in closed if event.late]


async def test_whatever_breaks_when_a_turn_is_kept_its_listener_is_told_of_the_end(
    virtual_time: VirtualTime,
) -> None:
    class Broken(MemoryStore):
        async def committed(self) -> None:
            raise RuntimeError("not a store's error")

    async with a_brain(ScriptedClient(), store=Broken()) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
        live = await brain.calls.hear(call, an_utterance(), a_deadline())
        async with asyncio.timeout(5):
            await live.settled()

    assert live.turn.ending is Ending.ANSWERED
