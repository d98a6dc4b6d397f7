"""A socket that is lost ends no call: where it goes on, in this process and in the next."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from handlers.relay.leaving import finish_speaking
from tests.builders import a_turn
from tests.conftest import VirtualTime
from tests.handlers.house import Watched
from tests.handlers.relay_line import Socket, a_relay_call, agents, newest, on_relay, turns
from tests.handlers.twilio_door import CALL, Door, a_door, message
from voice.call import Call
from voice.models.scripted import ScriptedClient
from voice.store.memory import MemoryStore
from voice.types import ChunkKind, Ending, Left, ToolCall
from voice.types import Door as Way

PUBLIC = "https://voice.example.com/phone"
ACTION = "/twilio/relay/action"
LONG = "I can help with that. Somebody will come tomorrow at nine and look at the sink."


async def document(door: Door, name: str, query: str = "agent=jamie", **fields: str) -> ElementTree.Element:
    """What the action URL answers, read as XML."""
    answer = await door.post(f"{ACTION}?{query}", {**message(f"relay_action_{name}"), **fields})
    assert answer.status_code == 200
    return ElementTree.fromstring(answer.content)


def relay_of(found: ElementTree.Element) -> dict[str, str]:
    connect = found.find("Connect")
    assert connect is not None
    relay = connect.find("ConversationRelay")
    assert relay is not None
    return {**relay.attrib, "action": connect.attrib["action"]}


@asynccontextmanager
async def opened(door: Door, url: str) -> AsyncIterator[Socket]:
    """The socket that a document names, as Twilio opens it."""
    socket = Socket(door.app, url.removeprefix(PUBLIC.replace("https", "wss")))
    running = asyncio.create_task(socket.run())
    socket.set_up()
    try:
        yield socket
    finally:
        socket.drop()
        await running


async def lost_after(socket: Socket, words: str) -> None:
    await socket.hears(words)
    socket.drop()
    await socket.until(lambda: socket.status == "over")


async def test_a_lost_socket_is_opened_again_and_the_sentence_goes_on(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(reply=LONG), public_url=PUBLIC) as (door, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()
        socket.tell("tokensPlayed", "I can help with that. Somebody will come")
        await asyncio.sleep(0.1)
        await lost_after(socket, "")

        relay = relay_of(await document(door, "failed"))
        async with opened(door, relay["url"]) as second:
            await second.closes_a_talk()

            assert second.words.strip() == "tomorrow at nine and look at the sink."
            assert newest(door).heard is None
        assert "welcomeGreeting" not in relay


async def test_a_turn_in_flight_goes_on_without_its_socket(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply=LONG, every_s=0.3)
    async with a_relay_call(model, public_url=PUBLIC) as (door, socket):
        socket.say("My sink leaks.")
        await lost_after(socket, "I can help with that.")
        assert newest(door).heard == ""

        async with on_relay(door, is_back=True) as second:
            await second.closes_a_talk()

            assert second.words.strip() == LONG
            assert newest(door).ending is Ending.ANSWERED
    assert len(model.asked) == 1


async def test_words_that_were_all_heard_before_the_loss_are_not_said_again(
    virtual_time: VirtualTime,
) -> None:
    async with a_relay_call(ScriptedClient(reply=LONG, every_s=0.3), public_url=PUBLIC) as (door, socket):
        socket.say("My sink leaks.")
        await socket.hears("I can help with that.")
        socket.tell("tokensPlayed", "I can help with that.")
        await asyncio.sleep(0.1)
        await lost_after(socket, "")
        async with on_relay(door, is_back=True) as second:
            await second.closes_a_talk()

            assert second.words.strip() == LONG.removeprefix("I can help with that. ")


async def test_what_was_heard_before_the_loss_is_not_said_again_when_cut_once_more(
    virtual_time: VirtualTime,
) -> None:
    async with a_relay_call(ScriptedClient(reply=LONG), public_url=PUBLIC) as (door, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()
        socket.tell("tokensPlayed", "I can help with that. Somebody")
        await asyncio.sleep(0.1)
        await lost_after(socket, "")
        async with on_relay(door, is_back=True) as second:
            await second.closes_a_talk()
            second.cut_in(after="will come tomorrow")
            await second.closes_a_talk(2)

        assert newest(door).heard == "I can help with that. Somebody will come tomorrow"


async def test_a_caller_who_was_listening_is_asked_what_they_said_meanwhile(
    virtual_time: VirtualTime,
) -> None:
    async with a_relay_call(ScriptedClient(reply=LONG), public_url=PUBLIC) as (door, socket):
        socket.say("Are you there?")
        await socket.closes_a_talk()
        await asyncio.sleep(7.0)
        socket.tell("clientSpeaking", "on")
        await asyncio.sleep(7.0)
        await lost_after(socket, "")
        async with on_relay(door, is_back=True) as second:
            await second.closes_a_talk()

            assert second.words == door.brain.agents.default.fallbacks[0]


async def test_a_greeting_that_was_lost_is_said_again(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(), public_url=PUBLIC) as (door, socket):
        await lost_after(socket, "")
        async with on_relay(door, is_back=True) as second:
            await second.closes_a_talk()

            assert second.words == door.brain.agents.default.greeting


async def test_a_restart_in_the_middle_of_a_turn_loses_nobodys_words(virtual_time: VirtualTime) -> None:
    store = MemoryStore()
    slow = Watched(reply="Never heard.", first_s=60.0)
    async with a_relay_call(slow, store=store, public_url=PUBLIC) as (_, socket):
        socket.say("My sink leaks.")
        await slow.begun.wait()
        kept = copy.deepcopy(store)

    async with a_door(ScriptedClient(reply="Which unit?"), store=kept, public_url=PUBLIC) as door:
        relay = relay_of(await document(door, "failed"))
        async with opened(door, relay["url"]) as second:
            await second.closes_a_talk()

            assert second.words.strip() == "Which unit?"
            assert newest(door).said == "My sink leaks."


async def test_a_restart_behind_a_turn_says_the_reply_on(virtual_time: VirtualTime) -> None:
    store = MemoryStore()
    async with a_relay_call(ScriptedClient(reply=LONG), store=store, public_url=PUBLIC) as (_, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()
        kept = copy.deepcopy(store)

    async with a_door(ScriptedClient(), store=kept, public_url=PUBLIC) as door:
        await document(door, "failed")
        async with on_relay(door, is_back=True) as second:
            await second.closes_a_talk()

            assert second.words.strip() == LONG  # it was killed at once: nobody had heard a word
            assert len(turns(door)) == 1


async def test_a_socket_that_is_lost_again_and_again_ends_in_a_gather(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Which unit are you in?")
    async with a_relay_call(model, public_url=PUBLIC) as (door, _):
        query, pauses = "agent=jamie", []
        for _ in range(3):
            found = await document(door, "failed", query)
            pause = found.find("Pause")
            pauses.append(0 if pause is None else int(pause.attrib["length"]))
            query = relay_of(found)["action"].partition("#")[0].partition("?")[2]
        last = await document(door, "failed", query)

        gather = last.find("Gather")
        assert gather is not None
        answered = await door.hear(
            gather.attrib["action"].removeprefix(PUBLIC), SpeechResult="My sink leaks."
        )

    assert pauses == [0, 1, 2]
    assert "".join(gather.itertext()) != ""
    assert answered.words == "Which unit are you in?"


async def test_a_session_that_lasted_begins_the_count_anew(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(), public_url=PUBLIC) as (door, _):
        found = await document(door, "failed", "agent=jamie&again=3", SessionDuration="120")

    assert relay_of(found)["action"].partition("#")[0].endswith("again=1")


@pytest.mark.parametrize("code", ["64101", "64106"])
async def test_what_twilio_does_not_take_is_not_tried_again(virtual_time: VirtualTime, code: str) -> None:
    async with a_relay_call(ScriptedClient(), public_url=PUBLIC) as (door, _):
        found = await document(door, "failed", ErrorCode=code)

    assert found.find("Gather") is not None


async def test_a_caller_who_has_hung_up_is_gone(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(), public_url=PUBLIC) as (door, _):
        found = await document(door, "completed")

        assert door.brain.calls.get(CALL) is None
    assert list(found) == []


async def test_a_call_that_we_have_ended_is_hung_up(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(), public_url=PUBLIC) as (door, _):
        found = await document(door, "ended")

    assert [verb.tag for verb in found] == ["Hangup"]


async def test_a_transfer_is_dialled_after_the_session(virtual_time: VirtualTime, tmp_path: Path) -> None:
    desk = '[transfer.desk]\nnumber = "+12125550142"\nfor = "people"\n'
    folder = agents(tmp_path, tools=["transfer"], tables=desk)
    note = json.dumps({"offhook": "transfer", "to": "+12125550142"})
    async with a_relay_call(ScriptedClient(), public_url=PUBLIC, agents_dir=folder) as (door, _):
        found = await document(door, "ended", HandoffData=note)

    dial = found.find("Dial")
    assert dial is not None
    assert "".join(dial.itertext()) == "+12125550142"


async def test_a_note_that_is_not_ours_leads_back_to_the_agent(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(), public_url=PUBLIC) as (door, _):
        for note in ("", "{", "[]", "null", '{"offhook": 7}', '{"offhook": "transfer"}'):
            found = await document(door, "ended", HandoffData=note)

            assert found.find("Connect") is not None or found.find("Gather") is not None


async def test_the_newer_socket_of_a_call_takes_it_over(virtual_time: VirtualTime) -> None:
    async with (
        a_relay_call(ScriptedClient(), public_url=PUBLIC) as (door, first),
        on_relay(door, is_back=True) as second,
    ):
        await first.until(lambda: first.status == "over")
        second.say("My sink leaks.")
        await second.closes_a_talk(2)

    assert first.words == ""


async def test_the_same_action_twice_gets_the_same_document(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(), public_url=PUBLIC) as (door, _):
        one, other = [await document(door, "failed") for _ in range(2)]

    assert ElementTree.tostring(one) == ElementTree.tostring(other)


async def test_a_server_that_stops_lets_the_sentence_end_and_the_next_one_goes_on(
    virtual_time: VirtualTime,
) -> None:
    store = MemoryStore()
    model = ScriptedClient(reply=LONG, every_s=0.01)
    async with a_relay_call(model, store=store, public_url=PUBLIC) as (door, socket):
        socket.say("My sink leaks.")
        await socket.hears("I can help with that.")
        sent_at = virtual_time.elapsed_s
        await finish_speaking(door.app.state.relays.values(), lambda: False)
        await socket.until(lambda: socket.status == "over")
        lasted_s, said = virtual_time.elapsed_s - sent_at, socket.words.strip()
        await newest_settled(door)
        kept = copy.deepcopy(store)

    async with a_door(ScriptedClient(), store=kept, public_url=PUBLIC) as door:
        await document(door, "failed", SessionDuration="0")
        async with on_relay(door, is_back=True) as second:
            await second.closes_a_talk()

            assert f"{said} {second.words.strip()}" == LONG
    assert 1.0 < lasted_s < 6.5


async def test_after_a_kill_only_what_the_session_can_have_spoken_counts_as_heard(
    virtual_time: VirtualTime,
) -> None:
    began_on = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=60)
    turn = a_turn(spoken=LONG)
    turn.began_on = began_on + timedelta(seconds=10)
    turn.timing.left.append(Left(500, len(LONG), ChunkKind.REPLY))
    store = MemoryStore()
    async with a_relay_call(ScriptedClient(), store=store, public_url=PUBLIC) as (door, _):
        call = door.brain.calls.get(CALL)
        assert call is not None
        call.thread.turns.append(turn)
        at = int(began_on.timestamp())
        await document(door, "failed", f"agent=jamie&at={at}", SessionDuration="12")

    assert turn.heard == "I can help with"


@pytest.mark.parametrize("code", ["64101", "64106"])
async def test_a_caller_whose_account_lacks_the_contract_is_greeted(
    virtual_time: VirtualTime, code: str
) -> None:
    async with a_door(ScriptedClient(), public_url=PUBLIC) as door:
        first = await door.hear("/twilio/voice", "voice")
        assert first.gather is None
        found = await document(door, "failed", ErrorCode=code, SessionDuration="0")
        gather = found.find("Gather")
        greeting = door.brain.agents.default.greeting
        following = await door.hear("/twilio/voice", "voice", CallSid="CA2")
        await asyncio.sleep(700.0)
        later = await door.hear("/twilio/voice", "voice", CallSid="CA3")

    assert gather is not None
    assert "".join(gather.itertext()).strip() == greeting
    assert following.gather is not None
    assert following.words == greeting
    assert later.gather is None


async def test_who_goes_on_through_gather_is_known_to_have_cut_a_reply(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(reply=LONG), public_url=PUBLIC) as (door, socket):
        socket.say("Are you there?")
        await socket.closes_a_talk()
        await asyncio.sleep(9.0)
        await lost_after(socket, "")
        last = await document(door, "failed", ErrorCode="64106")
        gather = last.find("Gather")
        assert gather is not None
        action = gather.attrib["action"].removeprefix(PUBLIC)
        answered = await door.hear(action, SpeechResult="My sink leaks.")
        await asyncio.sleep(4.0)
        await door.hear(answered.action.removeprefix(PUBLIC), SpeechResult="Wait.")
        heard = turns(door)[-2].heard

    assert heard is not None
    assert LONG.startswith(heard)


async def test_twilios_fallback_url_goes_on_in_mid_sentence(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(reply=LONG), public_url=PUBLIC) as (door, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()
        socket.tell("tokensPlayed", "I can help with that. Somebody will come")
        await asyncio.sleep(0.1)
        await lost_after(socket, "")
        answer = await door.post("/twilio/voice", {**message("voice"), "ErrorCode": "11205"})
        relay = relay_of(ElementTree.fromstring(answer.content))
        async with opened(door, relay["url"]) as second:
            await second.closes_a_talk()

            assert second.words.strip() == "tomorrow at nine and look at the sink."
    assert "welcomeGreeting" not in relay


async def test_documents_ask_twilio_to_try_again_where_the_server_is_away_for_a_moment(
    virtual_time: VirtualTime,
) -> None:
    async with a_relay_call(ScriptedClient(), public_url=PUBLIC) as (door, _):
        relay = relay_of(await document(door, "failed"))

    assert relay["action"].endswith("#rc=5&rp=ct,5xx")
    assert "#" not in relay["url"]


async def test_a_restart_behind_the_words_of_a_transfer_does_not_lose_the_person(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    desk = '[transfer.desk]\nnumber = "+12125550142"\nfor = "people"\nsay = "I put you through."\n'
    folder = agents(tmp_path, tools=["transfer"], tables=desk)
    model = ScriptedClient(tool_calls=(ToolCall("1", "transfer", '{"target": "desk"}'),))
    store = MemoryStore()
    async with a_relay_call(model, store=store, public_url=PUBLIC, agents_dir=folder) as (door, socket):
        socket.say("Put me through to somebody.")
        await socket.closes_a_talk()
        await newest_settled(door)
        kept = copy.deepcopy(store)

    async with a_door(ScriptedClient(), store=kept, public_url=PUBLIC, agents_dir=folder) as door:
        call = await greeted_again(door)
        call.thread.turns[-1].began_on -= timedelta(seconds=30)  # its words were spoken long ago
        async with on_relay(door, is_back=True) as second:
            await second.ends()

    assert json.loads(second.handoff or "") == {"offhook": "transfer", "to": "+12125550142"}
    assert second.words == ""


async def greeted_again(door: Door) -> Call:
    """The call as another process has it."""
    return await door.brain.calls.pick_up(CALL, Way.RELAY)


async def newest_settled(door: Door) -> None:
    """Return when the newest turn is over."""
    call = door.brain.calls.get(CALL)
    assert call is not None
    assert call.live is not None
    await call.live.settled()
