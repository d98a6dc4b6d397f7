"""Steering a live call: what goes to its control URL, when, and to whom it never goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from vapi.core.serialization import convert_and_respect_annotation_metadata
from vapi.types import (
    ClientInboundMessageAddMessage,
    ClientInboundMessageControl,
    ClientInboundMessageEndCall,
    ClientInboundMessageSay,
    ClientInboundMessageTransfer,
)

from handlers.vapi.control import (
    FULL,
    HOLD_S,
    MAX_WAITING,
    NO_LINE,
    Controls,
    Order,
    end_call,
    message,
    mute,
    say,
    transfer,
)
from handlers.vapi.hosts import may_ask
from tests.conftest import VirtualTime
from tests.handlers.control_host import URL, Host, a_call, controls, speech
from tests.handlers.house import CALL_ID, a_house, a_message, a_request, notes_of
from voice.simulate.loopback import Receive, Scope, Send, serving


@pytest.mark.parametrize(
    ("order", "shape", "body"),
    [
        (
            say("Hold on.", then_end=True),
            ClientInboundMessageSay,
            {
                "type": "say",
                "content": "Hold on.",
                "endCallAfterSpoken": True,
                "interruptAssistantEnabled": False,
            },
        ),
        (
            message("The plumber is out.", respond=False),
            ClientInboundMessageAddMessage,
            {
                "type": "add-message",
                "message": {"role": "system", "content": "The plumber is out."},
                "triggerResponseEnabled": False,
            },
        ),
        (end_call(), ClientInboundMessageEndCall, {"type": "end-call"}),
        (
            transfer("+14155550100", "One moment."),
            ClientInboundMessageTransfer,
            {
                "type": "transfer",
                "destination": {"type": "number", "number": "+14155550100"},
                "content": "One moment.",
            },
        ),
        (
            transfer("sip:desk@maple.example"),
            ClientInboundMessageTransfer,
            {"type": "transfer", "destination": {"type": "sip", "sipUri": "sip:desk@maple.example"}},
        ),
        (
            mute("customer", on=False),
            ClientInboundMessageControl,
            {"type": "control", "control": "unmute-customer"},
        ),
    ],
    ids=["say", "message", "end", "transfer", "sip", "mute"],
)
async def test_an_order_reaches_the_calls_own_url_in_vapis_shape(
    order: Order, shape: type[Any], body: dict[str, Any]
) -> None:
    host = Host()
    async with controls(host) as found:
        sent = await found.send(CALL_ID, order)

    assert sent.ok
    assert host.got == [(URL, body)]
    assert host.shown == [None]
    read = convert_and_respect_annotation_metadata(object_=body, annotation=shape, direction="read")
    TypeAdapter(shape).validate_python(read)


async def test_a_key_is_shown_where_control_urls_want_one() -> None:
    host = Host()
    async with controls(host, key="public-key") as found:
        await found.send(CALL_ID, end_call())

    assert host.shown == ["Bearer public-key"]


async def test_words_wait_until_the_caller_has_finished(virtual_time: VirtualTime) -> None:
    host = Host()
    async with controls(host) as found:
        found.notice(CALL_ID, speech("started"))
        asking = asyncio.create_task(found.send(CALL_ID, say("Help is on its way.")))
        await asyncio.sleep(2.0)
        waited = list(host.bodies)
        found.notice(CALL_ID, speech("stopped"))
        sent = await asking

    assert waited == []
    assert sent.ok
    assert virtual_time.elapsed_s == pytest.approx(2.0)


async def test_words_do_not_wait_for_ever_for_a_message_that_vapi_dropped(virtual_time: VirtualTime) -> None:
    host = Host()
    async with controls(host) as found:
        found.notice(CALL_ID, speech("started"))
        await found.send(CALL_ID, say("Help is on its way."))

    assert virtual_time.elapsed_s == pytest.approx(HOLD_S)
    assert len(host.bodies) == 1


async def test_the_agents_own_speech_holds_nothing(virtual_time: VirtualTime) -> None:
    host = Host()
    async with controls(host) as found:
        found.notice(CALL_ID, speech("started", role="assistant"))
        await found.send(CALL_ID, say("Help is on its way."))

    assert virtual_time.elapsed_s == 0.0


async def test_orders_are_done_in_the_order_they_were_given(virtual_time: VirtualTime) -> None:
    host = Host(takes_s=0.3)
    async with controls(host) as found:
        found.notice(CALL_ID, speech("started"))
        both = asyncio.gather(found.send(CALL_ID, say("Goodbye.")), found.send(CALL_ID, end_call()))
        await asyncio.sleep(1.0)
        found.notice(CALL_ID, speech("stopped"))
        await both

    assert [body["type"] for body in host.bodies] == ["say", "end-call"]


async def test_muting_does_not_wait_behind_words(virtual_time: VirtualTime) -> None:
    host = Host()
    async with controls(host) as found:
        found.notice(CALL_ID, speech("started"))
        asking = asyncio.create_task(found.send(CALL_ID, say("Sure.")))
        await found.send(CALL_ID, mute("assistant", on=True))
        first = host.bodies[0]
        await asking

    assert first == {"type": "control", "control": "mute-assistant"}


async def test_too_many_orders_are_refused_and_the_rest_is_done(virtual_time: VirtualTime) -> None:
    host = Host()
    async with controls(host) as found:
        found.notice(CALL_ID, speech("started"))
        told = await asyncio.gather(*(found.send(CALL_ID, say(f"{i}")) for i in range(MAX_WAITING + 2)))

    assert [one.ok for one in told] == [True] * MAX_WAITING + [False] * 2
    assert told[-1] == FULL


@pytest.mark.parametrize(
    "over",
    [{"type": "status-update", "status": "ended"}, {"type": "end-of-call-report"}],
    ids=["status", "report"],
)
async def test_when_the_call_is_over_nothing_more_is_sent(
    virtual_time: VirtualTime, over: dict[str, Any]
) -> None:
    host = Host()
    async with controls(host) as found:
        found.notice(CALL_ID, speech("started"))
        waits = asyncio.create_task(found.send(CALL_ID, say("Hello?")))
        await asyncio.sleep(1.0)
        found.notice(CALL_ID, over)
        told = [await waits, await found.send(CALL_ID, end_call())]

    assert told == [NO_LINE, NO_LINE]
    assert host.got == []


@pytest.mark.parametrize(("status", "says"), [(404, "moved on"), (500, "answered 500")])
async def test_a_refusal_is_told_and_not_tried_again(status: int, says: str) -> None:
    host = Host(status)
    async with controls(host) as found:
        sent = await found.send(CALL_ID, end_call())

    assert not sent.ok
    assert says in sent.says
    assert len(host.got) == 1


async def test_a_host_that_hangs_is_given_up(virtual_time: VirtualTime) -> None:
    host = Host(takes_s=60.0)
    async with controls(host) as found:
        sent = await found.send(CALL_ID, end_call())

    assert not sent.ok
    assert virtual_time.elapsed_s < 5.0


async def test_closing_ends_a_call_that_waits(virtual_time: VirtualTime) -> None:
    host = Host(takes_s=2.0)
    async with controls(host) as found:
        waits = asyncio.create_task(found.send(CALL_ID, say("Hello?")))
        await host.asked.wait()

    assert await waits == NO_LINE


@pytest.mark.parametrize(
    ("url", "hosts", "allowed"),
    [
        (URL, ("vapi.ai",), True),
        ("https://vapi.ai/control", ("vapi.ai",), True),
        ("https://VAPI.AI./control", ("vapi.ai",), True),
        ("http://phone.vapi.ai/control", ("vapi.ai",), False),
        ("https://vapi.ai.evil.example/control", ("vapi.ai",), False),
        ("https://evilvapi.ai/control", ("vapi.ai",), False),
        ("https://vapi.ai@evil.example/control", ("vapi.ai",), False),
        ("https://evil.example\\@vapi.ai/control", ("vapi.ai",), False),
        ("https://evil.example\\.vapi.ai/control", ("vapi.ai",), False),
        ("https://evil.example/?x=.vapi.ai", ("vapi.ai",), False),
        ("https://169.254.169.254/latest", ("vapi.ai",), False),
        ("https://[::1/control", ("vapi.ai",), False),
        ("file:///etc/passwd", ("vapi.ai",), False),
        ("https://vapi.ai/" + "a" * 600, ("vapi.ai",), False),
        ("https://vapi.ai/a b", ("vapi.ai",), False),
        ("http://127.0.0.1:9000/control", ("vapi.ai",), False),
        ("http://127.0.0.1:9000/control", ("127.0.0.1",), True),
        ("http://10.0.0.1/control", ("10.0.0.1",), False),
        ("https://vapi.ai/control", (), False),
        ("https://vapi.ai/control", ("",), False),
    ],
)
def test_only_the_platforms_own_hosts_are_asked(url: str, hosts: tuple[str, ...], allowed: bool) -> None:
    assert may_ask(url, hosts) is allowed


@pytest.mark.parametrize(
    "call", [None, "x", {"monitor": "x"}, {"monitor": {"controlUrl": 7}}, {"monitor": {}}]
)
async def test_a_message_without_a_usable_url_teaches_nothing(call: object) -> None:
    async with Controls(("vapi.ai",)) as found:
        found.notice(CALL_ID, {"type": "transcript", "call": call})
        known = found.knows(CALL_ID)

    assert not known


# Through the doors


def with_monitor(body: dict[str, Any], url: str) -> dict[str, Any]:
    place = body.get("message", body)
    return {**body, "call": {**place.get("call", {}), **a_call(url)}}


@asynccontextmanager
async def a_control_host() -> AsyncIterator[tuple[str, list[Any]]]:
    """A control URL on this machine, and the bodies that came to it."""
    got: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        got.append(json.loads((await receive())["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": b"{}"})

    async with serving(app) as url:
        yield f"{url}/control", got


@pytest.mark.parametrize("door", ["webhook", "completions"])
async def test_an_operator_speaks_on_a_call_that_came_by_either_door(door: str) -> None:
    async with a_control_host() as (url, got), a_house(vapi_control_hosts=("127.0.0.1",)) as house:
        if door == "webhook":
            body = with_monitor(a_message("status_in_progress"), f"<{url}>")
            await house.http.post("/vapi/webhook", json=body)
        else:
            await house.http.post(
                "/vapi/chat/completions", json=with_monitor(a_request("My sink leaks."), url)
            )
        answer = await house.http.post(f"/admin/calls/{CALL_ID}/say", json={"text": "Help is\non its way."})
        ended = await house.http.post(f"/admin/calls/{CALL_ID}/end")
        notes = await notes_of(house, "steered")

    assert answer.json() == {"call_id": CALL_ID, "order": "say", "says": "Vapi has taken it."}
    assert ended.status_code == 200
    assert [body["type"] for body in got] == ["say", "end-call"]
    assert got[0]["content"] == "Help is on its way."
    assert notes == [
        {"order": "say", "ok": True, "text": "Help is on its way."},
        {"order": "end", "ok": True},
    ]


LINE, CALLER = "+14155550199", "+14155550100"
DIALS = """
name = "ava"
persona = "You are Ava."
greeting = "Hello."
fallbacks = ["Once more, please?"]
[transfer.emergency]
short_code = "911"
for = "fire"
"""
REFUSED = [
    ("say", {"text": "  "}, 400, "text: must hold at least one word"),
    ("say", {"words": "Hi."}, 400, "text: Field required"),
    ("mute", {"who": "everybody"}, 400, "who"),
    ("dance", {}, 404, "A call takes: say, message, end, transfer, mute."),
    ("transfer", {"to": "112"}, 400, "'112' cannot be dialled"),
    ("transfer", {"to": "the office"}, 400, "'the office' cannot be dialled"),
    ("transfer", {"to": "+1 555 123 4567"}, 400, "cannot be dialled"),
    ("transfer", {"to": "+1 (415) 555-0199"}, 400, "is the number of this call's own line"),
    ("transfer", {"to": "4155550100"}, 400, "is the number of this call's own caller"),
    ("transfer", {"to": f"sip:{LINE}@example.com"}, 400, "own line"),
]


@pytest.mark.parametrize(("order", "body", "status", "says"), REFUSED)
async def test_an_order_that_cannot_be_done_says_why(
    order: str, body: dict[str, Any], status: int, says: str
) -> None:
    numbers = {"phoneNumber": {"number": LINE}, "customer": {"number": CALLER}}
    async with a_control_host() as (url, got), a_house(vapi_control_hosts=("127.0.0.1",)) as house:
        await house.http.post(
            "/vapi/chat/completions", json=with_monitor(a_request("My sink leaks.") | numbers, url)
        )
        answer = await house.http.post(f"/admin/calls/{CALL_ID}/{order}", json=body)

    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]
    assert got == []


async def test_an_operator_may_connect_a_call_to_what_the_agents_file_lists(tmp_path: Path) -> None:
    (tmp_path / "ava.toml").write_text(DIALS)
    settings = {"agents_dir": tmp_path, "agent": "ava", "vapi_control_hosts": ("127.0.0.1",)}
    async with a_control_host() as (url, got), a_house(**settings) as house:
        body = with_monitor(a_request("Fire!", model="ava"), url)
        await house.http.post("/vapi/chat/completions", json=body)
        answer = await house.http.post(f"/admin/calls/{CALL_ID}/transfer", json={"to": "911"})

    assert answer.status_code == 200
    assert got[0]["destination"]["number"] == "911"


WHYS = [
    (None, "status_in_progress", 409, "Vapi has named none"),
    ("https://evil.example/control", "status_in_progress", 409, "'evil.example' is not among vapi.ai"),
    ("http://x.vapi.ai/control", "status_in_progress", 409, "not a plain https URL at x.vapi.ai"),
    (None, "status_ended", 409, "This call is over."),
    (None, None, 404, "No call"),
]


@pytest.mark.parametrize(("url", "message", "status", "says"), WHYS)
async def test_an_operator_is_told_why_a_call_cannot_be_steered(
    url: str | None, message: str | None, status: int, says: str
) -> None:
    async with a_house(vapi_control_hosts=("vapi.ai",)) as house:
        if message is not None:
            begun = a_message("status_in_progress") | {"call": {"id": CALL_ID}}
            begun["message"]["call"] = {"id": CALL_ID}
            await house.http.post("/vapi/webhook", json=with_monitor(begun, url) if url else begun)
        if message == "status_ended":
            await house.http.post("/vapi/webhook", json=a_message(message))
        answer = await house.http.post(f"/admin/calls/{CALL_ID}/say", json={"text": "Hi."})

    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]


async def test_muting_silences_the_agent_where_nobody_says_whom() -> None:
    async with a_control_host() as (url, got), a_house(vapi_control_hosts=("127.0.0.1",)) as house:
        await house.http.post("/vapi/webhook", json=with_monitor(a_message("status_in_progress"), url))
        await house.http.post(f"/admin/calls/{CALL_ID}/mute")

    assert got == [{"type": "control", "control": "mute-assistant"}]


async def test_only_operators_steer_a_call() -> None:
    async with a_house(open=True, admin_token="operators-only") as house:
        refused = await house.http.post(f"/admin/calls/{CALL_ID}/end")
        known = await house.http.post(
            f"/admin/calls/{CALL_ID}/end", headers={"Authorization": "Bearer operators-only"}
        )

    assert (refused.status_code, known.status_code) == (401, 404)
