"""Vapi's webhook: every message is taken, those that want an answer get the right one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from vapi.types import (
    CreateAssistantDto,
    CustomLlmModel,
    ServerMessageResponseAssistantRequest,
    ServerMessageResponseCallEndpointingRequest,
    ServerMessageResponseKnowledgeBaseRequest,
    ServerMessageResponseTransferDestinationRequest,
)

from handlers.vapi.answers import ANSWERS
from tests.handlers.house import CALL_ID, WIRE, House, a_house, a_message, in_shape, notes_of, said_in
from voice.errors import StoreError
from voice.events import CallEnded, CallStarted
from voice.models.scripted import ScriptedClient
from voice.store.memory import MemoryStore
from voice.types import Door, Note

PATH = "/vapi/webhook"


async def ring(house: House) -> None:
    await house.http.post(PATH, json=a_message("status_ringing"))


# Who takes the call


async def test_an_assistant_request_is_answered_with_our_agent_in_vapis_own_shape() -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, json=a_message("assistant_request"))
        call = house.brain.calls.get(CALL_ID)
        agent = house.brain.agents.default

    assert answer.status_code == 200
    found = in_shape(ServerMessageResponseAssistantRequest, answer)
    assert isinstance(found.assistant, CreateAssistantDto)
    assert found.assistant.first_message == agent.greeting
    assert isinstance(found.assistant.model, CustomLlmModel)
    assert found.assistant.model.url == "http://127.0.0.1:8000/vapi"
    assert found.assistant.model.model == "jamie"
    assert call is not None
    assert (call.record.caller, call.thread.greeting) == ("+14155550100", agent.greeting)


@pytest.mark.parametrize(("named", "answers"), [("sam", "sam"), ("nobody", "jamie")])
async def test_the_webhooks_url_may_name_the_agent(tmp_path: Path, named: str, answers: str) -> None:
    lines = ('name = "sam"', 'persona = "You are Sam."', 'greeting = "Sam here."', 'fallbacks = ["Again?"]')
    (tmp_path / "sam.toml").write_text("\n".join(lines))

    async with a_house(agents_dir=tmp_path) as house:
        answer = await house.http.post(f"{PATH}?agent={named}", json=a_message("assistant_request"))
        call = house.brain.calls.get(CALL_ID)

    assert answer.json()["assistant"]["name"] == answers
    assert call is not None
    assert call.agent.name == answers


async def test_the_assistants_url_is_the_public_one_and_its_key_the_secret_that_asked() -> None:
    async with a_house(public_url="https://voice.example.com", vapi_secret="s3cret") as house:
        http = house.from_elsewhere()
        answer = await http.post(
            PATH, json=a_message("assistant_request"), headers={"X-Vapi-Secret": "s3cret"}
        )
        assistant = answer.json()["assistant"]

        assert assistant["model"]["url"] == "https://voice.example.com/vapi"
        assert assistant["credentials"] == [{"provider": "custom-llm", "apiKey": "s3cret"}]
        turn = await http.post(
            "/vapi/chat/completions",
            json=a_message("chat_request"),
            headers={"Authorization": f"Bearer {assistant['credentials'][0]['apiKey']}"},
        )
    assert said_in(turn.text) == "Which unit are you in?"


async def test_behind_a_proxy_the_assistants_url_is_the_one_that_was_asked() -> None:
    headers = {"Host": "line.example.com", "X-Forwarded-Proto": "https"}

    async with a_house(open=True) as house:
        answer = await house.http.post(PATH, json=a_message("assistant_request"), headers=headers)

    assert answer.json()["assistant"]["model"]["url"] == "https://line.example.com/vapi"


async def test_when_all_lines_are_busy_vapi_says_so_to_the_caller() -> None:
    async with a_house(max_calls=1) as house:
        await house.http.post(PATH, json={"message": "Hello.", "call_id": "c1"})
        answer = await house.http.post(PATH, json=a_message("assistant_request"))
        busy = house.brain.agents.default.busy

    assert in_shape(ServerMessageResponseAssistantRequest, answer).error == busy
    assert answer.status_code == 200


# What is only told


async def test_a_ringing_call_is_picked_up_before_its_first_words() -> None:
    async with a_house() as house:
        await ring(house)
        await house.http.post(PATH, json=a_message("status_in_progress"))
        started = [event for event in house.events if isinstance(event, CallStarted)]
        call = house.brain.calls.get(CALL_ID)
        statuses = await notes_of(house, "status")

    assert len(started) == 1
    assert call is not None
    assert call.record.caller == "+14155550100"
    assert [note["status"] for note in statuses] == ["ringing", "in-progress"]


async def test_a_call_that_ended_is_hung_up_once_with_its_reason() -> None:
    async with a_house() as house:
        await ring(house)
        for name in ("status_ended", "status_ended", "end_of_call_report"):
            answer = await house.http.post(PATH, json=a_message(name))
            assert (answer.status_code, answer.json()) == (200, {})
        ended = [event for event in house.events if isinstance(event, CallEnded)]
        live = house.brain.calls.live

    assert [event.reason for event in ended] == ["customer-ended-call"]
    assert live == 0


@pytest.mark.parametrize("late", ["status_ringing", "status_in_progress", "status_forwarding"])
async def test_a_status_that_comes_late_does_not_bring_a_call_back(late: str) -> None:
    async with a_house() as house:
        await ring(house)
        await house.http.post(PATH, json=a_message("status_ended"))
        told = a_message(late)
        told["message"]["timestamp"] += 60_000  # not the message that came before, sent again
        answer = await house.http.post(PATH, json=told)
        live, stored = house.brain.calls.live, await house.store.find(CALL_ID)
        statuses = await notes_of(house, "status")

    assert (answer.status_code, live) == (200, 0)
    assert stored is not None
    assert stored.record.ended_reason == "customer-ended-call"
    assert len(statuses) == 3  # it is kept, all the same


async def test_a_call_that_is_passed_on_is_not_picked_up_for_that() -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, json=a_message("status_forwarding"))
        live = house.brain.calls.live

    assert (answer.status_code, live) == (200, 0)


class Noteless(MemoryStore):
    """A store that can keep no note."""

    def keep_note(self, note: Note) -> None:
        raise StoreError("no note can be kept")


@pytest.mark.parametrize("name", ["status_ended", "end_of_call_report"])
async def test_a_call_ends_even_if_nothing_can_be_noted_of_it(name: str) -> None:
    async with a_house(store=Noteless()) as house:
        await house.brain.calls.pick_up(CALL_ID, Door.VAPI)
        answer = await house.http.post(PATH, json=a_message(name))
        ended = [event.reason for event in house.events if isinstance(event, CallEnded)]
        live = house.brain.calls.live

    assert (answer.status_code, answer.json()) == (200, {})
    assert (ended, live) == (["customer-ended-call"], 0)


async def test_final_transcripts_are_kept_and_partial_ones_are_not() -> None:
    async with a_house() as house:
        await ring(house)
        await house.http.post(PATH, json=a_message("transcript_partial"))
        await house.http.post(PATH, json=a_message("transcript_final"))
        kept = await notes_of(house, "transcript")

    assert kept == [{"role": "user", "transcript": "Book me in for Friday."}]


async def test_the_report_is_kept_whole_but_for_its_secrets() -> None:
    async with a_house() as house:
        await ring(house)
        await house.http.post(PATH, json=a_message("end_of_call_report"))
        [report] = await notes_of(house, "report")

    assert "not-a-real" not in json.dumps(report)
    raw = report["raw"]
    assert raw["phoneNumber"] == {"number": "+14155550199", "twilioAuthToken": "[removed]"}
    assert raw["costBreakdown"]["llmPromptTokens"] == 12
    assert raw["artifact"]["transcript"] == report["transcript"] == "AI: Hello.\nUser: My sink leaks."


BROKEN: list[tuple[str, str]] = [
    ('"summary": ""', '"summary": "All is well \\ud83d"'),
    ('"cost": 0.0421', '"cost": 1e400'),
    ('"cost": 0.0421', '"cost": 123456789012345678901234567890'),
    ('"llm": 0,', '"llm": NaN,'),
]


@pytest.mark.parametrize(("whole", "broken"), BROKEN)
async def test_a_report_with_half_an_emoji_or_an_endless_number_is_taken(whole: str, broken: str) -> None:
    body = json.dumps(a_message("end_of_call_report")).replace(whole, broken)
    assert broken in body

    async with a_house() as house:
        await ring(house)
        answer = await house.http.post(PATH, content=body)
        live = house.brain.calls.live
        [report] = await notes_of(house, "report")

    assert (answer.status_code, answer.json(), live) == (200, {}, 0)
    assert report["duration_s"] == 31.5


@pytest.mark.parametrize("body", [b'{"message": {"type": "hang"}', b'{"message": {"type": "\xc3"}}', b""])
async def test_what_is_no_json_is_told_to_its_developer(body: bytes) -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, content=body)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("The body is ")


def told(name: str) -> bool:
    """Whether a file of examples is a server message that wants no answer."""
    found = a_message(name)
    return "message" in found and found["message"]["type"] not in ANSWERS


TOLD = [path.stem for path in sorted(WIRE.glob("*.json")) if told(path.stem)]


@pytest.mark.parametrize("name", TOLD)
async def test_every_message_that_wants_no_answer_is_taken(name: str) -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, json=a_message(name))
        refused = (await house.http.get("/admin/refused")).json()["refused"]

    assert (answer.status_code, answer.json(), refused) == (200, {}, [])


@pytest.mark.parametrize("name", TOLD)
async def test_no_secret_that_a_message_brings_along_is_kept(name: str) -> None:
    async with a_house() as house:
        await house.http.post(PATH, json=a_message(name))
        shown = (await house.http.get(f"/admin/calls/{CALL_ID}")).text

    assert "not-a-real" not in shown


async def test_requests_that_we_have_no_answer_for_get_an_empty_one_of_the_right_shape() -> None:
    async with a_house() as house:
        transfer = await house.http.post(PATH, json=a_message("transfer_destination_request"))
        handoff = await house.http.post(PATH, json=a_message("handoff_destination_request"))
        documents = await house.http.post(PATH, json=a_message("knowledge_base_request"))
        endpointing = await house.http.post(PATH, json=a_message("endpointing_request"))

    refused = in_shape(ServerMessageResponseTransferDestinationRequest, transfer)
    assert refused.destination is None
    assert refused.error
    assert handoff.json() == transfer.json()
    assert in_shape(ServerMessageResponseKnowledgeBaseRequest, documents).documents == []
    wait = in_shape(ServerMessageResponseCallEndpointingRequest, endpointing)
    assert wait.timeout_seconds == 0.5


@pytest.mark.parametrize("spelling", ["wrapped", "bare", "beside", "in the header"])
async def test_the_call_is_found_however_the_message_is_wrapped(spelling: str) -> None:
    message = a_message("status_ringing")["message"]
    call = message.pop("call")
    bodies: dict[str, dict[str, Any]] = {
        "wrapped": {"message": {**message, "call": call}},
        "bare": {**message, "call": call},
        "beside": {"message": message, "call": call},
        "in the header": {"message": message},
    }
    headers = {"X-Call-Id": CALL_ID} if spelling == "in the header" else {}

    async with a_house() as house:
        await house.http.post(PATH, json=bodies[spelling], headers=headers)

        assert house.brain.calls.get(CALL_ID) is not None


ODD: list[dict[str, Any]] = [
    {"type": "status-update", "status": 7, "call": {"id": "c1"}},
    {"type": "status-update", "status": "ended"},
    {"type": "status-update", "status": "ended", "call": {"id": ["c1"]}},
    {"type": "transcript", "transcript": {"text": "hi"}, "call": "c1"},
    {"type": "end-of-call-report", "call": {"id": "c1"}, "endedReason": None},
    {"type": "tool-calls", "toolCallList": "ticket", "call": {"id": "c1"}},
    {"type": "function-call", "functionCall": [], "call": {"id": "c1"}},
]


@pytest.mark.parametrize("message", ODD)
async def test_an_odd_message_is_taken_and_the_server_goes_on(message: dict[str, Any]) -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, json={"message": message})
        after = await house.http.post(PATH, json={"message": "Hello."})

    assert (answer.status_code, after.status_code) == (200, 200)


async def test_a_chat_that_was_sent_here_is_served() -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, json=a_message("chat_request"))

    assert said_in(answer.text) == "Which unit are you in?"


async def test_a_whole_call_keeps_its_thread_through_webhook_and_model_door() -> None:
    model = ScriptedClient(reply=["Which unit?", "Thank you."])
    talk = a_message("chat_request")
    further = {
        **talk,
        "metadata": {"numAssistantTurns": 2, "numUserTurns": 2},
        "messages": [
            *talk["messages"],
            {"role": "assistant", "content": "which unit"},
            {"role": "user", "content": "Four b."},
        ],
    }

    async with a_house(model) as house:
        await house.http.post(PATH, json=a_message("assistant_request"))
        await house.http.post("/vapi/chat/completions", json=talk)
        await house.http.post("/vapi/chat/completions", json=further)
        await house.http.post(PATH, json=a_message("status_ended"))
        stored = await house.store.find(CALL_ID)

    assert stored is not None
    assert [(turn.said, turn.spoken) for turn in stored.turns] == [
        ("My sink leaks.", "Which unit?"),
        ("Four b.", "Thank you."),
    ]
    assert stored.record.ended_reason == "customer-ended-call"
    assert [message.text for message in model.asked[1].messages[1:]] == [
        stored.record.greeting,
        "My sink leaks.",
        "Which unit?",
        "Four b.",
    ]
