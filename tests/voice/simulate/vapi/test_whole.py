"""All of Vapi's side: what it tells in which order, requests that are dropped, its voice, tools, orders."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import VirtualTime
from tests.handlers.house import Watched, a_house
from tests.handlers.office import CONNECTING, END, OFFICE, TRANSFER, an_office, who_says
from tests.voice.simulate.test_speaking_over import a_vapi_server, spoken_over
from voice.errors import BadRequest
from voice.models.scripted import ScriptedClient
from voice.simulate.vapi.line import CALM, WHOLE, Play, VapiLine
from voice.simulate.vapi.stream import growing, retold
from voice.store.memory import MemoryStore
from voice.types import CallId, ToolCall

BASE = "http://127.0.0.1:8000/vapi"
TOOLED = CALM  # without --whole, too, an agent hangs up and transfers as on a real line
FIND: dict[str, Any] = {
    "type": "function",
    "function": {"name": "find_slot", "description": "Find a free day.", "parameters": {"type": "object"}},
}


class Vapi:
    """A server in memory that takes everything and says one sentence, after a while."""

    def __init__(
        self,
        after_s: float = 0.0,
        tools: str = "",
        finish: str = "stop",
        words: str = "Which unit?",
        destination: dict[str, Any] | None = None,
    ) -> None:
        self.after_s, self.tools, self.finish, self.words = after_s, tools, finish, words
        self.destination = {"destination": destination} if destination else {}
        self.told: list[dict[str, Any]] = []
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._handle))

    @property
    def kinds(self) -> list[str]:
        return [
            " ".join(str(one[key]) for key in ("type", "status", "role") if key in one) for one in self.told
        ]

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if request.url.path.endswith("/webhook"):
            self.told.append(body["message"])
            if body["message"]["type"].endswith("-destination-request"):
                return httpx.Response(200, json=self.destination)
            return httpx.Response(200, json={"assistant": {"firstMessage": "This is Kim."}})
        self.told.append({"type": "chat"})
        await asyncio.sleep(self.after_s)
        delta = f'"content":"{self.words}","tool_calls":[{self.tools}]'
        frame = f'data: {{"choices":[{{"delta":{{{delta}}},"finish_reason":"{self.finish}"}}]}}\n\n'
        text = f"{frame}data: [DONE]\n\n"
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, text=text)


async def test_a_whole_call_is_told_in_vapis_order(virtual_time: VirtualTime) -> None:
    server = Vapi()
    line = VapiLine(BASE, http=server.http, play=replace(WHOLE, steers=False))

    await line.dial()
    await line.say("My sink leaks.")
    await line.hang_up()

    said = ["transcript assistant", "conversation-update"]
    agent = ["speech-update started assistant", "speech-update stopped assistant", *said]
    assert server.kinds == [
        "assistant-request",
        "status-update queued",
        "status-update ringing",
        "status-update in-progress",
        *agent,
        "speech-update started user",
        "transcript user",
        "speech-update stopped user",
        "transcript user",
        "conversation-update",
        "chat",
        *agent,
        "status-update ended",
        "end-of-call-report",
    ]
    report = server.told[-1]
    assert [one["role"] for one in report["artifact"]["messages"]] == ["bot", "user", "bot"]
    assert report["artifact"]["performanceMetrics"]["turnLatencies"] == [
        {"modelLatency": 0.0, "turnLatency": 0.0}
    ]


@pytest.mark.parametrize(("after_s", "hangs"), [(3.0, 0), (5.0, 1)])
async def test_seconds_without_a_word_are_told_as_hang(
    virtual_time: VirtualTime, after_s: float, hangs: int
) -> None:
    server = Vapi(after_s)
    line = VapiLine(BASE, greeting="", http=server.http, play=Play(tells_all=True))

    await line.say("My sink leaks.")

    assert server.kinds.count("hang") == hangs


async def test_speaking_over_the_agent_is_told_when_the_caller_has_spoken(virtual_time: VirtualTime) -> None:
    server = Vapi(after_s=1.0)
    line = VapiLine(BASE, greeting="", http=server.http, play=Play(tells_all=True))

    await spoken_over(line, "My sink leaks.", after_s=0.5)
    await line.say("Wait.")

    place = server.kinds.index("user-interrupted")
    assert server.kinds[place - 2 : place + 2] == [
        "chat",
        "speech-update started user",
        "user-interrupted",
        "transcript user",
    ]


async def test_a_caller_who_talks_on_has_all_but_the_last_request_dropped(virtual_time: VirtualTime) -> None:
    model, store = ScriptedClient(reply="Which unit are you in?", first_s=0.5), MemoryStore()
    async with a_house(model, store=store) as house:
        line = VapiLine(BASE, greeting="", http=house.http, play=Play(asks=4))
        turn = await line.say("My sink leaks a lot.")
        stored = await store.find(CallId(line.call_id))

    asked = [prompt.messages[-1].text for prompt in model.asked]
    assert asked == ["My sink", "My sink leaks a", "My sink leaks a lot.", "My sink leaks a lot."]
    assert model.cancelled == 3
    assert turn.heard == "Which unit are you in?"
    assert turn.ttfc_ms == pytest.approx(500.0)
    assert stored is not None
    assert [one.said for one in stored.turns if one.was_heard] == ["My sink leaks a lot."]


@pytest.mark.parametrize(
    ("chars", "spoken"),
    [
        (0, [(300.0, "Which unit are you in?"), (2300.0, "I can help.")]),
        (30, [(2300.0, "Which unit are you in? I can help.")]),
    ],
)
async def test_the_voice_waits_until_it_has_enough_to_speak(
    virtual_time: VirtualTime, chars: int, spoken: list[tuple[float, str]]
) -> None:
    server = a_vapi_server()
    line = VapiLine(BASE, greeting="", http=server.http, play=Play(holds_chars=chars))

    turn = await line.say("My sink leaks.")

    assert line.spoken == spoken
    assert turn.ttfc_ms == 300.0


async def test_an_end_call_is_carried_out_once_the_farewell_is_spoken(tmp_path: Path) -> None:
    store, told = MemoryStore(), list[str]()
    async with a_house(who_says("Have a good day.", END), store=store, **an_office(tmp_path)) as house:
        line = VapiLine(BASE, http=house.http, play=TOOLED, told=told.append)
        await line.dial()
        turn = await line.say("Bye.")
        was_over = line.is_over
        await line.hang_up()
        stored = await store.find(CallId(line.call_id))

    assert (turn.heard, was_over, told) == ("Have a good day.", True, ["Vapi hangs up"])
    assert stored is not None
    assert stored.record.ended_reason == "assistant-ended-call"


async def test_a_transfer_asks_the_webhook_whom_to_dial(tmp_path: Path) -> None:
    told: list[str] = []
    async with a_house(who_says("", TRANSFER), **an_office(tmp_path)) as house:
        line = VapiLine(BASE, http=house.http, play=TOOLED, told=told.append)
        await line.dial()
        turn = await line.say("I want to talk to somebody.")

    assert (turn.heard, line.is_over) == (CONNECTING, True)
    assert told == [f"Vapi transfers the call to {OFFICE}"]
    assert (turn.silent, turn.late) == (False, False)


@pytest.mark.parametrize(
    ("tool", "answer", "heard"),
    [
        ({}, {"message": "The office now."}, "The office now."),
        ({}, {"message": {"type": "request-start", "content": "The office now."}}, "The office now."),
        ({"messages": [{"type": "request-start", "content": "One moment."}]}, {}, "One moment."),
        ({"messages": [{"type": "request-start", "content": ""}]}, {}, ""),
        ({}, {}, "Transferring the call now."),
    ],
)
async def test_a_transfer_is_heard_as_vapi_says_it_and_is_not_silent(
    tool: dict[str, Any], answer: dict[str, Any], heard: str
) -> None:
    asked = '{"index":0,"id":"c","function":{"name":"pass_on"}}'
    server = Vapi(tools=asked, finish="tool_calls", words="", destination={"number": OFFICE, **answer})
    passes_on = {"type": "transferCall", "function": {"name": "pass_on"}, **tool}
    assistant = {"model": {"tools": [passes_on]}}
    line = VapiLine(BASE, greeting="", http=server.http, play=TOOLED, assistant=assistant)

    turn = await line.say("Somebody, please.")

    assert (turn.heard, line.is_over) == (heard, True)
    assert (turn.silent, turn.late) == (False, False)


async def test_a_transfer_that_leads_nowhere_is_silent(virtual_time: VirtualTime) -> None:
    asked = '{"index":0,"id":"c","function":{"name":"pass_on"}}'
    server = Vapi(tools=asked, finish="tool_calls", words="")
    assistant = {"model": {"tools": [{"type": "transferCall", "function": {"name": "pass_on"}}]}}
    line = VapiLine(BASE, greeting="", http=server.http, play=TOOLED, assistant=assistant)

    turn = await line.say("Somebody, please.")

    assert (turn.silent, line.is_over) == (True, True)


async def test_a_handoff_asks_the_webhook_who_goes_on(virtual_time: VirtualTime) -> None:
    asked, told = '{"index":0,"id":"c","function":{"name":"handoff_to_sales"}}', list[str]()
    server = Vapi(tools=asked, finish="tool_calls", words="", destination={"assistantId": "asst_2"})
    hands_off = {"type": "handoff", "function": {"name": "handoff_to_sales"}}
    assistant = {"model": {"tools": [hands_off]}}
    line = VapiLine(BASE, greeting="", http=server.http, play=TOOLED, assistant=assistant, told=told.append)

    turn = await line.say("Sales, please.")

    assert (told, turn.silent, line.is_over) == (["Vapi hands the call to asst_2"], False, True)


async def test_words_that_were_held_back_for_a_transfer_are_not_kept_as_heard(tmp_path: Path) -> None:
    store = MemoryStore()
    model = who_says("I will connect you to somebody.", TRANSFER)
    async with a_house(model, store=store, **an_office(tmp_path)) as house:
        line = VapiLine(BASE, http=house.http, play=TOOLED)
        await line.dial()
        turn = await line.say("I want to talk to somebody.")
        await line.hang_up()
        stored = await store.find(CallId(line.call_id))

    assert turn.heard == CONNECTING
    assert stored is not None
    assert stored.turns[0].was_heard == ""


async def test_without_declared_tools_nothing_is_done_to_the_call(tmp_path: Path) -> None:
    async with a_house(who_says("Have a good day.", END), **an_office(tmp_path)) as house:
        line = VapiLine(BASE, http=house.http, play=Play(uses_tools=False))
        await line.dial()
        await line.say("Bye.")

    assert not line.is_over


async def test_a_function_is_run_by_the_webhook_and_its_result_is_told_to_the_model(tmp_path: Path) -> None:
    find = ToolCall("call_1", "find_slot", '{"day": "Friday"}')
    model, told = ScriptedClient(reply="Friday it is.", tool_calls=(find,)), list[str]()
    async with a_house(model, **an_office(tmp_path)) as house:
        assistant = {"model": {"tools": [FIND]}}
        line = VapiLine(
            BASE, greeting="", http=house.http, play=TOOLED, assistant=assistant, told=told.append
        )
        turn = await line.say("Is Friday free?")

    assert (turn.heard, turn.hops) == ("Friday it is.", 2)
    assert told == ["Vapi has run find_slot"]
    assert [(one.role, one.text) for one in model.asked[-1].messages][-1] == (
        "tool",
        "There is no tool called find_slot.",
    )


@pytest.mark.parametrize(
    ("tools", "finish", "why"),
    [
        ('{"index":0,"id":"c","function":{"name":"find_slot"}}', "tool_calls", "does not declare"),
        ('{"index":0,"id":"c","function":{"name":"find_slot"}}', "stop", "the finish_reason is 'stop'"),
    ],
)
async def test_tools_that_vapi_would_not_run_are_refused(tools: str, finish: str, why: str) -> None:
    line = VapiLine(BASE, greeting="", http=Vapi(tools=tools, finish=finish).http)

    with pytest.raises(BadRequest, match=why):
        await line.say("Is Friday free?")


async def test_words_beside_a_transfer_make_vapi_skip_it() -> None:
    tools, told = '{"index":0,"id":"c","function":{"name":"pass_on"}}', list[str]()
    passes_on = {
        "type": "transferCall",
        "destinations": [{"number": OFFICE}],
        "function": {"name": "pass_on"},
    }
    line = VapiLine(
        BASE,
        greeting="",
        http=Vapi(tools=tools, finish="tool_calls").http,
        play=TOOLED,
        assistant={"model": {"tools": [passes_on]}},
        told=told.append,
    )

    await line.say("Somebody, please.")

    assert told == ["Vapi skips the transfer: words stand beside it"]
    assert not line.is_over


class Steered:
    """Hears what becomes of orders."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[str] = asyncio.Queue()

    def __call__(self, words: str) -> None:
        self.told.put_nowait(words)


