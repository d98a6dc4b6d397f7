"""What operators see of calls and routes, and who may see it."""

from __future__ import annotations

import asyncio

import pytest

from tests.handlers.house import CALL_ID, Watched, a_house, a_message, a_request
from voice.clock import now
from voice.models.base import Health
from voice.models.scripted import ScriptedClient
from voice.routing.latency import ENOUGH
from voice.routing.table import Price
from voice.store.memory import MemoryStore
from voice.types import CallRecord, ChunkKind, Door, Ending, Left, Outcome, Rung, Timing, Turn, Why


async def a_stored_call(**changes: object) -> MemoryStore:
    """A store with one call of two turns; the second was hedged."""
    store = MemoryStore()
    store.keep_call(CallRecord(CALL_ID, Door.VAPI, "jamie", "+12025550123", ended_reason="hung up"))
    store.keep_turn(CALL_ID, Turn(0, "Hello.", "k0", spoken="Hi.", ending=Ending.ANSWERED))
    turn = Turn(1, "My sink leaks.", "k1", sent="Which unit?", spoken="Which unit?", heard="Which")
    turn.filler, turn.route, turn.ending = "One moment.", "llm", Ending.INTERRUPTED
    slow = Rung("runpod", Why.FIRST, 2.0, ended_ms=900.0, outcome=Outcome.LOST, was_cancelled=True)
    quick = Rung("llm", Why.HEDGE, 400.0, token_ms=600.0, clause_ms=700.0, ended_ms=1500.0)
    quick.outcome, quick.cost_usd = Outcome.WON, 0.002
    turn.rungs = [slow, quick]
    left = [Left(300.0, 11, ChunkKind.FILLER), Left(705.0, 11, ChunkKind.REPLY)]
    turn.timing = Timing(2.0, 600.0, 300.0, 1510.0, left)
    for name, value in changes.items():
        setattr(turn, name, value)
    store.keep_turn(CALL_ID, turn)
    await store.committed()
    return store


async def test_the_newest_calls_are_listed() -> None:
    async with a_house(store=await a_stored_call()) as house:
        await house.http.post("/chat", json={"message": "Hello.", "call_id": "live-1"})
        listed = (await house.http.get("/admin/calls")).json()["calls"]
        one = (await house.http.get("/admin/calls?limit=1")).json()["calls"]

    assert [(call["call_id"], call["live"], call["turn_count"]) for call in listed] == [
        ("live-1", True, 1),
        (CALL_ID, False, None),
    ]
    assert {name: listed[1][name] for name in ("door", "agent", "caller", "ended_reason")} == {
        "door": "vapi",
        "agent": "jamie",
        "caller": "+12025550123",
        "ended_reason": "hung up",
    }
    assert listed[1]["began_on"].endswith("+00:00")
    assert one == listed[:1]


async def test_a_call_is_told_with_everything_that_its_turns_recorded() -> None:
    async with a_house(store=await a_stored_call()) as house:
        call = (await house.http.get(f"/admin/calls/{CALL_ID}")).json()

    assert (call["call_id"], call["live"], len(call["turns"])) == (CALL_ID, False, 2)
    turn = call["turns"][1]
    assert {
        name: turn[name] for name in ("said", "sent", "spoken", "heard", "filler", "ending", "route")
    } == {
        "said": "My sink leaks.",
        "sent": "Which unit?",
        "spoken": "Which unit?",
        "heard": "Which",
        "filler": "One moment.",
        "ending": "interrupted",
        "route": "llm",
    }
    assert (turn["timing"]["ttfc_ms"], turn["timing"]["gap_ms"], turn["due_ms"]) == (300.0, 405.0, 1200.0)
    assert turn["timing"]["left"][0] == {"at_ms": 300.0, "chars": 11, "kind": "filler"}
    assert [(rung["route"], rung["why"], rung["outcome"]) for rung in turn["rungs"]] == [
        ("runpod", "first", "lost"),
        ("llm", "hedge", "won"),
    ]
    assert turn["cost_usd"] == 0.002
    assert [(bar["label"], bar["start_ms"], bar["end_ms"], bar["outcome"]) for bar in turn["waterfall"]] == [
        ("runpod", 2.0, 900.0, "lost, cancelled"),
        ("llm", 400.0, 1500.0, "won"),
    ]


async def test_a_call_shows_what_became_of_its_tools() -> None:
    async with a_house() as house:
        await house.http.post("/vapi/webhook", json=a_message("tool_calls_object"))
        (used,) = (await house.http.get(f"/admin/calls/{CALL_ID}")).json()["tools"]

    assert (used["name"], used["ok"], used["accepted_on"]) == ("ticket", True, None)
    assert used["asked_on"] <= used["ran_on"] <= used["answered_on"]
    assert used["answer"].endswith("is open: The sink leaks.")


async def test_a_call_is_drawn_as_text() -> None:
    async with a_house(store=await a_stored_call()) as house:
        whole = await house.http.get(f"/admin/calls/{CALL_ID}?format=text")
        last = await house.http.get(f"/admin/calls/{CALL_ID}?format=text&last=1&width=70")

    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert [line for line in whole.text.splitlines() if line.startswith("turn ")] == [
        "turn 1 · answered",
        "turn 2 · interrupted · llm · heard in part · first words 300 ms · longest pause 405 ms ·",
    ]
    assert last.text.startswith("turn 2 · interrupted")
    assert max(map(len, last.text.splitlines())) == 70
    assert "1200│" in last.text


async def test_a_gather_call_is_held_to_its_hop() -> None:
    store = MemoryStore()
    store.keep_call(CallRecord(CALL_ID, Door.GATHER, "somebody who has left"))
    store.keep_turn(CALL_ID, Turn(0, "Hello.", "k", ending=Ending.ANSWERED))
    async with a_house(store=store) as house:
        call = (await house.http.get(f"/admin/calls/{CALL_ID}")).json()

    assert call["turns"][0]["due_ms"] == 4000.0


