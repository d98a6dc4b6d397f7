"""Codes and telephone numbers leave as the voice of each door takes them: `[speech]` of the agent's file."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import VirtualTime
from tests.handlers.house import a_house, events_of, frames_of, said_in
from tests.handlers.relay_line import a_relay_call, agents
from tests.handlers.twilio_door import a_door
from voice.models.scripted import ScriptedClient

REPLY = "Your code is AB12, rent is $5. Call (512) 555-0134."
PLAIN = (
    "Your code is A B one two, rent is five dollars. Call five one two, five five five, zero one three four."
)
SPELL = (
    "Your code is <spell>AB12</spell>, rent is five dollars. "
    "Call <spell>512</spell>, <spell>555</spell>, <spell>0134</spell>."
)
SSML = SPELL.replace("<spell>", '<say-as interpret-as="characters">').replace("</spell>", "</say-as>")
POLLY = '[twilio]\ntts_provider = "Amazon"\nvoice = "Joanna-Neural"\n'
ASKED = {"role": "user", "content": "Which code?"}


def request(*messages: dict[str, str], **changes: object) -> dict[str, object]:
    call = {"id": "c1"}
    return {"model": "jamie", "stream": True, "messages": list(messages), "call": call, **changes}


@pytest.mark.parametrize(
    ("speech", "sent"),
    [("", PLAIN), ('[speech]\nvapi = "spell"', SPELL), ('[speech]\nmarkup = "ssml"', SSML)],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_vapi_is_given_what_its_voice_takes(
    tmp_path: Path, speech: str, sent: str, *, stream: bool
) -> None:
    async with a_house(ScriptedClient(reply=REPLY), agents_dir=agents(tmp_path, tables=speech)) as house:
        answer = await house.http.post("/vapi/chat/completions", json=request(ASKED, stream=stream))

    said = said_in(answer.text) if stream else answer.json()["choices"][0]["message"]["content"]
    assert said == sent


async def test_no_frame_holds_a_part_of_a_tag(tmp_path: Path) -> None:
    folder = agents(tmp_path, tables='[speech]\nmarkup = "ssml"')
    async with a_house(ScriptedClient(reply=REPLY), agents_dir=folder) as house:
        answer = await house.http.post("/vapi/chat/completions", json=request(ASKED))

    pieces = [choice["delta"].get("content") for one in frames_of(answer.text) for choice in one["choices"]]
    assert all(ElementTree.fromstring(f"<p>{piece}</p>") is not None for piece in pieces if piece)


@pytest.mark.parametrize("told", [SPELL, PLAIN, REPLY])
async def test_an_account_with_our_tags_in_it_is_what_we_have_said(tmp_path: Path, told: str) -> None:
    model = ScriptedClient(reply=[REPLY, "Yes."])
    folder = agents(tmp_path, tables='[speech]\nvapi = "spell"')
    async with a_house(model, agents_dir=folder) as house:
        await house.http.post("/vapi/chat/completions", json=request(ASKED))
        again = request(ASKED, {"role": "assistant", "content": told}, {"role": "user", "content": "Thanks."})
        await house.http.post("/vapi/chat/completions", json=again)

    assert [one.text for one in model.asked[-1].messages if one.role == "assistant"] == [REPLY]


async def test_an_account_that_ends_behind_a_tag_says_where_the_caller_cut_in(tmp_path: Path) -> None:
    model = ScriptedClient(reply=["Your codes are AB12 and CD34, for the front door and the gate.", "Yes."])
    folder = agents(tmp_path, tables='[speech]\nvapi = "spell"')
    async with a_house(model, agents_dir=folder) as house:
        await house.http.post("/vapi/chat/completions", json=request(ASKED))
        heard = {"role": "assistant", "content": "Your codes are <spell>AB12</spell>"}
        await house.http.post(
            "/vapi/chat/completions", json=request(ASKED, heard, {"role": "user", "content": "Wait."})
        )

    assert [one.text for one in model.asked[-1].messages if one.role == "assistant"] == [
        "Your codes are AB12"
    ]


async def test_a_greeting_is_spelled_too(tmp_path: Path) -> None:
    folder = agents(tmp_path, greeting="Call 512-555-0134.", tables='[speech]\nvapi = "spell"')
    async with a_house(agents_dir=folder) as house:
        first = await house.http.post("/vapi/chat/completions", json=request())
        ringing = {"message": {"type": "assistant-request", "call": {"id": "c2"}}}
        assistant = (await house.http.post("/vapi/webhook", json=ringing)).json()["assistant"]

    spelled = "Call <spell>512</spell>, <spell>555</spell>, <spell>0134</spell>."
    assert said_in(first.text) == assistant["firstMessage"] == spelled


@pytest.mark.parametrize("speech", ['markup = "ssml"', 'gather = "ssml"'])
async def test_gather_spells_with_a_voice_that_takes_ssml(
    virtual_time: VirtualTime, tmp_path: Path, speech: str
) -> None:
    folder = agents(tmp_path, tables=f"{POLLY}[speech]\n{speech}\n")
    async with a_door(ScriptedClient(reply=REPLY), agents_dir=folder) as door:
        greeting = await door.hear("/twilio/voice", "voice")
        reply = await door.hear(greeting.action)

    found = ElementTree.fromstring(reply.answer.text).find("Gather/Say")
    assert found is not None
    assert "".join(found.itertext()) == "Your code is AB12, rent is five dollars. Call 512, 555, 0134."
    assert [(one.tag, one.get("interpret-as"), one.text) for one in found] == [
        ("say-as", "characters", signs) for signs in ("AB12", "512", "555", "0134")
    ]


@pytest.mark.parametrize("tables", ["", '[speech]\nmarkup = "ssml"\n', f'{POLLY}[speech]\nvapi = "ssml"\n'])
async def test_gather_says_plain_words_where_nothing_else_is_sure(
    virtual_time: VirtualTime, tmp_path: Path, tables: str
) -> None:
    async with a_door(ScriptedClient(reply=REPLY), agents_dir=agents(tmp_path, tables=tables)) as door:
        greeting = await door.hear("/twilio/voice", "voice")
        reply = await door.hear(greeting.action)

    assert reply.words == PLAIN


@pytest.mark.parametrize(
    ("tables", "sent"),
    [
        (f'{POLLY}[speech]\nrelay = "ssml"\n', SSML),
        ('[speech]\nmarkup = "ssml"\n', PLAIN),  # ElevenLabs, the default there, takes <phoneme> alone
        (POLLY, PLAIN),
    ],
)
async def test_relay_tokens_have_tags_for_voices_that_take_them(
    virtual_time: VirtualTime, tmp_path: Path, tables: str, sent: str
) -> None:
    folder = agents(tmp_path, tables=tables)
    async with a_relay_call(ScriptedClient(reply=REPLY), agents_dir=folder) as (_, socket):
        socket.say("Which code?")
        await socket.closes_a_talk()

    assert socket.words.strip() == sent


async def test_a_language_with_a_voice_of_its_own_is_spelled_for_that_voice(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    tables = (
        '[twilio]\nlanguages = [{ code = "es-MX", tts_provider = "Google" }]\n[speech]\nmarkup = "ssml"\n'
    )
    folder = agents(tmp_path, tables=tables)
    async with a_relay_call(ScriptedClient(reply="Código AB12."), agents_dir=folder) as (_, socket):
        socket.say("¿Qué código?", lang="es-MX")
        await socket.closes_a_talk()

    assert socket.words.strip() == 'Código <say-as interpret-as="characters">AB12</say-as>.'


@pytest.mark.parametrize(
    "told",
    [
        "Your codes are A B one two",
        "Your codes are AB12",
        'Your codes are <say-as interpret-as="characters">AB12</say-as>',
    ],
)
async def test_a_barge_in_behind_a_tag_is_told_in_the_models_words(
    virtual_time: VirtualTime, tmp_path: Path, told: str
) -> None:
    model = ScriptedClient(reply=["Your codes are AB12 and CD34, for the front door and the gate.", "Yes."])
    folder = agents(tmp_path, tables=f'{POLLY}[speech]\nrelay = "ssml"\n')
    async with a_relay_call(model, agents_dir=folder) as (_, socket):
        socket.say("Which codes?")
        await socket.closes_a_talk()
        socket.cut_in(after=told)
        socket.say("Wait.")
        await socket.closes_a_talk(3)

    assert [one.text for one in model.asked[-1].messages if one.role == "assistant"][
        -1
    ] == "Your codes are AB12"


async def test_a_client_of_v1_gets_plain_words_unless_it_asks_for_tags(tmp_path: Path) -> None:
    folder = agents(tmp_path, tables='[speech]\nmarkup = "ssml"\n')
    body = {"model": "jamie", "messages": [ASKED]}
    async with a_house(ScriptedClient(reply=REPLY), agents_dir=folder) as house:
        plain = await house.http.post("/v1/chat/completions", json=body)
        asked = {"X-Speech-Markup": "spell"}
        tagged = await house.http.post("/v1/chat/completions", json=body, headers=asked)
        streamed = await house.http.post("/v1/chat/completions", json={**body, "stream": True}, headers=asked)
        wrong = await house.http.post("/v1/chat/completions", json=body, headers={"X-Speech-Markup": "polly"})

    assert plain.json()["choices"][0]["message"]["content"] == PLAIN
    assert tagged.json()["choices"][0]["message"]["content"] == SPELL
    assert said_in(streamed.text) == SPELL
    assert wrong.status_code == 400
    assert "plain, ssml, spell" in wrong.text


async def test_a_chat_gets_plain_words_unless_it_asks_for_tags(tmp_path: Path) -> None:
    folder = agents(tmp_path, tables='[speech]\nmarkup = "ssml"\n')
    async with a_house(ScriptedClient(reply=REPLY), agents_dir=folder) as house:
        plain = await house.http.post("/chat", json={"message": "Which code?"})
        asked = {"X-Speech-Markup": "ssml"}
        tagged = await house.http.post("/chat", json={"message": "Which code?"}, headers=asked)
        asked |= {"Accept": "text/event-stream"}
        streamed = await house.http.post("/chat", json={"message": "Which code?"}, headers=asked)

    events = events_of(streamed.text)
    assert plain.json()["reply"] == PLAIN
    assert tagged.json()["reply"] == SSML
    assert " ".join(data["text"] for name, data in events if name == "chunk") == SSML
    assert events[-1][1]["reply"] == SSML