async def test_orders_reach_the_call_through_its_control_url() -> None:
    store, steered = MemoryStore(), Steered()
    async with a_house(store=store, vapi_control_hosts=("127.0.0.1",)) as house:
        line = VapiLine(BASE, greeting="Hello.", http=house.http, play=Play(steers=True), told=steered)
        await line.dial()
        orders = f"/admin/calls/{line.call_id}"
        said = await house.http.post(f"{orders}/say", json={"text": "The plumber is here."})
        first = await steered.told.get()
        await line.say("Oh, good.")
        await house.http.post(f"{orders}/transfer", json={"to": OFFICE})
        second = await steered.told.get()
        was_over = line.is_over
        late = await house.http.post(f"{orders}/say", json={"text": "Hello?"})
        await line.hang_up()
        stored = await store.find(CallId(line.call_id))

    assert said.status_code == 200
    assert first == "the agent says, as it was ordered: The plumber is here."
    assert second == f"Vapi transfers the call to {OFFICE}"
    assert was_over
    assert (late.status_code, "404" in late.text) == (409, True)
    assert stored is not None
    report = next(note.payload for note in stored.notes if note.kind == "report")
    assert "AI: The plumber is here.\\nUser: Oh, good." in json.dumps(report["raw"])
    assert stored.record.ended_reason == "assistant-forwarded-call"


async def test_an_ordered_end_stops_the_words_that_are_being_said() -> None:
    hangs = Watched(reply="Which unit?", hangs=True)
    steered = Steered()
    async with a_house(hangs, vapi_control_hosts=("127.0.0.1",)) as house:
        line = VapiLine(BASE, greeting="Hello.", http=house.http, play=Play(steers=True), told=steered)
        await line.dial()
        saying = asyncio.create_task(line.say("My sink leaks."))
        await hangs.begun.wait()
        await house.http.post(f"/admin/calls/{line.call_id}/end")
        turn = await saying
        told = await steered.told.get()
        late = await line.say("Hello?")
        await line.hang_up()

    assert (turn.cut, line.is_over) == (True, True)
    assert (late.cut, late.heard, len(hangs.asked)) == (True, "", 1)
    assert told == "Vapi hangs up, as it was ordered"


def test_words_grow_as_a_caller_talks_on_and_are_retold_as_they_were_recognised() -> None:
    assert growing("My sink leaks.", 2) == ["My sink", "My sink leaks."]
    assert growing("Hello.", 0) == []
    assert retold("Unit 4B. Right, O’Neil?") == "unit 4b right o’neil"
