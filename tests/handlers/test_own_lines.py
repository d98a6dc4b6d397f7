"""Lines that a door says by itself are heard as replies are, at every door."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tests.conftest import VirtualTime
from tests.handlers.house import CALL_ID, a_house, said_in
from tests.handlers.relay_line import a_relay_call, agents, newest
from tests.handlers.twilio_door import CALL, a_door
from tests.handlers.vapi.test_control import a_control_host, with_monitor
from voice.errors import RouteRefused
from voice.models.scripted import ScriptedClient
from voice.store.memory import MemoryStore

GREETING = "Hi, this is Jamie at Oak Apts., call (512) 555-0134."
GREETED = "Hi, this is Jamie at Oak Apartments, call five one two, five five five, zero one three four."
LINES: dict[str, Any] = {
    "greeting": GREETING,
    "goodbye": "Bye, rent is $5.",
    "busy": "Busy until 9 am.",
    "fallbacks": ["Sorry, unit 4B?"],
    "nudges": ["Still there at 2:30 pm?"],
    "voicemail": "Call 512-555-0134.",
}
OPENING = {"model": "jamie", "stream": True, "messages": [], "call": {"id": "c1"}}


def asking(*messages: dict[str, str]) -> dict[str, object]:
    return {**OPENING, "messages": list(messages)}


async def test_twilios_first_document_says_the_greeting_in_words(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_door(ScriptedClient(), agents_dir=agents(tmp_path, **LINES)) as door:
        document = await door.hear("/twilio/voice", "voice")

    assert document.words == GREETED


async def test_the_model_reads_its_greeting_as_it_was_written(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    model = ScriptedClient(reply="Which unit?")
    async with a_relay_call(model, agents_dir=agents(tmp_path, **LINES)) as (_, socket):
        socket.say("My sink leaks.")
        await socket.hears("Which unit?")

    assert model.asked[-1].messages[1].text == GREETING


async def test_a_greeting_that_was_cut_off_is_read_as_far_as_it_was_heard(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    model = ScriptedClient(reply="Which unit?")
    async with a_relay_call(model, agents_dir=agents(tmp_path, **LINES)) as (_, socket):
        socket.cut_in(after="Hi, this is Jamie at Oak Apartments, call five")
        socket.say("My sink leaks.")
        await socket.hears("Which unit?")

    assert model.asked[-1].messages[1].text == "Hi, this is Jamie at Oak Apts., call"


async def test_a_restart_forgets_neither_form_of_a_greeting(tmp_path: Path) -> None:
    store, folder = MemoryStore(), agents(tmp_path, **LINES)
    async with a_door(ScriptedClient(), agents_dir=folder, store=store) as door:
        await door.hear("/twilio/voice", "voice")
    model = ScriptedClient(reply="Which unit?")
    async with a_door(model, agents_dir=folder, store=store) as door:
        await door.hear("/twilio/gather?turn=1", "gather")
        call = door.brain.calls.get(CALL)

    assert model.asked[-1].messages[1].text == GREETING
    assert call is not None
    assert call.thread.greeting == GREETED


async def test_a_silence_is_answered_in_words_and_the_model_reads_what_was_written(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    model = ScriptedClient(reply=["Which unit?", "Thanks."])
    async with a_relay_call(model, agents_dir=agents(tmp_path, **LINES)) as (door, socket):
        socket.say("My sink leaks.")
        await socket.hears("Which unit?")
        await socket.hears("Still there at two thirty PM?")
        aside = newest(door).asides[-1].text
        socket.say("Unit 4.")
        await socket.hears("Thanks.")

    assert aside == "Still there at two thirty PM?"
    assert "Still there at 2:30 pm?" in " ".join(one.text for one in model.asked[-1].messages)


async def test_gather_nudges_and_parts_in_words(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with a_door(ScriptedClient(), agents_dir=agents(tmp_path, **LINES, silence_s=2)) as door:
        greeting = await door.hear("/twilio/voice", "voice")
        nudge = await door.hear(greeting.action, SpeechResult="")
        goodbye = await door.hear(nudge.action, SpeechResult="")

    assert nudge.words == "Still there at two thirty PM?"
    assert goodbye.words == "Bye, rent is five dollars."


async def test_vapi_is_given_the_greeting_in_words_and_its_account_of_it_changes_nothing(
    tmp_path: Path,
) -> None:
    model = ScriptedClient(reply="Which unit?")
    async with a_house(model, agents_dir=agents(tmp_path, **LINES)) as house:
        first = await house.http.post("/vapi/chat/completions", json=OPENING)
        told = {"role": "assistant", "content": "hi this is jamie at oak apartments call 512-555-0134"}
        await house.http.post(
            "/vapi/chat/completions", json=asking(told, {"role": "user", "content": "My sink leaks."})
        )

    assert said_in(first.text) == GREETED
    assert model.asked[-1].messages[1].text == GREETING


async def test_an_assistant_that_we_describe_says_the_greeting_in_words(tmp_path: Path) -> None:
    ringing = {"message": {"type": "assistant-request", "call": {"id": "c1"}}}
    async with a_house(agents_dir=agents(tmp_path, **LINES)) as house:
        answer = await house.http.post("/vapi/webhook", json=ringing)

    assert answer.json()["assistant"]["firstMessage"] == GREETED


async def test_fallbacks_and_busy_lines_are_heard_in_words(tmp_path: Path) -> None:
    folder = agents(tmp_path, **LINES)
    asked = {"role": "user", "content": "My sink leaks."}
    async with a_house(ScriptedClient(fails=RouteRefused("gone")), agents_dir=folder, max_calls=1) as house:
        failed = await house.http.post("/vapi/chat/completions", json=asking(asked))
        busy = await house.http.post("/vapi/chat/completions", json={**asking(asked), "call": {"id": "c2"}})

    assert said_in(failed.text) == "Sorry, unit four B?"
    assert said_in(busy.text) == "Busy until nine AM."


async def test_an_operators_words_are_spoken_in_words_and_kept_as_written(tmp_path: Path) -> None:
    model, hosts = ScriptedClient(reply=["Which unit?", "Soon."]), ("127.0.0.1",)
    asked = {"role": "user", "content": "My sink leaks."}
    async with (
        a_control_host() as (url, host),
        a_house(model, agents_dir=agents(tmp_path, **LINES), vapi_control_hosts=hosts) as house,
    ):
        await house.http.post("/vapi/chat/completions", json=with_monitor(asking(asked), url))
        await house.http.post(f"/admin/calls/{CALL_ID}/say", json={"text": "He comes at 2:30 pm."})
        told = [
            {"role": "assistant", "content": text} for text in ("which unit", "He comes at two thirty PM.")
        ]
        again = {"role": "user", "content": "When?"}
        await house.http.post("/vapi/chat/completions", json=with_monitor(asking(asked, *told, again), url))

    assert [order["content"] for order in host] == ["He comes at two thirty PM."]
    assert model.asked[-1].messages[-2].text == "Which unit? He comes at 2:30 pm."


async def test_twilio_is_given_an_operators_words_in_words(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with a_relay_call(ScriptedClient(), agents_dir=agents(tmp_path, **LINES)) as (door, socket):
        await asyncio.sleep(5.0)
        await door.http.post(f"/admin/calls/{CALL}/say", json={"text": "He comes at 2:30 pm."})
        await socket.hears("He comes at two thirty PM.")


async def test_a_transfer_of_the_settings_is_announced_in_words(virtual_time: VirtualTime) -> None:
    lines = [{"transfer": "+14155550100", "say": "Call 512-555-0134 next time."}]
    async with a_door(ScriptedClient(), lines=lines) as door, a_house(lines=lines) as house:
        at_twilio = await door.hear("/twilio/voice", "voice")
        ringing = {"message": {"type": "assistant-request", "call": {"id": "c1"}}}
        at_vapi = (await house.http.post("/vapi/webhook", json=ringing)).json()

    assert at_twilio.words == "Call five one two, five five five, zero one three four next time."
    assert at_vapi["destination"]["message"] == at_twilio.words