async def test_the_open_turn_of_a_live_call_is_shown_as_it_is_now() -> None:
    model = Watched(hangs=True)
    async with a_house(model) as house, asyncio.TaskGroup() as group:
        asking = group.create_task(
            house.http.post("/vapi/chat/completions", json=a_request("My sink leaks."))
        )
        await model.begun.wait()
        call = (await house.http.get(f"/admin/calls/{CALL_ID}")).json()
        drawn = (await house.http.get(f"/admin/calls/{CALL_ID}?format=text")).text
        asking.cancel()

    turn = call["turns"][0]
    assert (call["live"], turn["said"], turn["ending"]) == (True, "My sink leaks.", None)
    assert turn["now_ms"] >= 0
    assert drawn.startswith("turn 1 · still open")


async def test_a_turn_that_a_killed_process_left_open_does_not_grow() -> None:
    store = await a_stored_call(ending=None, timing=Timing())
    async with a_house(store=store) as house:
        turn = (await house.http.get(f"/admin/calls/{CALL_ID}")).json()["turns"][1]

    assert turn["now_ms"] is None
    assert max(bar["end_ms"] for bar in turn["waterfall"]) == 1500.0


async def test_half_a_character_of_a_caller_does_not_hide_the_call() -> None:
    async with a_house(store=await a_stored_call(said="cut \ud83d")) as house:
        answer = await house.http.get(f"/admin/calls/{CALL_ID}")

    assert answer.status_code == 200
    assert answer.json()["turns"][1]["said"] == "cut \ud83d"


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/admin/calls/nobody", 404, "No call 'nobody' is known; GET /admin/calls lists the newest."),
        (f"/admin/calls/{CALL_ID}?format=xml", 400, "format: 'xml' is neither json nor text"),
        (f"/admin/calls/{CALL_ID}?width=wide", 400, "width: 'wide' is no whole number from 1 to 200"),
        ("/admin/calls?limit=0", 400, "limit: '0' is no whole number from 1 to 500"),
        ("/admin/calls?limit=-1", 400, "limit: '-1' is no whole number from 1 to 500"),
    ],
)
async def test_what_cannot_be_shown_is_said_in_one_sentence(path: str, status: int, says: str) -> None:
    async with a_house(store=await a_stored_call()) as house:
        answer = await house.http.get(path)

    assert answer.status_code == status
    assert answer.json()["error"]["message"] == says


async def test_a_route_is_told_with_its_state_what_was_learned_and_its_price() -> None:
    async with a_house(ScriptedClient("runpod"), ScriptedClient("embedded")) as house:
        first, second = house.brain.routes
        first.warmth.saw(Health("cold", "no worker is up"))
        first.price = Price(usd_per_hour=0.7)
        for number in range(ENOUGH):
            first.latency.saw("clause", 0.4 + number / 1000)
        for _ in range(first.breaker.failures_to_open):
            first.breaker.failed(now())
        second.is_local = True
        told = (await house.http.get("/admin/routes")).json()["routes"]

    cold, local = told
    assert {name: cold[name] for name in ("name", "local", "state", "detail", "rests")} == {
        "name": "runpod",
        "local": False,
        "state": "cold",
        "detail": "no worker is up",
        "rests": True,
    }
    assert cold["latency"]["token"] is None
    assert cold["latency"]["clause"]["p50_ms"] == pytest.approx(410, rel=0.03)
    assert cold["latency"]["clause"]["p95_ms"] == pytest.approx(418, rel=0.03)
    assert cold["price"] == {"usd_per_hour": 0.7, "usd_per_1m_prompt": 0.0, "usd_per_1m_completion": 0.0}
    assert (local["name"], local["local"], local["rests"], local["price"]) == ("embedded", True, False, None)


@pytest.mark.parametrize("path", ["/admin/calls", f"/admin/calls/{CALL_ID}", "/admin/routes"])
async def test_nobody_else_may_look(path: str) -> None:
    async with a_house(store=await a_stored_call(), open=True) as house:
        stranger = await house.from_elsewhere().get(path)
        here = await house.http.get(path)
    async with a_house(store=await a_stored_call(), admin_token="t0ken") as house:
        elsewhere = house.from_elsewhere()
        bare = await elsewhere.get(path)
        wrong = await elsewhere.get(path, headers={"Authorization": "Bearer guess"})
        right = await elsewhere.get(path, headers={"Authorization": "Bearer t0ken"})

    assert [one.status_code for one in (stranger, here, bare, wrong, right)] == [403, 200, 401, 403, 200]
    assert "sink" not in stranger.text


@pytest.mark.parametrize("form", ["json", "text"])
async def test_a_long_call_is_told_a_few_turns_at_a_time_so_that_others_speak_meanwhile(form: str) -> None:
    store = MemoryStore()
    store.keep_call(CallRecord(CALL_ID, Door.VAPI, "jamie", None, ended_reason="hung up"))
    for position in range(200):
        store.keep_turn(
            CALL_ID, Turn(position, "Hello.", f"k{position}", spoken="Hi.", ending=Ending.ANSWERED)
        )
    loop, rounds = asyncio.get_running_loop(), 0

    def tick() -> None:
        nonlocal rounds
        rounds += 1
        loop.call_soon(tick)

    async with a_house(store=store) as house:
        tick()
        before = rounds
        answer = await house.http.get(f"/admin/calls/{CALL_ID}?format={form}")
        between = rounds - before

    assert answer.text.count("Hello." if form == "json" else "turn ") >= 200
    assert between >= 200 / 10
