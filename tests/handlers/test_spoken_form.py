"""What is written is said in words at every door, and remembered as it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import VirtualTime
from tests.handlers.house import Watched, a_house
from tests.handlers.relay_line import a_relay_call, agents
from voice.models.scripted import ScriptedClient

RENT = "**Rent** is $1,250, due on 3/14. Call us."


async def test_after_a_barge_in_the_model_reads_its_own_words(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply=[RENT, "Yes."])
    async with a_relay_call(model) as (_, socket):
        socket.say("How much is it?")
        await socket.closes_a_talk()
        socket.cut_in(after="Rent is one thousand two hundred fifty dollars,")
        socket.say("When?")
        await socket.closes_a_talk(3)

    told = [message.text for message in model.asked[-1].messages if message.role == "assistant"]
    assert "due on March fourteenth." in socket.words
    assert told[-1] == "Rent is $1,250"


async def test_a_price_that_was_cut_off_counts_as_not_heard(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply=[RENT, "Yes."])
    async with a_relay_call(model) as (_, socket):
        socket.say("How much is it?")
        await socket.closes_a_talk()
        socket.cut_in(after="Rent is one thousand")
        socket.say("What?")
        await socket.closes_a_talk(3)

    told = [message.text for message in model.asked[-1].messages if message.role == "assistant"]
    assert told[-1] == "Rent is"


async def test_a_transcript_that_vapi_sends_back_in_digits_keeps_the_models_words(tmp_path: Path) -> None:
    model = Watched(reply=[RENT, "Yes."])
    async with a_house(model, data_dir=tmp_path) as house:
        asked = {"role": "user", "content": "How much is it?"}
        first = await house.http.post("/vapi/chat/completions", json=vapi_body(asked))
        heard = {"role": "assistant", "content": "rent is 1,250 dollars due on march 14th call us"}
        again = {"role": "user", "content": "When?"}
        await house.http.post("/vapi/chat/completions", json=vapi_body(asked, heard, again))

    told = [message.text for message in model.asked[-1].messages if message.role == "assistant"]
    assert "one thousand two hundred fifty dollars" in first.text
    assert told[-1] == "Rent is $1,250, due on 3/14. Call us."


async def test_names_are_said_as_the_agents_lexicon_has_them(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    folder = agents(tmp_path, tables='[lexicon]\nXcel = "ex cell"\n')
    async with a_relay_call(ScriptedClient(reply="Xcel charges $5."), agents_dir=folder) as (_, socket):
        socket.say("How much?")
        await socket.closes_a_talk()

    assert socket.words.strip() == "ex cell charges five dollars."


@pytest.mark.parametrize(
    ("language", "heard_in", "said"),
    [
        ("en-US", "en-US", "Son twenty dollars."),
        ("en-US", "es-MX", "Son veinte dólares."),
        ("es-MX", "", "Son veinte dólares."),
        ("de-DE", "", "Son $20."),
        ("multi", "", "Son veinte dólares."),  # the caller asks in Spanish
    ],
)
async def test_numbers_are_said_in_the_language_of_the_call(
    virtual_time: VirtualTime, tmp_path: Path, language: str, heard_in: str, said: str
) -> None:
    folder = agents(tmp_path, language=language, tables='[twilio]\nlanguages = [{ code = "es-MX" }]\n')
    async with a_relay_call(ScriptedClient(reply="Son $20."), agents_dir=folder) as (_, socket):
        socket.say("¿Cuánto?", lang=heard_in)
        await socket.closes_a_talk()

    assert socket.words.strip() == said


@pytest.mark.parametrize(
    "reply", ["IN_QUEUE", "Traceback (most recent call last):\n  x", "<think>No</think>"]
)
async def test_who_writes_only_what_nobody_may_hear_is_answered_for(
    virtual_time: VirtualTime, reply: str
) -> None:
    models = (ScriptedClient("odd", reply), ScriptedClient("sound", "Which unit?"))
    async with a_relay_call(*models) as (_, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()

    assert socket.words.strip() == "Which unit?"


def vapi_body(*messages: dict[str, str]) -> dict[str, object]:
    return {"model": "jamie", "stream": True, "messages": list(messages), "call": {"id": "c1"}}
