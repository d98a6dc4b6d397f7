"""What the model asks for is done once, told in words, and written down step by step."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.builders import a_brain, a_deadline, an_utterance, chunks_of, words_of
from tests.conftest import VirtualTime
from tests.voice.tools.host import a_host, saying
from voice.brain import Brain
from voice.call import Call
from voice.clock import Deadline
from voice.models.scripted import ScriptedClient
from voice.store.memory import MemoryStore
from voice.threads.journal import Used, journal, lines
from voice.tools.base import ToolUse
from voice.turn.act import accepted_in, answer_tool
from voice.types import Action, CallId, Door, Effect, Finish, Hear, Message, Prompt, ToolCall, ToolSpec

C1 = CallId("c1")
ALL = frozenset(Action)
TICKET = ToolCall("call_0", "ticket", '{"issue": "leak"}')
VISIT = ToolCall("call_1", "book_visit", '{"day": "friday"}')
BOOKS = ToolSpec("book_visit", "Books a visit.", {"type": "object"})
END = ToolCall("call_0", "end_call", "{}")
OFFICE = ToolCall("call_0", "transfer", '{"target": "office"}')
SAM = """
name = "sam"
persona = "You are Sam."
greeting = "Hello."
goodbye = "Goodbye from Sam."
fallbacks = ["Once more, please?"]
fillers = ["One moment, let me look into that."]
"""


class Slow:
    """A ticket tool that takes its time."""

    spec = ToolSpec("ticket", "slow", {"type": "object"})
    action = None

    def __init__(self) -> None:
        self.uses = 0

    async def use(self, use: ToolUse) -> str:
        self.uses += 1
        await asyncio.sleep(1.0)
        return f"Ticket {self.uses} is open."


class Scripted(ScriptedClient):
    """Each reply in turn: words, and what is asked for with them; the last one from then on."""

    def __init__(self, *replies: tuple[str, tuple[ToolCall, ...]]) -> None:
        super().__init__()
        self._replies = list(replies)

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        self.asked.append(prompt)
        words, wanted = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        hear(words)
        return Finish("tool_calls" if wanted else "stop", tool_calls=wanted)


class Insists(ScriptedClient):
    """Asks for its tool in every turn, and answers when the tool has."""

    def __init__(self, wanted: ToolCall, reply: str, first_s: float) -> None:
        super().__init__(reply=reply, first_s=first_s)
        self._wanted, self._takes_s = wanted, first_s

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        if prompt.messages[-1].role == "tool":
            return await super().write(prompt, deadline, hear)
        await asyncio.sleep(self._takes_s)
        return Finish("tool_calls", tool_calls=(self._wanted,))


def a_folder(tmp_path: Path, text: str) -> Path:
    (tmp_path / "sam.toml").write_text(SAM + text, encoding="utf-8")
    return tmp_path


async def picked_up(brain: Brain, actions: frozenset[Action] = ALL) -> Call:
    call = await brain.calls.pick_up(C1, Door.CHAT, caller="+14155550100")
    call.actions = actions
    return call


async def journal_of(brain: Brain) -> list[Used]:
    stored = await brain.store.find(C1)
    assert stored is not None
    return journal(stored.notes)


def steps(use: Used) -> list[bool]:
    return [on is not None for on in (use.asked_on, use.ran_on, use.answered_on, use.accepted_on)]


async def test_every_step_of_a_tool_is_written_down(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient(reply="It is written down.", tool_calls=(TICKET,))) as brain:
        call = await picked_up(brain)
        await words_of(await brain.calls.hear(call, an_utterance(), a_deadline()))
        uses = await journal_of(brain)

    assert [(use.id, use.name, use.arguments, use.ok) for use in uses] == [
        ("0.0", "ticket", '{"issue": "leak"}', True)
    ]
    assert steps(uses[0]) == [True, True, True, True]
    assert (uses[0].answer or "").endswith("is open: leak.")
    assert lines(uses)[0].startswith("ticket (0.0): asked ")


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        (ToolCall("1", "fly", "{}"), "There is no tool called fly."),
        (ToolCall("1", "ticket", "{not json"), "The arguments are not JSON."),
        (ToolCall("1", "ticket", "[" * 100_000), "The arguments are not JSON."),
        (ToolCall("1", "ticket", "[]"), "The arguments must be a JSON object."),
    ],
)
async def test_what_never_ran_is_not_said_to_have_run(
    virtual_time: VirtualTime, wanted: ToolCall, answer: str
) -> None:
    async with a_brain(ScriptedClient(reply="I could not do that.", tool_calls=(wanted,))) as brain:
        call = await picked_up(brain)
        await words_of(await brain.calls.hear(call, an_utterance(), a_deadline()))
        (use,) = await journal_of(brain)

    assert (use.ok, use.answer) == (False, answer)
    assert steps(use) == [True, False, True, True]


async def test_a_tool_that_crashes_has_run_and_its_model_is_told_so(virtual_time: VirtualTime) -> None:
    class Broken:
        spec = ToolSpec("ticket", "breaks", {"type": "object"})
        action = None

        async def use(self, use: ToolUse) -> str:
            raise RuntimeError("secret")

    async with a_brain(ScriptedClient(reply="I am sorry.", tool_calls=(TICKET,))) as brain:
        call = await picked_up(brain)
        call.tools = {"ticket": Broken()}
        await words_of(await brain.calls.hear(call, an_utterance(), a_deadline()))
        (use,) = await journal_of(brain)

    assert (use.ok, use.answer) == (False, "The tool did not work. Offer the caller a call back.")
    assert use.ran_on is not None


async def test_a_tool_of_a_turn_that_began_anew_acts_once(virtual_time: VirtualTime) -> None:
    model, tool = Insists(TICKET, "It is done.", first_s=0.1), Slow()
    async with a_brain(model) as brain:
        call = await picked_up(brain)
        call.tools = {"ticket": tool}
        stopped = await brain.calls.hear(call, an_utterance("My sink leaks"), a_deadline())
        await asyncio.sleep(0.5)
        again = await brain.calls.hear(call, an_utterance("My sink leaks in the kitchen"), a_deadline())
        told = await words_of(again)
        await words_of(stopped)

    assert told.endswith("It is done.")
    assert tool.uses == 1


async def test_what_a_killed_process_has_done_is_not_done_again(virtual_time: VirtualTime) -> None:
    store = MemoryStore()
    async with a_brain(Insists(TICKET, "It is written.", first_s=0.3), store=store) as brain:
        call = await picked_up(brain)
        await brain.calls.hear(call, an_utterance(), a_deadline())
        await asyncio.sleep(0.4)  # the tool has answered, the caller has heard nothing of it
        brain.calls.hurry()
    async with a_brain(Insists(TICKET, "It is written.", first_s=0.3), store=store) as brain:
        told = await words_of(await brain.calls.hear(await picked_up(brain), an_utterance(), a_deadline()))
        stored = await store.find(C1)
        uses = await journal_of(brain)

    assert told == "It is written."
    assert stored is not None
    assert len([note for note in stored.notes if note.kind == "ticket"]) == 1
    assert [use.id for use in uses] == ["0.0"]


async def test_the_caller_is_put_through_to_whom_the_agents_file_names(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    target = '[transfer.office]\nnumber = "+14155550123"\nfor = "Rent."\nsay = "**One** moment."\n'
    folder = a_folder(tmp_path, f'tools = ["transfer"]\n{target}')

    async with a_brain(ScriptedClient(tool_calls=(OFFICE,)), agents_dir=folder, agent="sam") as brain:
        call = await picked_up(brain)
        live = await brain.calls.hear(call, an_utterance("Put me through."), a_deadline())
        told = await words_of(live)
        accepted_in(call, live.turn)
        (use,) = await journal_of(brain)

    assert live.turn.effect == Effect(Action.TRANSFER, to="+14155550123", say="One moment.")
    assert told == "One moment."
    assert (use.ok, use.answer) == (True, "transfer is being done.")
    assert use.accepted_on is not None


async def test_what_a_line_cannot_do_is_not_said_to_be_done(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    folder = a_folder(tmp_path, 'tools = ["end_call"]\n')
    model = ScriptedClient(reply="Then goodbye.", tool_calls=(END,))

    async with a_brain(model, agents_dir=folder, agent="sam") as brain:
        call = await picked_up(brain, frozenset())
        live = await brain.calls.hear(call, an_utterance("Goodbye."), a_deadline())
        told = await words_of(live)
        (use,) = await journal_of(brain)

    assert live.turn.effect is None
    assert told == "Then goodbye."
    assert use.answer == "That cannot be done on this line. Offer the caller a call back."


@pytest.mark.parametrize(
    ("said", "ends"), [("Okay, goodbye.", True), ("No, thanks.", True), ("My heating is off.", False)]
)
async def test_a_model_hangs_up_only_on_a_caller_who_takes_their_leave(
    virtual_time: VirtualTime, tmp_path: Path, said: str, ends: bool
) -> None:
    folder = a_folder(tmp_path, 'tools = ["end_call"]\n')
    model = ScriptedClient(reply="Is there anything else?", tool_calls=(END,))

    async with a_brain(model, agents_dir=folder, agent="sam") as brain:
        call = await picked_up(brain)
        brain.calls.greet(call, "Hello. Is there anything else?")
        live = await brain.calls.hear(call, an_utterance(said), a_deadline())
        told = await words_of(live)

    assert (live.turn.effect is not None) is ends
    assert told == ("Goodbye from Sam." if ends else "Is there anything else?")


async def test_a_refusal_to_hang_up_does_not_outlast_the_words_it_was_for(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    folder = a_folder(tmp_path, 'tools = ["end_call"]\n')
    model = Insists(END, "Anything else?", first_s=0.3)

    async with a_brain(model, agents_dir=folder, agent="sam") as brain:
        call = await picked_up(brain)
        stopped = await brain.calls.hear(call, an_utterance("My sink is fine"), a_deadline())
        await asyncio.sleep(0.4)
        live = await brain.calls.hear(call, an_utterance("My sink is fine. Goodbye."), a_deadline())
        told = await words_of(live)
        await words_of(stopped)
        uses = await journal_of(brain)

    assert [use.ok for use in uses] == [False, True]
    assert live.turn.effect is not None
    assert told == "Goodbye from Sam."


async def test_a_platform_that_repeats_our_answer_has_accepted_it(virtual_time: VirtualTime) -> None:
    wanted = ToolCall("call_7", "ticket", '{"issue": "leak"}')

    async with a_brain(ScriptedClient(reply="It is written down.")) as brain:
        call = await picked_up(brain)
        answers = {await answer_tool(call, wanted, wanted.id) for _ in range(2)}
        before = await journal_of(brain)
        history = [Message("assistant", "", (wanted,)), Message("tool", answers.pop(), tool_call_id="call_7")]  # type: ignore[arg-type]  # it is text
        await words_of(await brain.calls.hear(call, an_utterance(), a_deadline(), history))
        after = await journal_of(brain)

    assert answers == set()
    assert [steps(use) for use in before] == [[True, True, True, False]]
    assert [steps(use) for use in after] == [[True, True, True, True]]


async def test_a_request_from_an_agents_file_is_made_inside_the_turn(tmp_path: Path) -> None:
    async with a_host(saying('{"next": "Friday at nine"}')) as host:
        folder = a_folder(
            tmp_path,
            f"""
