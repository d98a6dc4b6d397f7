"""Webhooks that are sent again, through the doors: one effect, the same answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from handlers.wire.place import Place
from tests.conftest import VirtualTime
from tests.handlers.house import CALL_ID, a_house, a_message, a_request, notes_of, said_in
from tests.handlers.twilio_door import CALL, a_door, message
from voice.events import CallEnded, ToolUsed
from voice.models.scripted import ScriptedClient
from voice.store.memory import MemoryStore
from voice.store.sql import SqlStore
from voice.tools.all import TOOLS
from voice.tools.base import ToolUse
from voice.types import Json, ToolSpec

WEBHOOK = "/vapi/webhook"

# Each with the kind of note it leaves.
TOLD = [
    ({"type": "status-update", "status": "in-progress"}, "status"),
    ({"type": "status-update", "status": "ended", "endedReason": "customer-ended-call"}, "status"),
    ({"type": "end-of-call-report", "endedReason": "customer-ended-call"}, "report"),
    ({"type": "transcript", "role": "user", "transcriptType": "final", "transcript": "Yes."}, "transcript"),
    ({"type": 'transcript[transcriptType="final"]', "role": "user", "transcript": "Yes."}, "transcript"),
    ({"type": "hang"}, "hang"),
    ({"type": "user-interrupted", "turnId": "t1"}, "user-interrupted"),
    ({"type": "transfer-update", "destination": {}}, "transfer-update"),
]


def stamped(told: Mapping[str, Any], at: int = 1_795_000_000_000) -> dict[str, Any]:
    return {"message": {**told, "timestamp": at, "call": {"id": CALL_ID}}}


@pytest.mark.parametrize(("told", "kind"), TOLD)
async def test_what_vapi_tells_twice_is_noted_once_also_after_a_restart(
    told: dict[str, Any], kind: str
) -> None:
    store = MemoryStore()
    async with a_house(store=store) as house:
        await house.http.post(WEBHOOK, json=a_message("status_ringing"))
        answers = [await house.http.post(WEBHOOK, json=stamped(told)) for _ in range(2)]
    async with a_house(store=store) as house:
        answers.append(await house.http.post(WEBHOOK, json=stamped(told)))
        notes = await notes_of(house, kind)

    assert [answer.text for answer in answers] == ["{}"] * 3
    assert len([note for note in notes if note.get("status") != "ringing"]) == 1


@pytest.mark.parametrize(("told", "kind"), TOLD)
async def test_the_same_words_at_another_time_are_another_message(told: dict[str, Any], kind: str) -> None:
    async with a_house() as house:
        await house.http.post(WEBHOOK, json=a_message("status_ringing"))
        for at in (1_795_000_000_000, 1_795_000_002_000):
            await house.http.post(WEBHOOK, json=stamped(told, at))
        notes = await notes_of(house, kind)

    assert len([note for note in notes if note.get("status") != "ringing"]) == 2


async def test_a_ring_that_is_told_again_after_the_end_brings_no_call_back() -> None:
    async with a_house() as house:
        first = await house.http.post(WEBHOOK, json=a_message("assistant_request"))
        await house.http.post(WEBHOOK, json=a_message("status_ended"))
        again = await house.http.post(WEBHOOK, json=a_message("assistant_request"))
        ended = [event for event in house.events if isinstance(event, CallEnded)]
        live = house.brain.calls.live

    assert again.text == first.text
    assert (live, len(ended)) == (0, 1)


async def test_who_takes_the_call_is_the_same_after_a_restart_and_no_secret_is_kept() -> None:
    store, asked = MemoryStore(), a_message("assistant_request")
    headers = {"X-Vapi-Secret": "s3cret"}
    async with a_house(store=store, vapi_secret="s3cret") as house:
        first = await house.http.post(WEBHOOK, json=asked, headers=headers)
    async with a_house(store=store, vapi_secret="s3cret") as house:
        again = await house.http.post(WEBHOOK, json=asked, headers=headers)

    assert again.text == first.text
    assert "s3cret" in first.text
    assert "s3cret" not in repr(vars(store))


async def test_who_was_told_that_all_lines_are_busy_is_told_so_again() -> None:
    async with a_house(max_calls=1) as house:
        await house.http.post(WEBHOOK, json={"message": "Hello.", "call_id": "c1"})
        answers = [await house.http.post(WEBHOOK, json=a_message("assistant_request")) for _ in range(2)]
        busy = house.brain.agents.default.busy

    assert [answer.json() for answer in answers] == [{"error": busy}] * 2


# Tools


class Slow:
    """A tool that takes its time and counts its uses."""

    spec = ToolSpec("slow", "Takes its time.", {"type": "object", "properties": {}})
    action = None

    def __init__(self, takes_s: float = 2.0) -> None:
        self.uses, self._takes_s = 0, takes_s

    async def use(self, use: ToolUse) -> str:
        self.uses += 1
        await asyncio.sleep(self._takes_s)
        return f"Done for {use.arguments.get('who')}."


def wanted(tool_id: str = "call_9", at: int = 1_795_000_000_000, **arguments: Json) -> dict[str, Any]:
    asked = {"id": tool_id, "function": {"name": "slow", "arguments": arguments}}
    return stamped({"type": "tool-calls", "toolCallList": [asked]}, at)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Slow:
    """One more tool on the list, and an agent who uses it, for this test."""
    tool = Slow()
    monkeypatch.setitem(TOOLS, tool.spec.name, lambda kit: tool)  # type: ignore[index]  # a dict, shown as a mapping
    lines = ('name = "jamie"', 'persona = "Jamie."', 'greeting = "Hello."', 'fallbacks = ["Pardon?"]')
    (tmp_path / "jamie.toml").write_text("\n".join([*lines, 'tools = ["slow"]']), encoding="utf-8")
    monkeypatch.setenv("OFFHOOK_AGENTS_DIR", str(tmp_path))
    return tool


@pytest.mark.parametrize("name", ["tool_calls_object", "tool_calls_hook", "function_call"])
async def test_a_tool_that_is_asked_for_again_after_a_restart_does_not_run_twice(name: str) -> None:
    store = MemoryStore()
    async with a_house(store=store) as house:
        first = await house.http.post(WEBHOOK, json=a_message(name))
    async with a_house(store=store) as house:
        again = await house.http.post(WEBHOOK, json=a_message(name))
        tickets = await notes_of(house, "ticket")
        used = [event for event in house.events if isinstance(event, ToolUsed)]

    assert again.text == first.text
    assert "is open" in again.text
    assert (len(tickets), used) == (1, [])


async def test_a_tool_does_not_run_twice_over_a_database_either(tmp_path: Path) -> None:
    answers = []
    for _ in range(2):
        async with a_house(store=SqlStore(f"sqlite:///{tmp_path}/offhook.db")) as house:
            answers.append(await house.http.post(WEBHOOK, json=a_message("tool_calls_object")))
            tickets = await notes_of(house, "ticket")

    assert answers[0].text == answers[1].text
    assert "is open" in answers[1].text
    assert len(tickets) == 1


async def test_a_tool_that_is_asked_for_again_in_another_message_does_not_run_twice(
    virtual_time: VirtualTime, slow: Slow
) -> None:
    async with a_house() as house:
        first = asyncio.create_task(house.http.post(WEBHOOK, json=wanted(who="Kim")))
        await asyncio.sleep(1.0)
        again = await house.http.post(WEBHOOK, json=wanted(at=1_795_000_001_000, who="Kim"))

        assert again.json() == (await first).json()

    assert again.json()["results"][0]["result"] == "Done for Kim."
    assert slow.uses == 1


async def test_two_processes_that_are_asked_for_one_tool_at_once_run_it_once(
    virtual_time: VirtualTime, slow: Slow
) -> None:
    store = MemoryStore()
    async with a_house(store=store) as one, a_house(store=store) as other:
        answers = await asyncio.gather(
            *(house.http.post(WEBHOOK, json=wanted(who="Kim")) for house in (one, other))
        )

    assert answers[0].json() == answers[1].json()
    assert slow.uses == 1


async def test_a_tool_whose_answer_was_lost_is_not_run_again_and_the_model_is_told(
    virtual_time: VirtualTime, slow: Slow
) -> None:
    class Forgetful(MemoryStore):
        """Its process dies before any answer is written."""

        def keep_answer(self, key: str, answer: Json) -> None:
            if answer is None:
                super().keep_answer(key, answer)

    store = Forgetful()
    async with a_house(store=store) as house:
        await house.http.post(WEBHOOK, json=wanted(who="Kim"))
    async with a_house(store=store) as house:
        began_s = virtual_time.elapsed_s
        again = await house.http.post(WEBHOOK, json=wanted(who="Kim"))
        took_s = virtual_time.elapsed_s - began_s

    assert again.json()["results"][0]["error"].startswith("Nobody knows whether this was done.")
    assert slow.uses == 1
    assert took_s < 20.0  # Vapi's patience


# Turns: their own key tells a repeat


async def test_a_vapi_request_that_comes_again_after_a_restart_gets_the_stored_answer() -> None:
    store, model = MemoryStore(), ScriptedClient(reply=["First answer.", "Another one."])
    body = a_request("My sink leaks.", metadata={"numAssistantTurns": 1, "numUserTurns": 1})
    async with a_house(model, store=store) as house:
        first = await house.http.post("/vapi/chat/completions", json=body)
    async with a_house(model, store=store) as house:
        again = await house.http.post("/vapi/chat/completions", json=body)

    assert said_in(again.text) == said_in(first.text) == "First answer."
    assert len(model.asked) == 1


async def test_a_vapi_request_that_comes_again_late_does_not_stop_what_is_said_now(
    virtual_time: VirtualTime,
) -> None:
    model = ScriptedClient(reply=["First answer.", "Second answer."], first_s=0.5)
    older = a_request("My sink leaks.")
    newer = a_request("My sink leaks.", "Four b.")
    async with a_house(model) as house:
        await house.http.post("/vapi/chat/completions", json=older)
        running = asyncio.create_task(house.http.post("/vapi/chat/completions", json=newer))
        await asyncio.sleep(0.2)
        late = await house.http.post("/vapi/chat/completions", json=older)

        assert said_in((await running).text) == "Second answer."
    assert said_in(late.text) == "First answer."
    assert len(model.asked) == 2


# Twilio


async def test_a_status_that_twilio_sends_again_is_noted_once_whatever_its_token_says() -> None:
    store = MemoryStore()
    async with a_door(store=store) as door:
        await door.hear("/twilio/voice", "voice")
        for token in ("t1", "t1", "t2"):
            answer = await door.post(
                "/twilio/status", message("status"), {"I-Twilio-Idempotency-Token": token}
            )
            assert answer.status_code == 204
    async with a_door(store=store) as door:
        await door.post("/twilio/status", message("status"))
        found = await store.find(CALL)

    assert found is not None
    assert [note.kind for note in found.notes] == ["status"]


async def test_another_status_under_the_same_token_is_taken() -> None:
    async with a_door() as door:
        await door.hear("/twilio/voice", "voice")
        headers = {"I-Twilio-Idempotency-Token": "t1"}
        await door.post("/twilio/status", {**message("status"), "CallStatus": "in-progress"}, headers)
        await door.post("/twilio/status", message("status"), headers)
        live = door.brain.calls.live

    assert live == 0


async def test_a_gather_that_comes_again_gets_the_same_document_at_any_time(
    virtual_time: VirtualTime,
) -> None:
    model = ScriptedClient(reply="Somebody comes today. They will call first.", first_s=5.0)

    async def asked(path: str, after_s: float) -> httpx.Response:
        await asyncio.sleep(after_s)
        return await door.post(path, message("gather"))

    async with a_door(model) as door:
        first, joined = await asyncio.gather(*(asked("/twilio/gather?turn=1", wait) for wait in (0.0, 2.0)))
        running = await asked("/twilio/gather?turn=1", 0.1)
        rest = await door.hear("/twilio/gather?turn=1&from=1", "voice")
        ended = await asked("/twilio/gather?turn=1", 0.0)
        rest_again = await door.hear("/twilio/gather?turn=1&from=1", "voice")

    assert first.text == joined.text == running.text == ended.text
    assert "turn=1&amp;from=1" in first.text
    assert rest.words == "Somebody comes today. They will call first."
    assert rest_again.answer.text == rest.answer.text
    assert len(model.asked) == 1


async def test_after_a_restart_the_rest_of_a_reply_does_not_say_its_beginning_again(
    virtual_time: VirtualTime,
) -> None:
    store = MemoryStore()
    model = ScriptedClient(reply="First sentence here. Second one follows. A third ends it.", every_s=0.4)
    async with a_door(model, store=store) as door:
        first = await door.hear("/twilio/gather?turn=1")
        await asyncio.sleep(5.0)  # the turn ends; then the server does
    async with a_door(model, store=store) as door:
        assert first.redirect is not None
        rest = await door.hear(first.redirect, "voice")

    assert first.words == "First sentence here."
    assert rest.words == "Second one follows. A third ends it."
    assert rest.action == "/twilio/gather?turn=2"
    assert len(model.asked) == 1


async def test_a_caller_who_keeps_silent_twice_is_not_taken_for_a_retry(virtual_time: VirtualTime) -> None:
    async with a_door() as door:
        first = await door.hear("/twilio/gather?turn=1", "gather_empty")
        retried = await door.hear("/twilio/gather?turn=1", "gather_empty")
        second = await door.hear(first.action, "gather_empty")

    assert retried.answer.text == first.answer.text
    assert second.words != first.words


async def test_the_same_words_at_a_url_without_a_turn_are_new_words(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply=["First.", "Second."])
    async with a_door(model) as door:
        documents = [await door.hear("/twilio/gather", SpeechResult="Yes.") for _ in range(2)]

    assert [document.words for document in documents] == ["First.", "Second."]


def test_a_hop_without_news_leads_to_another_url() -> None:
    first = Place(turn=1).rest(1, 1, 0)
    second = first.rest(1, 1, 0)

    assert [one.query() for one in (first, second, second.next_turn(1))] == [
        "turn=1&from=1",
        "turn=1&from=1&waited=1",
        "turn=2",
    ]
