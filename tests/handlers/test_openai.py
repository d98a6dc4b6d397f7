"""The door for every other client: the official one works against it, streaming and not."""

from __future__ import annotations

import asyncio
from typing import Any

import openai
import pytest

from tests.handlers.house import Visitor, Watched, a_house, frames_of, said_in
from tests.handlers.office import an_openai_client
from voice.models.scripted import ScriptedClient
from voice.types import CallId

PATH = "/v1/chat/completions"


def asking(*said: str, **changes: Any) -> dict[str, Any]:
    talk = [{"role": "user", "content": one} for one in said]
    return {"model": "jamie", "messages": talk, **changes}


async def test_the_official_client_gets_a_whole_completion() -> None:
    async with an_openai_client(ScriptedClient(reply="Sure. Which unit?")) as client:
        found = await client.chat.completions.create(
            model="jamie", messages=[{"role": "user", "content": "My sink leaks."}]
        )

    assert found.choices[0].message.content == "Sure. Which unit?"
    assert found.choices[0].finish_reason == "stop"
    assert found.usage is not None
    assert found.usage.completion_tokens == 3


async def test_the_official_client_streams_a_reply() -> None:
    async with an_openai_client(ScriptedClient(reply="Sure. Which unit?")) as client:
        stream = await client.chat.completions.create(
            model="jamie",
            messages=[{"role": "user", "content": "My sink leaks."}],
            stream=True,
            stream_options={"include_usage": True},
        )
        frames = [frame async for frame in stream]

    said = [choice.delta.content for frame in frames for choice in frame.choices if choice.delta.content]
    assert said == ["Sure.", " Which unit?"]
    assert frames[-1].choices == []
    assert frames[-1].usage is not None
    assert frames[-1].usage.completion_tokens == 3
    assert all(frame.usage is None for frame in frames[:-1])


async def test_the_official_client_lists_models_and_finds_one() -> None:
    async with an_openai_client(ScriptedClient("lab")) as client:
        listed = [model.id async for model in client.models.list()]
        found = await client.models.retrieve("jamie")
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("gpt-9")

    assert listed == ["jamie", "lab"]
    assert found.owned_by == "offhook"


async def test_the_official_client_shows_who_there_is_when_a_model_is_unknown() -> None:
    async with an_openai_client(ScriptedClient("lab")) as client:
        with pytest.raises(openai.NotFoundError, match="there are: jamie, lab") as told:
            await client.chat.completions.create(
                model="gpt-9", messages=[{"role": "user", "content": "Hello."}]
            )

    assert told.value.code == "model_not_found"


async def test_the_official_client_is_refused_with_a_wrong_key() -> None:
    async with an_openai_client() as client:
        with pytest.raises(openai.PermissionDeniedError, match=r"Not authorised\."):
            await client.with_options(api_key="wrong").models.list()


async def test_a_client_that_stops_reading_stops_the_turn_over_a_real_socket() -> None:
    stuck = Watched(reply="One sentence. Another one never comes", every_s=0.2)

    async with an_openai_client(stuck) as client:
        stream = await client.chat.completions.create(
            model="jamie", messages=[{"role": "user", "content": "Hello."}], stream=True
        )
        async for frame in stream:
            if frame.choices[0].delta.content:
                break
        await stream.close()
        async with asyncio.timeout(5):
            await stuck.stopped.wait()

    assert stuck.cancelled == 1


async def test_it_answers_whole_unless_asked_to_stream() -> None:
    async with a_house() as house:
        whole = await house.http.post(PATH, json=asking("Hello."))
        streamed = await house.http.post(PATH, json=asking("Hello.", stream=True))

    assert whole.json()["choices"][0]["message"]["content"] == "Which unit are you in?"
    assert said_in(streamed.text) == "Which unit are you in?"
    assert all("usage" not in frame for frame in frames_of(streamed.text))


async def test_a_request_without_a_call_is_a_call_of_its_own() -> None:
    model = ScriptedClient()

    async with a_house(model) as house:
        await house.http.post(PATH, json=asking("My sink leaks."))
        await house.http.post(PATH, json=asking("Hello.", stream=True))
        live = house.brain.calls.live

    assert live == 0
    assert [message.role for message in model.asked[1].messages] == ["system", "user"]


NAMES: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"user": "c1"}, {}),
    ({"metadata": {"call_id": "c1"}}, {}),
    ({}, {"X-Call-Id": "c1"}),
]


@pytest.mark.parametrize(("body", "headers"), NAMES)
async def test_a_named_call_goes_on(body: dict[str, Any], headers: dict[str, str]) -> None:
    model = ScriptedClient(reply=["Which unit?", "Thank you."])

    async with a_house(model) as house:
        await house.http.post(PATH, json=asking("My sink leaks.", **body), headers=headers)
        await house.http.post(PATH, json=asking("Four b.", **body), headers=headers)
        call = house.brain.calls.get(CallId("c1"))

    assert call is not None
    assert [turn.said for turn in call.thread.turns] == ["My sink leaks.", "Four b."]
    assert [message.text for message in model.asked[1].messages[1:]] == [
        "My sink leaks.",
        "Which unit?",
        "Four b.",
    ]