tools = ["visits"]
http_private_hosts = ["127.0.0.1:{host.port}"]
[[http_tools]]
name = "visits"
description = "When somebody comes to a unit."
url = "{host.url}/units/{{unit}}"
[http_tools.parameters]
type = "object"
required = ["unit"]
properties.unit = {{type = "string"}}
""",
        )
        wanted = ToolCall("call_0", "visits", '{"unit": "4B"}')
        model = ScriptedClient(reply="On Friday at nine.", tool_calls=(wanted,))
        async with a_brain(model, agents_dir=folder, agent="sam") as brain:
            call = await picked_up(brain)
            chunks = await chunks_of(await brain.calls.hear(call, an_utterance(), a_deadline()))
            (use,) = await journal_of(brain)

    assert chunks[-1].text == "On Friday at nine."
    assert [asked.target for asked in host.asked] == ["/units/4B"]
    assert (use.ok, use.answer) == (True, '{"next": "Friday at nine"}')
    assert model.asked[0].tools[0].name == "visits"


async def test_a_tool_acts_once_though_the_caller_had_heard_words_before_it_and_spoke_on(
    virtual_time: VirtualTime,
) -> None:
    tool = Slow()
    asks = ("Let me write that down.", (TICKET,))

    async with a_brain(Scripted(asks, asks, ("It is done.", ()))) as brain:
        call = await picked_up(brain)
        call.tools = {"ticket": tool}
        stopped = await brain.calls.hear(call, an_utterance("My sink leaks"), a_deadline())
        await asyncio.sleep(0.5)
        again = await brain.calls.hear(call, an_utterance("In the kitchen."), a_deadline())
        told = await words_of(again)

    assert stopped.turn.was_heard == "Let me write that down."
    assert told.endswith("It is done.")
    assert tool.uses == 1


async def test_what_the_caller_wants_again_after_hearing_of_it_is_done_again(
    virtual_time: VirtualTime,
) -> None:
    class Hangs(Scripted):
        async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
            finish = await super().write(prompt, deadline, hear)
            if not finish.tool_calls and len(self.asked) == 2:
                await asyncio.sleep(3600)
            return finish

    tool, asks = Slow(), ("", (TICKET,))

    async with a_brain(Hangs(asks, ("Ticket one is open. And", ()), asks, ("Two are open.", ()))) as brain:
        call = await picked_up(brain)
        call.tools = {"ticket": tool}
        stopped = await brain.calls.hear(call, an_utterance("Write it down."), a_deadline())
        await asyncio.sleep(3.0)
        again = await brain.calls.hear(call, an_utterance("Another one, please."), a_deadline())
        await words_of(again)

    assert stopped.turn.was_heard
    assert tool.uses == 2


@pytest.mark.parametrize("in_one_reply", [True, False])
async def test_what_a_model_asks_for_twice_in_one_turn_is_done_once(
    virtual_time: VirtualTime, in_one_reply: bool
) -> None:
    tool, same = Slow(), ToolCall("call_9", "ticket", '{"issue":"leak"}')
    asks = [("", (TICKET, same))] if in_one_reply else [("", (TICKET,)), ("", (same,))]

    async with a_brain(Scripted(*asks, ("It is done.", ()))) as brain:
        call = await picked_up(brain)
        call.tools = {"ticket": tool}
        live = await brain.calls.hear(call, an_utterance(), a_deadline())
        await words_of(live)

    assert tool.uses == 1
    assert [one.text for one in live.turn.tools if one.role == "tool"] == ["Ticket 1 is open."] * 2


async def test_a_ticket_asked_for_beside_a_tool_of_the_platform_is_opened(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(tool_calls=(VISIT, TICKET))

    async with a_brain(model) as brain:
        call = await picked_up(brain)
        call.platform_tools = (BOOKS,)
        live = await brain.calls.hear(call, an_utterance(), a_deadline())
        await words_of(live)
        uses = await journal_of(brain)

    assert live.turn.handed == (VISIT,)
    assert [(use.name, use.ok) for use in uses] == [("ticket", True)]
    assert [one.role for one in live.turn.tools] == ["assistant", "tool"]
    assert len(model.asked) == 1


async def test_hanging_up_beside_a_tool_of_the_platform_hangs_up_and_an_exact_repeat_after_a_restart_too(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    folder, store = a_folder(tmp_path, 'tools = ["end_call"]\n'), MemoryStore()
    heard = an_utterance("Okay, goodbye.", key="1.1")
    turns = []

    for model in (ScriptedClient(tool_calls=(END, VISIT)), ScriptedClient(reply="Who is there?")):
        async with a_brain(model, store=store, agents_dir=folder, agent="sam") as brain:
            call = await picked_up(brain)
            call.platform_tools = (BOOKS,)
            live = await brain.calls.hear(call, heard, a_deadline())
            assert await words_of(live) == "Goodbye from Sam."
            turns.append(live.turn)

    assert [turn.effect for turn in turns] == [Effect(Action.END_CALL, say="Goodbye from Sam.")] * 2
    assert [turn.handed for turn in turns] == [(VISIT,)] * 2


@pytest.mark.parametrize("wanted", [ToolCall("call_1", "fly"), ToolCall("call_1", "ticket", "{}")])
async def test_a_call_is_not_hung_up_on_while_something_else_was_not_done(
    virtual_time: VirtualTime, tmp_path: Path, wanted: ToolCall
) -> None:
    folder = a_folder(tmp_path, 'tools = ["end_call", "ticket"]\n')
    model = ScriptedClient(reply="I could not write that down.", tool_calls=(END, wanted))

    async with a_brain(model, agents_dir=folder, agent="sam") as brain:
        call = await picked_up(brain)
        live = await brain.calls.hear(call, an_utterance("Okay, goodbye."), a_deadline())
        told = await words_of(live)
        uses = {use.name: use for use in await journal_of(brain)}

    assert told == "I could not write that down."
    assert live.turn.effect is None
    assert steps(uses["end_call"]) == [True, False, True, True]
    assert (uses["end_call"].ok, uses["end_call"].effect) == (False, None)
    assert [one.tool_call_id for one in model.asked[1].messages[-2:]] == ["call_0", "call_1"]


async def test_a_client_that_names_a_route_runs_its_own_tools_whatever_they_are_called(
    virtual_time: VirtualTime,
) -> None:
    theirs = ToolSpec("ticket", "The client's own.", {"type": "object"})

    async with a_brain(ScriptedClient(tool_calls=(TICKET,))) as brain:
        call = await picked_up(brain)
        call.as_is, call.platform_tools = (Message("user", "Write it down."),), (theirs,)
        live = await brain.calls.hear(call, an_utterance("Write it down."), a_deadline())
        await words_of(live)
        uses = await journal_of(brain)

    assert live.turn.handed == (TICKET,)
    assert uses == []


async def test_a_client_that_names_a_route_has_none_of_our_tools_run(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient(reply="I cannot.", tool_calls=(TICKET,))) as brain:
        call = await picked_up(brain)
        call.as_is = (Message("user", "Write it down."),)
        await words_of(await brain.calls.hear(call, an_utterance("Write it down."), a_deadline()))
        (use,) = await journal_of(brain)

    assert (use.ok, use.answer) == (False, "There is no tool called ticket.")


async def test_a_ticket_is_opened_once_though_the_model_asks_again_when_the_platform_has_run_its_tool(
    virtual_time: VirtualTime,
) -> None:
    tool = Slow()
    told = (Message("assistant", "", (VISIT,)), Message("tool", "Booked.", tool_call_id="call_1"))

    async with a_brain(Scripted(("", (TICKET, VISIT)), ("", (TICKET,)), ("It is done.", ()))) as brain:
        call = await picked_up(brain)
        call.tools, call.platform_tools = {"ticket": tool}, (BOOKS,)
        await words_of(await brain.calls.hear(call, an_utterance(key="1.1"), a_deadline()))
        live = await brain.calls.hear(call, an_utterance(key="1.1+1"), a_deadline(), (), told)
        said = await words_of(live)

    assert said == "It is done."
    assert tool.uses == 1
