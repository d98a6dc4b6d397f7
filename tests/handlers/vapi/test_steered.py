"""A call on which an operator speaks: what the model reads of it, what is kept, what the caller hears."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.handlers.house import CALL_ID, House, a_house, a_request, said_in
from tests.handlers.vapi.test_control import a_control_host, with_monitor
from voice.models.scripted import ScriptedClient
from voice.store.memory import MemoryStore
from voice.threads.export import export_call

PATH = "/vapi/chat/completions"
PLUMBER = "The plumber is on his way."
TENANT = "The caller is a new tenant."
HELLO = {"role": "assistant", "content": "Hello."}


@asynccontextmanager
async def a_steered_house(
    model: ScriptedClient, store: MemoryStore | None = None
) -> AsyncIterator[tuple[House, str]]:
    """A house, and the control URL of its calls."""
    hosts = ("127.0.0.1",)
    async with a_control_host() as (url, _), a_house(model, store=store, vapi_control_hosts=hosts) as house:
        yield house, url


def after(*said: tuple[str, str], **changes: Any) -> dict[str, Any]:
    """A request behind the greeting; of each message the role and the text."""
    messages = [HELLO, *({"role": role, "content": text} for role, text in said)]
    return a_request("-", messages=messages, **changes)


def read_by(model: ScriptedClient) -> list[tuple[str, str]]:
    """What the model was asked last, without the persona."""
    return [(one.role, one.text) for one in model.asked[-1].messages[1:]]


SINK = ("user", "my sink leaks")
WHICH = ("assistant", "which unit")
SAID = [
    ("between two turns", [SINK, WHICH, ("assistant", PLUMBER)], f"Which unit? {PLUMBER}"),
    ("in one message", [SINK, ("assistant", f"which unit? {PLUMBER}")], f"Which unit? {PLUMBER}"),
    ("before the reply", [SINK, ("assistant", PLUMBER), WHICH], f"{PLUMBER} Which unit?"),
]  # fmt: skip


@pytest.mark.parametrize("is_restarted", [False, True], ids=["live", "restarted"])
@pytest.mark.parametrize(("name", "told", "heard"), SAID, ids=[name for name, _, _ in SAID])
async def test_the_model_knows_what_an_operator_said_to_the_caller(
    name: str, told: list[tuple[str, str]], heard: str, is_restarted: bool
) -> None:
    store, model = MemoryStore(), ScriptedClient(reply=["Which unit?", "Thanks.", "Soon."])
    ends = [("user", "unit 4b"), ("assistant", "thanks"), ("user", "when does he come")]
    async with a_steered_house(model, store) as (house, url):
        await house.http.post(PATH, json=with_monitor(after(SINK), url))
        await house.http.post(f"/admin/calls/{CALL_ID}/say", json={"text": PLUMBER})
        await house.http.post(PATH, json=after(*told, ends[0]))
        if not is_restarted:
            await house.http.post(PATH, json=after(*told, *ends))
    if is_restarted:
        async with a_house(model, store=store) as house:
            await house.http.post(PATH, json=after(*told, *ends))

    assert read_by(model) == [
        ("assistant", "Hello."),
        ("user", "my sink leaks"),
        ("assistant", heard),
        ("user", "unit 4b"),
        ("assistant", "Thanks."),
        ("user", "when does he come"),
    ]


async def test_an_operators_last_words_stand_in_the_exported_call_though_nobody_spoke_after_them() -> None:
    store = MemoryStore()
    async with a_steered_house(ScriptedClient(reply="Which unit?"), store) as (house, url):
        await house.http.post(PATH, json=with_monitor(after(SINK), url))
        await house.http.post(f"/admin/calls/{CALL_ID}/say", json={"text": PLUMBER, "end": True})

    stored = await store.find(CALL_ID)
    assert stored is not None
    assert f"agent   {PLUMBER} (said by others)" in export_call(stored, "text")
    assert f"Which unit? {PLUMBER}" in export_call(stored, "chat")


async def test_words_that_vapi_did_not_take_are_not_remembered() -> None:
    store = MemoryStore()
    async with a_house(store=store) as house:
        await house.http.post(PATH, json=after(SINK))
        refused = await house.http.post(f"/admin/calls/{CALL_ID}/say", json={"text": PLUMBER})
        call = house.brain.calls.get(CALL_ID)

    assert refused.status_code == 409
    assert call is not None
    assert call.thread.turns[0].asides == ()


# Messages for the model


async def test_the_agent_answers_at_once_to_what_an_operator_tells_it() -> None:
    model = ScriptedClient(reply=["Which unit?", "Welcome to Maple Court, then."])
    told = after(SINK, WHICH, ("system", TENANT))

    async with a_house(model) as house:
        await house.http.post(PATH, json=after(SINK))
        answer = await house.http.post(PATH, json=told)
        again = await house.http.post(PATH, json=told)
        call = house.brain.calls.get(CALL_ID)

    assert said_in(answer.text) == said_in(again.text) == "Welcome to Maple Court, then."
    assert len(model.asked) == 2
    assert TENANT in read_by(model)[-1][1]
    assert read_by(model)[:-1] == [
        ("assistant", "Hello."),
        ("user", "my sink leaks"),
        ("assistant", "Which unit?"),
    ]
    assert call is not None
    assert [turn.said for turn in call.thread.turns] == ["my sink leaks", ""]


async def test_two_orders_for_the_same_words_are_two_turns() -> None:
    model = ScriptedClient(reply=["Which unit?", "Welcome.", "He comes at nine."])
    first = [SINK, WHICH, ("system", TENANT)]
    async with a_house(model) as house:
        await house.http.post(PATH, json=after(SINK))
        await house.http.post(PATH, json=after(*first))
        answer = await house.http.post(
            PATH, json=after(*first, ("assistant", "welcome"), ("system", "The plumber comes at nine."))
        )

    assert said_in(answer.text) == "He comes at nine."
    assert read_by(model)[2] == ("assistant", "Which unit? Welcome.")


async def test_what_the_agent_answered_to_an_operator_is_read_once_later() -> None:
    model = ScriptedClient(reply=["Which unit?", "Welcome.", "Thanks."])
    told = [SINK, WHICH, ("system", TENANT)]
    async with a_house(model) as house:
        await house.http.post(PATH, json=after(SINK))
        await house.http.post(PATH, json=after(*told))
        await house.http.post(PATH, json=after(*told, ("assistant", "welcome"), ("user", "unit 4b")))

    assert read_by(model)[1:] == [
        ("user", "my sink leaks"),
        ("assistant", "Which unit? Welcome."),
        ("user", "unit 4b"),
    ]
    assert TENANT in model.asked[-1].messages[0].text


async def test_an_operators_message_before_the_reply_was_heard_makes_the_words_answered_anew() -> None:
    model = ScriptedClient(reply=["Which unit?", "You are new here: which unit?"])
    async with a_house(model) as house:
        await house.http.post(PATH, json=after(SINK))
        answer = await house.http.post(PATH, json=after(SINK, ("system", TENANT)))

    assert said_in(answer.text) == "You are new here: which unit?"
    assert read_by(model) == [("assistant", "Hello."), ("user", "my sink leaks")]
    assert TENANT in model.asked[-1].messages[0].text


async def test_an_operators_message_before_the_caller_spoke_is_answered() -> None:
    model = ScriptedClient(reply="Welcome to Maple Court.")
    async with a_house(model) as house:
        answer = await house.http.post(PATH, json=after(("system", TENANT)))

    assert said_in(answer.text) == "Welcome to Maple Court."
    assert TENANT in read_by(model)[-1][1]


async def test_an_instruction_that_stands_behind_every_utterance_is_no_news() -> None:
    model = ScriptedClient(reply=["Which unit?", "Thanks."])
    short = ("system", "Answer in one sentence.")
    async with a_house(model) as house:
        first = await house.http.post(PATH, json=after(SINK, short))
        again = await house.http.post(PATH, json=after(SINK, short))
        await house.http.post(PATH, json=after(SINK, WHICH, ("user", "unit 4b"), short))

    assert said_in(first.text) == said_in(again.text) == "Which unit?"
    assert read_by(model)[-1] == ("user", "unit 4b")
    assert len(model.asked) == 2
