"""Twilio's first webhook: who answers, through which door, and the first words."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from xml.etree import ElementTree

import pytest

from handlers.twilio.twiml import OVERRIDES
from tests.conftest import VirtualTime
from tests.handlers.office import KIM as OFFICE_KIM
from tests.handlers.office import OFFICE, an_office
from tests.handlers.twilio_door import CALL, Document, a_door, message, read
from voice.agents.agent import NOBODY_ANSWERED
from voice.models.scripted import ScriptedClient
from voice.simulate.twiml import Connect, Dial, Recording, Say
from voice.store.memory import MemoryStore
from voice.types import CallId, Door

PUBLIC = "https://voice.example.com"
NUMBER = "+12025550199"  # of the recorded messages
KIM = """
name = "kim"
greeting = "This is Kim."
goodbye = "Bye from Kim."
persona = "You are Kim."
fallbacks = ["Kim is sorry. Once more, please?"]
"""


async def test_a_call_is_greeted_and_the_caller_may_speak_meanwhile(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        document = await door.hear("/twilio/voice", "voice")
        call = door.brain.calls.get(CALL)

    assert document.gather is not None
    assert "this is Jamie" in document.gather.says[0].text
    assert document.action == "/twilio/gather?turn=1"
    assert document.gather.on_empty
    text = document.answer.text
    assert document.answer.headers["content-type"].startswith("text/xml")
    assert 'input="speech dtmf"' in text
    assert 'language="en-US"' in text
    assert 'speechTimeout="auto"' in text
    assert "speechModel" not in text
    assert call is not None
    assert call.thread.greeting.endswith("How can I help?")
    assert call.record.caller == "+12025550123"


async def test_a_call_that_comes_back_to_the_first_url_goes_on(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(reply="Which unit?")) as door:
        greeting = await door.hear("/twilio/voice", "voice")
        await door.hear(greeting.action)
        back = await door.hear("/twilio/voice", "voice")

    assert "Could you say that once more?" in back.words
    assert back.action == "/twilio/gather?turn=2"


async def test_the_url_names_the_agent_and_the_loop_keeps_them(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    (tmp_path / "kim.toml").write_text(KIM)
    async with a_door(ScriptedClient(), agents_dir=tmp_path) as door:
        greeting = await door.hear("/twilio/voice?agent=kim", "voice")
        reply = await door.hear(greeting.action)

    assert greeting.words == "This is Kim."
    assert reply.action == "/twilio/gather?turn=2&agent=kim"


async def test_an_unknown_agent_is_answered_by_the_default_one(
    virtual_time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with a_door(ScriptedClient()) as door:
            document = await door.hear("/twilio/voice?agent=nobody", "voice")

    assert "this is Jamie" in document.words
    assert document.action == "/twilio/gather?turn=1"
    assert "agent.unknown" in [record.message for record in caplog.records]


async def test_a_busy_house_says_so_and_hangs_up(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), max_calls=1) as door:
        await door.hear("/twilio/voice", "voice")
        document = await door.hear("/twilio/voice", "voice", CallSid="CA2")

    assert document.words == "All lines are busy right now. Please call again in a few minutes."
    assert document.hangs_up


async def test_a_form_with_too_many_fields_is_still_answered_in_speech(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        document = read(await door.post("/twilio/voice", [(f"f{i}", "1") for i in range(400)]))

    assert document.words


@pytest.mark.parametrize("name", ["anonymous", "Unknown", "", "RESTRICTED"])
async def test_a_hidden_number_is_no_caller(virtual_time: VirtualTime, name: str) -> None:
    async with a_door(ScriptedClient()) as door:
        await door.hear("/twilio/voice", "voice", From=name)
        call = door.brain.calls.get(CALL)

    assert call is not None
    assert call.record.caller is None


async def test_urls_are_absolute_where_the_public_url_is_known(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), public_url=f"{PUBLIC}/a", twilio_mode="gather") as door:
        document = await door.hear("/twilio/voice", "voice")

    assert document.action == "https://voice.example.com/a/twilio/gather?turn=1"


def relay(document: Document) -> Connect | None:
    return next((verb for verb in document.verbs if isinstance(verb, Connect)), None)


async def test_a_call_goes_to_a_socket_where_twilio_can_open_one(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), public_url=PUBLIC) as door:
        document = await door.hear("/twilio/voice", "voice")
        call = door.brain.calls.get(CALL)

    element = ElementTree.fromstring(document.answer.text).find("Connect/ConversationRelay")
    assert element is not None
    assert element.attrib["url"].startswith("wss://voice.example.com/twilio/relay/")
    assert "this is Jamie" in element.attrib["welcomeGreeting"]
    assert call is not None
    assert call.record.door is Door.RELAY
    assert call.thread.greeting.endswith("How can I help?")


@pytest.mark.parametrize(
    ("setting", "in_file", "url", "goes_to_a_socket"),
    [
        ("auto", None, PUBLIC, True),
        ("auto", None, None, False),
        ("auto", "gather", PUBLIC, False),
        ("gather", None, PUBLIC, False),
        ("gather", "relay", PUBLIC, True),
        ("gather", "auto", PUBLIC, True),
        ("relay", None, PUBLIC, True),
    ],
)
async def test_an_agents_file_wins_over_the_setting_and_without_a_url_it_is_gather(
    virtual_time: VirtualTime,
    tmp_path: Path,
    setting: str,
    in_file: str | None,
    url: str | None,
    goes_to_a_socket: bool,
) -> None:
    toml = KIM + (f'[twilio]\nmode = "{in_file}"\n' if in_file else "")
    async with a_door(
        ScriptedClient(), **an_office(tmp_path, toml), twilio_mode=setting, public_url=url
    ) as door:
        document = await door.hear("/twilio/voice", "voice")

    assert (relay(document) is not None) is goes_to_a_socket
    assert (document.gather is None) is goes_to_a_socket


async def test_the_model_is_woken_while_the_telephone_rings(virtual_time: VirtualTime) -> None:
    model = ScriptedClient()
    async with a_door(model) as door:
        await door.hear("/twilio/voice", "voice")

    assert model.woken == 1


async def test_a_line_of_its_own_has_an_agent_of_its_own(virtual_time: VirtualTime, tmp_path: Path) -> None:
    (tmp_path / "kim.toml").write_text(KIM)
    lines = [{"number": NUMBER, "agent": "kim"}]
    async with a_door(ScriptedClient(), agents_dir=tmp_path, lines=lines) as door:
        greeting = await door.hear("/twilio/voice?agent=jamie", "voice")
        reply = await door.hear(greeting.action)

    assert greeting.words == "This is Kim."
    assert reply.action == "/twilio/gather?turn=2&agent=kim"


async def test_a_call_of_ours_is_not_taken_for_one_to_the_persons_number(
    virtual_time: VirtualTime,
) -> None:
    lines = [{"number": NUMBER, "refuse": "This number takes no calls."}]
    async with a_door(ScriptedClient(), lines=lines) as door:
        document = await door.hear("/twilio/voice", "voice", Direction="outbound-api")

    assert "this is Jamie" in document.words


async def test_a_line_that_takes_no_calls_says_so(virtual_time: VirtualTime) -> None:
    lines = [{"caller": "+1202*", "refuse": "This number takes no calls."}]
    async with a_door(ScriptedClient(), lines=lines) as door:
        document = await door.hear("/twilio/voice", "voice")
        call = door.brain.calls.get(CALL)

    assert document.words == "This number takes no calls."
    assert document.hangs_up
    assert call is None


async def test_a_caller_whom_a_line_rejects_is_not_answered(virtual_time: VirtualTime) -> None:
    lines = [{"caller": "+1202*", "reject": True}]
    async with a_door(ScriptedClient(), lines=lines) as door:
        answer = await door.post("/twilio/voice", message("voice"))
        call = door.brain.calls.get(CALL)

    assert '<Response><Reject reason="busy" /></Response>' in answer.text
    assert call is None


async def test_a_line_that_leads_elsewhere_is_put_through(virtual_time: VirtualTime) -> None:
    lines = [{"number": NUMBER, "transfer": OFFICE, "say": "One moment."}]
    async with a_door(ScriptedClient(), lines=lines) as door:
        document = await door.hear("/twilio/voice", "voice")

    assert document.words == "One moment."
    assert [verb.to for verb in document.verbs if isinstance(verb, Dial)] == [OFFICE]


async def test_a_number_that_redials_for_ever_is_refused_before_a_model_is_asked(
    virtual_time: VirtualTime,
) -> None:
    model = ScriptedClient()
    async with a_door(model, calls_per_caller=2) as door:
        first = await door.hear("/twilio/voice", "voice")
        again = await door.hear("/twilio/voice", "voice")  # the same call, told of twice
        second = await door.hear("/twilio/voice", "voice", CallSid="CA2")
        third = await door.hear("/twilio/voice", "voice", CallSid="CA3")
        other = await door.hear("/twilio/voice", "voice", CallSid="CA4", From="+12025550124")
        await asyncio.sleep(60.0)
        later = await door.hear("/twilio/voice", "voice", CallSid="CA5")
        is_known = door.brain.calls.get(CallId("CA3")) is not None

    assert third.words == "All lines are busy right now. Please call again in a few minutes."
    assert third.hangs_up
    assert not is_known
    assert all(one.gather is not None for one in (first, again, second, other, later))


async def test_a_caller_whom_nobody_took_is_taken_back_by_the_agent(virtual_time: VirtualTime) -> None:
    lines = [{"number": NUMBER, "transfer": OFFICE}]
    async with a_door(ScriptedClient(reply="Which unit?"), lines=lines) as door:
        document = await door.hear("/twilio/voice", "voice")
        dial = next(verb for verb in document.verbs if isinstance(verb, Dial))
        assert dial.action is not None
        back = await door.hear(dial.action, "dialled", DialCallStatus="busy", DialBridged="false")
        reply = await door.hear(back.action)

    assert back.words == NOBODY_ANSWERED
    assert reply.words == "Which unit?"


@pytest.mark.parametrize("url", [None, PUBLIC], ids=["gather", "relay"])
async def test_a_recorded_caller_is_told_before_anything_is_recorded(
    virtual_time: VirtualTime, tmp_path: Path, url: str | None
) -> None:
    store = MemoryStore()
    toml = OFFICE_KIM.replace("[transfer.office]", "[twilio]\nrecord = true\n[transfer.office]")
    office = an_office(tmp_path, 'consent = "This call is recorded."\n' + toml)
    async with a_door(ScriptedClient(), store=store, public_url=url, **office) as door:
        document = await door.hear("/twilio/voice", "voice")
        again = await door.hear("/twilio/gather?turn=1")
        await store.committed()
        stored = await store.find(CALL)

    told, recorded, *_ = document.verbs
    assert isinstance(told, Say)
    assert told.text == "This call is recorded."
    assert isinstance(recorded, Recording)
    assert recorded.told is not None
    assert recorded.told.url == f"{url or ''}/twilio/recording{OVERRIDES}"
    assert "recorded" not in again.words
    assert stored is not None
    assert [note.payload for note in stored.notes if note.kind == "consent"] == [
        {"announced": "This call is recorded."}
    ]
