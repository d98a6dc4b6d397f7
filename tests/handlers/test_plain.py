"""The developer's plain body, at /chat and at /vapi/webhook: one curl, one answer, one thread."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from handlers.wire.plain import PlainMessage
from handlers.wire.reading import read_object
from tests.handlers.house import Visitor, Watched, a_house, events_of
from voice.clock import Deadline
from voice.models.scripted import ScriptedClient
from voice.types import CallId, Door, Finish, Hear, Prompt

DOORS = ["/chat", "/vapi/webhook"]


@pytest.mark.parametrize(("path", "door"), [("/chat", Door.CHAT), ("/vapi/webhook", Door.WEBHOOK)])
async def test_words_are_answered_and_the_call_goes_on_by_its_id(path: str, door: Door) -> None:
    model = ScriptedClient(reply=["Which unit?", "Thank you."])

    async with a_house(model) as house:
        first = await house.http.post(path, json={"message": "Test AC repair", "caller": "+1234567890"})
        call_id = first.json()["call_id"]
        second = await house.http.post(path, json={"message": "Four b.", "call_id": call_id})
        call = house.brain.calls.get(CallId(call_id))

    answer = first.json()
    assert (answer["reply"], answer["agent"]) == ("Which unit?", "jamie")
    assert set(answer["timing_ms"]) == {"first_token", "first_chunk", "total"}
    assert answer["timing_ms"]["total"] >= answer["timing_ms"]["first_chunk"] >= 0
    assert second.json()["reply"] == "Thank you."
    assert second.json()["call_id"] == call_id
    assert call is not None
    assert (call.record.door, call.record.caller) == (door, "+1234567890")
    assert [message.text for message in model.asked[1].messages[1:]] == [
        "Test AC repair",
        "Which unit?",
        "Four b.",
    ]


async def test_the_same_words_twice_are_two_turns() -> None:
    model = ScriptedClient(reply=["First.", "Second."])

    async with a_house(model) as house:
        for _ in range(2):
            answer = await house.http.post("/chat", json={"message": "Yes.", "call_id": "c1"})

    assert answer.json()["reply"] == "Second."


async def test_chat_streams_when_asked_to() -> None:
    async with a_house(ScriptedClient(reply="Sure. Which unit?")) as house:
        answer = await house.http.post(
            "/chat",
            json={"message": "My sink leaks.", "call_id": "c1"},
            headers={"Accept": "text/event-stream"},
        )

    chunks, done = events_of(answer.text)[:-1], events_of(answer.text)[-1]
    assert chunks == [("chunk", {"text": "Sure."}), ("chunk", {"text": "Which unit?"})]
    assert done[0] == "done"
    assert (done[1]["reply"], done[1]["call_id"]) == ("Sure. Which unit?", "c1")
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_a_client_that_hangs_up_stops_the_turn() -> None:
    stuck = Watched(hangs=True)

    async with a_house(stuck) as house:
        visitor = Visitor(house.app)
        request = asyncio.create_task(visitor.post("/chat", {"message": "My sink leaks."}))
        await stuck.begun.wait()
        visitor.hang_up()
        await request
        await stuck.stopped.wait()

    assert stuck.cancelled == 1


WRONG: list[tuple[object, int, str]] = [
    ({"message": ""}, 400, "message: must hold at least one word."),
    ({"message": " \n\t\x00"}, 400, "message: must hold at least one word."),
    ({"message": 7}, 400, "message: Input should be a valid string."),
    ({"message": None}, 400, "message: Input should be a valid string."),
    ({"message": ["hi"]}, 400, "message: Input should be a valid string."),
    ({}, 400, "message: Field required."),
    ({"message": "x" * 8001}, 400, "message: String should have at most 8000 characters."),
    ({"message": "hi", "call_id": 1.5}, 400, "call_id: must be text of 1 to 200 characters without blanks."),
    ({"message": "hi", "call_id": ""}, 400, "call_id: must be text of 1 to 200 characters without blanks."),
    (
        {"message": "hi", "call_id": "a b"},
        400,
        "call_id: must be text of 1 to 200 characters without blanks.",
    ),
    ({"message": "hi", "caller": {"number": 1}}, 400, "caller: Input should be a valid string."),
    ({"message": "hi", "agent": 7}, 400, "agent: Input should be a valid string."),
    ({"message": "hi", "agent": "kim"}, 404, "no agent is called 'kim'; there are: jamie"),
    ([], 400, 'The body must be a JSON object, such as {"message": "My sink leaks."}.'),
]


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize(("body", "status", "told"), WRONG)
async def test_wrong_bodies_are_told_in_one_sentence(path: str, body: object, status: int, told: str) -> None:
    async with a_house() as house:
        answer = await house.http.post(path, json=body)

        assert answer.status_code == status
        assert answer.json()["error"]["message"] == told
        assert (await house.http.post(path, json={"message": "Hello."})).status_code == 200  # it goes on


BYTES: list[tuple[bytes, str]] = [
    (b'{"message": "hi"', "The body is not JSON; check its quotes and commas."),
    (b'{"message": "\xc3"}', "The body is not UTF-8; send JSON in UTF-8."),
    (b'{"message": "\\ud83d"}', "message: must hold at least one word."),  # half an emoji, nothing else
    (b'{"message": "hi\\ud83d}', "The body is not JSON; check its quotes and commas."),
    (b"", "The body is empty; send a JSON object."),
    (b"[" * 5000, "The body is not JSON; check its quotes and commas."),
]


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize(("body", "told"), BYTES)
async def test_wrong_bytes_are_told_in_one_sentence(path: str, body: bytes, told: str) -> None:
    async with a_house() as house:
        answer = await house.http.post(path, content=body)

    assert (answer.status_code, answer.json()["error"]["message"]) == (400, told)


ODD: list[bytes] = [
    b'{"message": "My sink leaks. \\ud83d"}',
    b'{"message": "My sink leaks. \\ude00"}',
    b'{"message": "My sink leaks.", "app": {"\\ud83d": ["\\ud83d"]}}',
    b'{"message": "My sink leaks.", "cost": 1e400}',
    b'{"message": "My sink leaks.", "cost": -%b}' % (b"9" * 5000),
    b'{"message": "My sink leaks.", "cost": NaN}',
]


@pytest.mark.parametrize("path", DOORS)
@pytest.mark.parametrize("body", ODD, ids=lambda body: str(body[:60]))
async def test_half_an_emoji_or_a_number_beyond_all_bounds_costs_no_turn(path: str, body: bytes) -> None:
    model = ScriptedClient(reply="Which unit?")

    async with a_house(model) as house:
        answer = await house.http.post(path, content=body)

    assert (answer.status_code, answer.json()["reply"]) == (200, "Which unit?")
    assert model.asked[0].messages[-1].text == "My sink leaks."


def test_a_whole_emoji_beside_half_a_one_is_kept() -> None:
    assert read_object(b'{"message": "\\ud83d\\ude00 \\ud83d"}') == {"message": "\U0001f600 "}


def test_plain_words_are_heard_in_the_agents_language() -> None:
    assert PlainMessage(message="Hola.").utterance(0.0, "es-US").language == "es-US"


class HangsAtFirst(Watched):
    """Never answers the first time, and at once from then on."""

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        self._hangs = not self.asked
        return await super().write(prompt, deadline, hear)


@pytest.mark.parametrize("path", DOORS)
async def test_words_that_newer_ones_took_over_are_told_so_and_not_answered_with_nothing(path: str) -> None:
    model = HangsAtFirst(reply="Which unit?")

    async with a_house(model) as house:
        first = asyncio.create_task(house.http.post(path, json={"message": "My sink", "call_id": "c1"}))
        await model.begun.wait()
        newer = await house.http.post(path, json={"message": "My sink leaks.", "call_id": "c1"})
        older = await first

    assert newer.json()["reply"] == "Which unit?"
    assert older.status_code == 409
    assert older.json()["error"]["message"] == "This turn was superseded by newer words of the same call."


async def test_words_on_a_call_that_is_hung_up_meanwhile_are_told_so() -> None:
    stuck = Watched(hangs=True)

    async with a_house(stuck) as house:
        request = asyncio.create_task(house.http.post("/chat", json={"message": "Hi.", "call_id": "c1"}))
        await stuck.begun.wait()
        await house.brain.calls.hang_up(CallId("c1"), "hung up")
        answer = await request

    assert answer.status_code == 409
    assert answer.json()["error"]["message"] == "The call was hung up before this turn was answered."


async def test_what_was_said_before_the_hang_up_is_still_answered() -> None:
    model = Watched(reply="Which unit are you in? I", after_words=6, hangs=True)

    async with a_house(model) as house:
        request = asyncio.create_task(house.http.post("/chat", json={"message": "Hi.", "call_id": "c1"}))
        await model.begun.wait()
        call = house.brain.calls.get(CallId("c1"))
        assert call is not None
        assert call.live is not None
        async for _ in call.live.listen():
            break
        await house.brain.calls.hang_up(CallId("c1"), "hung up")
        answer = await request

    assert (answer.status_code, answer.json()["reply"]) == (200, "Which unit are you in?")


async def test_a_reply_that_newer_words_have_cut_is_nobodys_answer() -> None:
    model = Watched(reply="Which unit are you in? I", after_words=6, hangs=True)

    async with a_house(model) as house:
        older = asyncio.create_task(house.http.post("/chat", json={"message": "Hi.", "call_id": "c1"}))
        await model.begun.wait()
        call = house.brain.calls.get(CallId("c1"))
        assert call is not None
        assert call.live is not None
        async for _ in call.live.listen():
            break
        newer = asyncio.create_task(house.http.post("/chat", json={"message": "4B.", "call_id": "c1"}))
        answer = await older
        newer.cancel()
        await asyncio.wait([newer])

    assert answer.status_code == 409


async def test_words_arrive_as_one_line_without_control_characters() -> None:
    model = ScriptedClient()
    body: dict[str, Any] = {"message": "My\nsink\x00 leaks \u0007 – é 漏水.", "caller": "+1\x00 415"}

    async with a_house(model) as house:
        await house.http.post("/chat", json=body)

    assert model.asked[0].messages[-1].text == "My sink leaks – é 漏水."
