"""Which door a request is led to, the first time and every time after."""

from __future__ import annotations

import weakref

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from handlers.app import KNOWN, routes
from handlers.doors import MAX_KNOWN, Answers, Doors, Visit
from handlers.middleware import Threshold
from handlers.refused import Refused, at_hand
from tests.handlers.house import Visitor, a_house, a_message
from voice.telemetry.logs import call_id_var

TIMES = 3  # of the same path: it is looked for once, and remembered


async def told(visit: Visit) -> ASGIApp:
    """What a door sees of its path and of its body."""
    base, body = visit.path_params.get("base", ""), await visit.body()
    assert await visit.body() == body  # once more: a signature is made over it
    return PlainTextResponse(f"{visit.method} {base}")


def lost(request: Request) -> Response:
    return PlainTextResponse("lost", 404)


def some_doors() -> Doors:
    paths = ("/fixed/path", "/{base:path}/path")
    return Doors(iter([Route(path, Answers(told), methods=["POST"]) for path in paths]), lost)


async def asked(doors: ASGIApp, path: str) -> tuple[int, str]:
    visitor = Visitor(doors)
    await visitor.post(path, None)
    return visitor.sent[0]["status"], visitor.text


@pytest.mark.parametrize(
    ("path", "seen"),
    [("/fixed/path", "POST "), ("/a/path", "POST a"), ("/a/b/path", "POST a/b")],
)
async def test_a_path_that_is_remembered_leads_where_it_led(path: str, seen: str) -> None:
    doors = some_doors()

    answers = [await asked(doors, path) for _ in range(TIMES)]

    assert answers == [(200, seen)] * TIMES


async def test_no_request_can_change_what_the_next_one_sees_of_its_path() -> None:
    seen: list[object] = []

    async def changing(visit: Visit) -> ASGIApp:
        seen.append(visit.path_params["base"])
        with pytest.raises(TypeError):
            visit.path_params["base"] = "changed"
        return PlainTextResponse("")

    doors = Doors(iter([Route("/{base:path}/path", Answers(changing), methods=["POST"])]), lost)
    for _ in range(TIMES):
        await asked(doors, "/a/path")

    assert seen == ["a"] * TIMES


async def test_an_error_is_told_each_time_and_the_next_request_is_served() -> None:
    async with a_house() as house:
        wrong = [await house.http.post("/chat", content=b"{") for _ in range(TIMES)]
        right = await house.http.post("/chat", json={"message": "Hello."})

    assert [answer.status_code for answer in wrong] == [400] * TIMES
    assert right.status_code == 200


async def test_a_method_that_a_path_does_not_take_is_refused_though_the_path_is_known() -> None:
    async with a_house() as house:
        posted = await house.http.post("/chat", json={"message": "Hello."})
        got = [await house.http.get("/chat") for _ in range(TIMES)]
        head = [(await house.http.head("/health/live")).status_code for _ in range(TIMES)]

    assert posted.status_code == 200
    assert [answer.status_code for answer in got] == [405] * TIMES
    assert head == [200] * TIMES


async def test_of_many_paths_a_bounded_number_is_remembered() -> None:
    doors = some_doors()

    answers = {await asked(doors, f"/{number}/path") for number in range(MAX_KNOWN + TIMES)}
    again = await asked(doors, "/0/path")

    assert answers == {(200, f"POST {number}") for number in range(MAX_KNOWN + TIMES)}
    assert again == (200, "POST 0")
    assert len(doors.known) <= MAX_KNOWN


async def test_where_nothing_is_no_path_is_remembered() -> None:
    async with a_house() as house:
        answers = [await house.http.post("/nowhere") for _ in range(TIMES)]
        await house.http.post("/chat", json={"message": "Hello."})

    assert [answer.status_code for answer in answers] == [404] * TIMES
    assert isinstance(house.app.router, Doors)
    assert list(house.app.router.known) == [("POST", "/chat")]


async def test_a_call_a_ticket_and_a_strangers_key_are_not_remembered_with_their_path() -> None:
    ours = "the-path-key-of-this-house"
    hers = "0190c0de-0000-7000-8000-000000000001"
    named = (f"/admin/calls/{hers}", f"/twilio/relay/{hers}", f"/vapi/{hers}/webhook")
    async with a_house(vapi_path_key=ours) as house:
        for path in (*named, f"/vapi/{ours}/webhook", "/admin/calls"):
            await house.http.get(path)
        shown = house.app.state.refused.known
        led = [path for _, path in house.app.router.known] if isinstance(house.app.router, Doors) else None

    assert sorted(shown) == ["/admin/calls", f"/vapi/{ours}/webhook"]
    assert shown[f"/vapi/{ours}/webhook"] == ("vapi", "/vapi/…/webhook")
    assert led == ["/admin/calls"]


async def test_what_a_request_is_about_ends_with_it() -> None:
    async with a_house() as house:
        await Visitor(house.app).post("/vapi/chat/completions", a_message("chat_request"))

    assert (call_id_var.get(), at_hand.get()) == (None, None)


async def test_an_answer_that_crashes_in_its_midst_begins_no_second_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def crashing(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("secret detail")

    visitor = Visitor(Threshold(crashing, Refused(), max_bytes=1000))
    await visitor.post("/chat", None)

    assert [message["type"] for message in visitor.sent] == ["http.response.start"]
    assert [record.message for record in caplog.records] == ["request.crashed"]


async def test_a_length_of_thousands_of_digits_is_too_large_and_no_crash() -> None:
    async with a_house() as house:
        visitor = Visitor(house.app)
        await visitor.post("/chat", {"message": "Hello."}, {"content-length": "9" * 5000})

    assert visitor.sent[0]["status"] == 413
    assert "too large" in visitor.text


def test_each_fixed_path_is_its_own_doors_and_no_other_before_it_takes_it() -> None:
    for path in KNOWN:
        scopes = [{"type": "http", "method": method, "path": path} for method in ("GET", "POST")]
        fits = [
            next((route for route in routes() if route.matches(scope)[0] is Match.FULL), None)
            for scope in scopes
        ]
        assert {fit.path for fit in fits if isinstance(fit, Route)} == {path}


async def test_a_request_and_its_body_are_let_go_of_before_its_answer_begins() -> None:
    held: list[Visit | None] = []

    async def door(visit: Visit) -> ASGIApp:
        await visit.body()
        seen = weakref.ref(visit)

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            held.append(seen())
            await PlainTextResponse("said")(scope, receive, send)

        return answer

    await asked(Answers(door), "/any")

    assert held == [None]


async def test_the_head_of_a_stream_leaves_with_its_first_words() -> None:
    async with a_house() as house:
        visitor = Visitor(house.app)
        await visitor.post("/vapi/chat/completions", a_message("chat_request"))

    head, first = visitor.sent[0], visitor.sent[1]
    assert head["type"] == "http.response.start"
    assert b'"role":"assistant"' in first["body"]
    assert first["body"].count(b"data: ") == 2
