"""Calls that are over, and requests that belong to none: nothing is kept live for them."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.vapi.control import Controls
from tests.handlers.house import CALL_ID, a_house, a_message, a_request, notes_of, said_in
from voice.models.scripted import ScriptedClient
from voice.store.memory import MemoryStore

PATH = "/vapi/chat/completions"
WEBHOOK = "/vapi/webhook"


@pytest.mark.parametrize("messages", [[], [{"role": "system", "content": "Be kind."}],
    [{"role": "assistant", "content": "Hello."}]])  # fmt: skip
async def test_requests_without_an_id_and_words_take_no_line(messages: list[dict[str, Any]]) -> None:
    async with a_house(max_calls=2) as house:
        for _ in range(3):
            answer = await house.http.post(PATH, json={"messages": messages, "stream": True})
            live = house.brain.calls.live

    assert said_in(answer.text)
    assert live == 0


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_turn_that_comes_after_the_report_does_not_bring_the_call_back(restarts: bool) -> None:
    model, store = ScriptedClient(reply="Which unit?"), MemoryStore()

    async with a_house(model, store=store) as house:
        await house.http.post(PATH, json=a_request("My sink leaks."))
        await house.http.post(WEBHOOK, json=a_message("end_of_call_report"))
        if not restarts:
            late = await house.http.post(PATH, json=a_request("My sink leaks.", "Four b."))
            live = house.brain.calls.live
    if restarts:
        async with a_house(model, store=store) as house:
            late = await house.http.post(PATH, json=a_request("My sink leaks.", "Four b."))
            live = house.brain.calls.live

    assert live == 0
    assert said_in(late.text)
    assert late.headers["X-Offhook-Problem"] == "This call has ended."
    assert len(model.asked) == 1


@pytest.mark.parametrize("is_live", [True, False])
async def test_a_call_that_is_deleted_at_vapi_holds_no_line_any_more(is_live: bool) -> None:
    async with a_house() as house:
        if is_live:
            await house.http.post(PATH, json=a_request("My sink leaks."))
        answer = await house.http.post(WEBHOOK, json=a_message("call_deleted"))
        late = await house.http.post(PATH, json=a_request("My sink leaks.", "Four b."))
        notes, live = await notes_of(house, "call.deleted"), house.brain.calls.live
        stored = await house.store.find(CALL_ID)

    assert (answer.json(), live) == ({}, 0)
    assert late.headers["X-Offhook-Problem"] == "This call has ended."
    assert len(notes) == is_live  # of a call that nobody knows nothing is shown
    assert (stored is not None and stored.record.ended_reason == "call-deleted") is is_live


async def test_a_caller_whose_quiet_call_we_let_go_of_is_answered() -> None:
    async with a_house() as house:
        await house.http.post(PATH, json=a_request("My sink leaks."))
        await house.brain.calls.hang_up(CALL_ID, "quiet")
        answer = await house.http.post(PATH, json=a_request("My sink leaks.", "Four b."))

    assert said_in(answer.text) == "Which unit are you in?"


async def test_what_comes_after_the_report_does_not_make_a_call_steerable_again() -> None:
    call = {"id": CALL_ID, "monitor": {"controlUrl": "https://a.vapi.ai/control"}}

    async with Controls(("vapi.ai",)) as controls:
        controls.notice(CALL_ID, {"type": "transcript", "call": call})
        before = controls.knows(CALL_ID)
        controls.notice(CALL_ID, {"type": "end-of-call-report", "call": call})
        controls.notice(CALL_ID, {"type": "transcript", "call": call})
        after = controls.knows(CALL_ID)

    assert (before, after) == (True, False)