async def test_a_client_that_sends_only_its_newest_words_may_say_yes_twice() -> None:
    model = ScriptedClient(reply=["First.", "Second."])

    async with a_house(model) as house:
        await house.http.post(PATH, json=asking("Yes.", user="c1"))
        second = await house.http.post(PATH, json=asking("Yes.", user="c1"))

    assert second.json()["choices"][0]["message"]["content"] == "Second."


async def test_a_model_that_names_a_route_gets_the_messages_as_they_are_for_that_turn_only() -> None:
    first, lab = ScriptedClient("first"), ScriptedClient("lab")
    talk = [{"role": "system", "content": "Be a pirate."}, {"role": "user", "content": "Ahoy."}]

    async with a_house(first, lab) as house:
        await house.http.post(PATH, json={"model": "lab", "messages": talk, "user": "c1"})
        await house.http.post(PATH, json=asking("Hello.", user="c1"))

    assert [message.text for message in lab.asked[0].messages] == ["Be a pirate.", "Ahoy."]
    assert len(lab.asked) == 1
    assert first.asked[0].messages[0].text.startswith("You are Jamie.")


async def test_a_client_that_hangs_up_before_a_whole_answer_stops_the_turn() -> None:
    stuck = Watched(hangs=True)

    async with a_house(stuck) as house:
        visitor = Visitor(house.app)
        request = asyncio.create_task(visitor.post(PATH, asking("My sink leaks.", user="c1")))
        await stuck.begun.wait()
        call = house.brain.calls.get(CallId("c1"))
        visitor.hang_up()
        await request
        await stuck.stopped.wait()

    assert call is not None
    assert stuck.cancelled == 1


async def test_words_that_newer_ones_took_over_are_told_so_and_not_sent_again() -> None:
    stuck, quick = Watched("stuck", hangs=True), ScriptedClient("quick", reply="Which unit?")

    async with an_openai_client(stuck, quick) as client:
        chat = client.with_options(max_retries=2).chat.completions
        first = asyncio.create_task(
            chat.create(model="stuck", messages=[{"role": "user", "content": "My sink"}], user="c1")
        )
        await stuck.begun.wait()
        newer = await chat.create(
            model="quick", messages=[{"role": "user", "content": "My sink leaks."}], user="c1"
        )
        with pytest.raises(openai.ConflictError, match="superseded by newer words of the same call"):
            await first

    assert newer.choices[0].message.content == "Which unit?"
    assert len(stuck.asked) == 1  # a retry of the older words would have stopped the newer turn


WRONG: list[tuple[str, bytes, int, str]] = [
    ("no JSON", b"{", 400, "The body is not JSON; check its quotes and commas."),
    ("half UTF-8", b'{"model": "\xc3"}', 400, "The body is not UTF-8; send JSON in UTF-8."),
    ("empty", b"", 400, "The body is empty; send a JSON object."),
    ("a number", b"7", 400, 'The body must be a JSON object, such as {"message": "My sink leaks."}.'),
    ("no messages", b'{"model": "jamie"}', 400, "messages: Field required."),
    ("messages are text", b'{"messages": "hi"}', 400, "messages: Input should be a valid list."),
    (
        "a message is null",
        b'{"messages": [null, {"role": "user", "content": "hi"}]}',
        400,
        "messages.0: Input should be a valid dictionary or instance of ChatMessage.",
    ),
    (
        "a message has no role",
        b'{"messages": [{"content": "hi"}]}',
        400,
        "messages.0.role: Field required.",
    ),
    (
        "nobody spoke",
        b'{"messages": []}',
        400,
        "messages: one of them must have the role user and hold words.",
    ),
    (
        "blank words",
        b'{"messages": [{"role": "user", "content": " "}]}',
        400,
        "messages: one of them must have the role user and hold words.",
    ),
    ("wrong model", b'{"model": 7, "messages": []}', 400, "model: Input should be a valid string."),
    (
        "unknown model",
        b'{"model": "gpt-9", "messages": [{"role": "user", "content": "hi"}]}',
        404,
        "No agent or route is called 'gpt-9'; there are: jamie, scripted.",
    ),
]


@pytest.mark.parametrize(("name", "body", "status", "told"), WRONG, ids=[row[0] for row in WRONG])
async def test_wrong_bodies_are_told_in_one_sentence(name: str, body: bytes, status: int, told: str) -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, content=body)

        assert answer.status_code == status
        assert answer.json()["error"]["message"] == told
        assert (await house.http.post(PATH, json=asking("Hello."))).status_code == 200  # it goes on


async def test_one_call_too_many_is_told_to_come_back() -> None:
    async with a_house(max_calls=1) as house:
        await house.http.post(PATH, json=asking("Hello.", user="c1"))
        answer = await house.http.post(PATH, json=asking("Hello.", user="c2"))

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["error"]["message"] == "All lines are busy."
