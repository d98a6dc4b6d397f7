"""`offhook doctor vapi`: what it says of good servers, and of each way to be a bad one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.handlers.house import a_house, a_request
from tests.voice.cli.running import in_process
from voice.cli.checks import Check
from voice.cli.vapi.doctor import Consultation, consult
from voice.cli.vapi.stream import Taken, checked
from voice.settings import load_settings
from voice.simulate.loopback import Receive, Scope, Send, serving

SETTINGS = load_settings(Path("/nonexistent"))
SECRET = "s3cret"
KEY = "k3y-of-sixteen-characters"

STRANGERS = ("stranger, model door", "stranger, webhook")

Answer = Callable[[dict[str, Any]], tuple[int, str, str]]


def frame(text: str = "", *, finish: str | None = None) -> str:
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
    return "data: " + json.dumps({"choices": [choice]}) + "\n\n"


STREAM = frame("I am sorry to hear that, which unit are you in?") + frame(finish="stop") + "data: [DONE]\n\n"


@asynccontextmanager
async def a_server(chat: Answer, event: Answer | None = None) -> AsyncIterator[str]:
    """A server that somebody has written: it answers chats and events like this."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        is_chat = scope["path"].endswith("/chat/completions")
        answer = chat if is_chat else event or (lambda _: (200, "application/json", '{"assistantId": "a1"}'))
        status, kind, text = answer(json.loads(body))
        headers = [(b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})

    async with serving(app) as url:
        yield url


def the(found: Consultation, what: str, state: str) -> Check:
    return next(one for one in found.checks if one.what == what and one.state == state)


async def test_our_own_server_is_well_and_the_caller_hears_its_agent() -> None:
    async with a_house(vapi_secret=SECRET) as house, serving(house.app) as url:
        settings = load_settings(Path("/nonexistent"), vapi_secret=SECRET)
        found = await consult(settings, url)

    assert [one for one in found.checks if one.state != "ok"] == []
    assert {one.what for one in found.checks} >= {"first turn", "repeat", "keeps talking", *STRANGERS}
    assert found.heard[0].agent.startswith("Thanks for calling Maple Court")
    assert [said.agent for said in found.heard[1:]] == ["Which unit are you in?"] * 2


async def test_a_wrong_secret_is_named_with_where_to_put_the_right_one() -> None:
    async with a_house(vapi_secret=SECRET) as house, serving(house.app) as url:
        found = await consult(load_settings(Path("/nonexistent"), vapi_secret="another"), url)

    assert "the call ends at once" in the(found, "first turn", "broken").says
    assert "VAPI_SECRET" in the(found, "first turn", "broken").to_do
    assert "no event gets through" in the(found, "assistant-request", "broken").says


async def test_where_only_a_path_key_guards_a_stranger_has_a_wrong_one() -> None:
    settings = load_settings(Path("/nonexistent"), vapi_path_key=KEY)
    async with a_house(vapi_path_key=KEY) as house, serving(house.app) as url:
        ours = await consult(settings, url)
        pasted = await consult(SETTINGS, f"{url}/vapi/{KEY}")
    async with a_server(lambda _: (200, "text/event-stream", STREAM)) as url:
        careless = await consult(settings, url)

    assert [one for one in ours.checks if one.state != "ok"] == []
    for door in STRANGERS:
        assert the(ours, door, "ok")
        assert the(pasted, door, "ok")
        assert "is open" in the(careless, door, "broken").says


@asynccontextmanager
async def a_guarded_server(*guarded: str, takes_none: bool = False) -> AsyncIterator[str]:
    """A server that asks for the secret at paths that end so; `takes_none`: only a wrong one is refused."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        shown = [
            value.removeprefix(b"Bearer ").decode()
            for name, value in scope["headers"]
            if name in (b"authorization", b"x-vapi-secret")
        ]
        is_stranger = any(one != SECRET for one in shown) if takes_none else SECRET not in shown
        is_chat = scope["path"].endswith("/chat/completions")
        status = 401 if is_stranger and scope["path"].endswith(guarded) else 200
        kind, text = (
            ("text/event-stream", STREAM) if is_chat else ("application/json", '{"assistantId": "a"}')
        )
        headers = [(b"content-type", kind.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})

    async with serving(app) as url:
        yield url


@pytest.mark.parametrize(
    ("guarded", "model", "webhook"),
    [
        (("/webhook",), "broken", "ok"),
        (("/chat/completions",), "ok", "broken"),
        (("/webhook", "/chat/completions"), "ok", "ok"),
        ((), "broken", "broken"),
    ],
)
async def test_of_two_doors_the_one_that_is_open_to_strangers_is_named(
    guarded: tuple[str, ...], model: str, webhook: str
) -> None:
    settings = load_settings(Path("/nonexistent"), vapi_secret=SECRET)
    async with a_guarded_server(*guarded) as url:
        found = await consult(settings, url)

    states = [one.state for one in found.checks if one.what in STRANGERS]
    assert states == [model, webhook]
    says = " ".join(one.says for one in found.checks if one.what in STRANGERS)
    assert ("the model door is open" in says, "the webhook is open" in says) == (
        model == "broken",
        webhook == "broken",
    )


async def test_a_door_that_lets_in_whoever_shows_nothing_is_open() -> None:
    settings = load_settings(Path("/nonexistent"), vapi_secret=SECRET)
    async with a_guarded_server("/webhook", "/chat/completions", takes_none=True) as url:
        found = await consult(settings, url)

    for door in STRANGERS:
        assert "no secret is let in" in the(found, door, "broken").says
        assert "something in front of this server" in the(found, door, "broken").to_do


async def test_where_vapi_only_signs_the_model_door_is_said_to_refuse_every_turn() -> None:
    settings = load_settings(Path("/nonexistent"), vapi_hmac_secret="signs-webhooks")
    async with a_house(vapi_hmac_secret="signs-webhooks") as house, serving(house.app) as url:
        found = await consult(settings, url)

    told = the(found, "model door", "broken")
    assert "every turn is refused" in told.says
    assert "VAPI_SECRET" in told.to_do


async def test_where_vapi_only_signs_the_model_is_shown_the_api_key() -> None:
    ways = {"vapi_hmac_secret": "signs-webhooks", "api_key": "k3y"}
    async with a_house(**ways) as house, serving(house.app) as url:
        found = await consult(load_settings(Path("/nonexistent"), **ways), url)

    assert the(found, "first turn", "ok")
    assert [one for one in found.checks if one.what == "model door"] == []


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9", f"http://127.0.0.1:9/vapi/{KEY}", f"http://me:{KEY}@127.0.0.1:9/vapi?key={KEY}"],
)
async def test_no_key_is_printed_when_a_server_is_not_reached(url: str) -> None:
    found = await consult(load_settings(Path("/nonexistent"), vapi_path_key=KEY), url)

    assert "127.0.0.1:9/vapi" in the(found, "reach", "broken").says
    assert KEY not in repr(found)


@pytest.mark.parametrize(
    ("status", "kind", "text", "says", "to_do"),
    [
        (404, "application/json", "{}", "nothing is at this path", "…/vapi"),
        (500, "text/plain", "", "Vapi ends the call", "log"),
        (200, "application/json", '{"choices": []}', "in place of a stream", "stream"),
        (200, "text/event-stream", 'data: {"error": "boom"}\n\n', "no `choices`", "every frame"),
        (200, "text/event-stream", "data: boom\n\n", "not JSON", "every frame"),
        (200, "text/event-stream", frame(finish="stop") + "data: [DONE]\n\n", "silence", "say a line"),
        (200, "text/event-stream", frame(finish="stop") + frame("Hi."), "words follow", "nothing follows"),
    ],
)
async def test_what_ends_a_call_or_leaves_it_silent_is_said_in_words(
    status: int, kind: str, text: str, says: str, to_do: str
) -> None:
    async with a_server(lambda _: (status, kind, text)) as url:
        found = await consult(SETTINGS, url)

    check = the(found, "first turn", "broken")
    assert says in check.says
    assert to_do in check.to_do


async def test_a_repeat_that_is_answered_anew_is_found() -> None:
    count = 0

    def answer(_: dict[str, Any]) -> tuple[int, str, str]:
        nonlocal count
        count += 1
        return 200, "text/event-stream", STREAM.replace("which unit", f"which unit, number {count},")

    async with a_server(answer) as url:
        found = await consult(SETTINGS, url)

    assert "another answer" in the(found, "repeat", "warn").says


async def test_the_conversation_grows_as_vapi_tells_it() -> None:
    asked: list[list[str]] = []

    def answer(body: dict[str, Any]) -> tuple[int, str, str]:
        asked.append([message["content"] for message in body["messages"]])
        return 200, "text/event-stream", STREAM

    async with a_server(answer) as url:
        await consult(SETTINGS, url)

    assert asked[0] == asked[1]
    assert asked[2][-1] == "I am in unit"
    assert asked[3][-1] == "I am in unit four B."
    assert len(asked[3]) == len(asked[2])


@pytest.mark.parametrize(
    ("event", "what", "state", "says"),
    [
        ((200, "text/plain", "ok"), "assistant-request", "broken", "not JSON"),
        ((200, "application/json", "{}"), "assistant-request", "warn", "names no assistant"),
        (
            (200, "application/json", '{"error": "We are closed."}'),
            "assistant-request",
            "warn",
            "We are closed.",
        ),
        ((400, "application/json", "{}"), "end-of-call-report", "broken", "answered 400"),
        ((404, "text/html", ""), "status-update ended", "broken", "answered 404"),
    ],
)
async def test_what_is_wrong_with_events_is_found(
    event: tuple[int, str, str], what: str, state: str, says: str
) -> None:
    async with a_server(lambda _: (200, "text/event-stream", STREAM), lambda _: event) as url:
        found = await consult(SETTINGS, url)

    assert says in the(found, what, state).says


async def test_a_pasted_path_is_called_all_the_same_and_named() -> None:
    async with a_house() as house, serving(house.app) as url:
        found = await consult(SETTINGS, f"{url}/vapi/chat/completions")

    assert "double" in the(found, "url", "warn").says
    assert the(found, "first turn", "ok")


@pytest.mark.parametrize("pasted", ["/vapi/", "/vapi/webhook", "/vapi/webhook/?agent=jamie"])
async def test_the_url_of_the_webhook_may_be_pasted_as_well(pasted: str) -> None:
    async with a_house() as house, serving(house.app) as url:
        found = await consult(SETTINGS, f"{url}{pasted}")

    assert [one for one in found.checks if one.state != "ok"] == []


async def test_the_webhooks_url_is_said_to_be_no_model_url() -> None:
    async with a_house() as house, serving(house.app) as url:
        found = await consult(SETTINGS, f"{url}/vapi/webhook")

    assert "this is the server's URL" in the(found, "url", "ok").says


async def test_an_assistant_whose_urls_are_swapped_is_named() -> None:
    urls = {"model": {"url": "https://x.example/vapi/webhook"}, "server": {"url": "https://x.example/vapi"}}
    answer = json.dumps({"assistant": urls})
    chat, event = (200, "text/event-stream", STREAM), (200, "application/json", answer)
    async with a_server(lambda _: chat, lambda _: event) as url:
        found = await consult(SETTINGS, url)

    says = [one.says for one in found.checks if one.what == "urls at Vapi"]
    assert says == [
        "the answered assistant's model URL leads to the webhook",
        "the answered assistant's server URL leads to the model's door",
    ]


async def test_events_that_the_models_url_answers_are_named() -> None:
    stream = (200, "text/event-stream", STREAM)
    async with a_server(lambda _: stream, lambda _: stream) as url:
        found = await consult(SETTINGS, url)

    assert "this is the model's URL" in the(found, "assistant-request", "broken").says
    assert "this is the model's URL" in the(found, "end-of-call-report", "broken").says


async def test_requests_that_vapi_sends_to_the_other_url_are_named() -> None:
    async with a_house() as house, serving(house.app) as url:
        await house.http.post("/vapi/webhook", json=a_request("My sink leaks."))
        found = await consult(SETTINGS, url)

    assert the(found, "urls at Vapi", "warn").says.startswith("1 of Vapi's requests came to the other URL")


@pytest.mark.parametrize(
    "url", ["https://[x", "https://x:y", "voice.example.com", "ftp://x", "https://", "me:k3y@x?key=k3y"]
)
async def test_what_is_no_url_is_said_at_once_and_without_a_key(url: str) -> None:
    found = await consult(SETTINGS, url)

    [check] = found.checks
    assert (check.what, check.state) == ("url", "broken")
    assert "is no URL" in check.says
    assert "k3y" not in check.says


async def test_a_url_with_a_query_is_broken_and_called_without_it() -> None:
    async with a_house() as house, serving(house.app) as url:
        found = await consult(SETTINGS, f"{url}/vapi?key=1")

    assert "behind the query" in the(found, "url", "broken").says
    assert the(found, "first turn", "ok")


async def test_a_door_that_is_not_there_is_not_said_to_be_open() -> None:
    settings = load_settings(Path("/nonexistent"), vapi_secret=SECRET)
    async with a_server(lambda _: (404, "text/plain", ""), lambda _: (500, "text/plain", "")) as url:
        found = await consult(settings, url)

    assert [one.what for one in found.checks if one.what in STRANGERS] == []
    assert "nothing is at this path" in the(found, "first turn", "broken").says


# One reply


def taken(*pieces: tuple[float, str], ends: bool = True) -> Taken:
    found = Taken(200, "text/event-stream")
    for at_ms, text in pieces:
        found.take(at_ms, frame(text).removeprefix("data: ").strip())
    if ends:
        found.take(pieces[-1][0], frame(finish="stop").removeprefix("data: ").strip())
        found.take(pieces[-1][0], "[DONE]")
    return found


LONG = "I am sorry to hear that, which unit are you in?"


@pytest.mark.parametrize(
    ("reply", "states", "says"),
    [
        (taken((300, LONG)), ["ok"], "after about 1500"),
        (taken((1900, LONG)), ["warn", "ok"], "first words came after 1900 ms"),
        (taken((4000, LONG)), ["broken"], "first words came after 4000 ms"),
        (taken((200, "One moment. "), (3000, LONG)), ["warn", "ok"], "11 characters came"),
        (taken((200, "One moment. <flush />"), (3000, LONG)), ["warn", "ok"], "Vapi holds"),
        (taken((200, "One moment. "), (900, LONG)), ["ok"], "after 200 ms"),
        (taken((200, LONG), (2500, LONG)), ["warn", "ok"], "a pause of 2300 ms"),
        (taken((200, LONG), ends=False), ["warn", "ok"], "without finish_reason"),
        (taken((200, f"**Hello**, {LONG}")), ["warn", "ok"], "markup would be read aloud"),
    ],
)
def test_a_reply_is_judged_as_the_caller_would(reply: Taken, states: list[str], says: str) -> None:
    found = list(checked(reply, "turn"))

    assert [one.state for one in found] == states
    assert says in found[0].says


# The command


def test_without_a_server_it_says_so_in_one_line(tmp_path: Path) -> None:
    told = in_process("doctor", "vapi", folder=tmp_path, OFFHOOK_PORT="9")

    assert told.exit_code == 1
    assert "reach: http://127.0.0.1:9/vapi: ConnectError → run `offhook serve`" in told.stdout


def test_its_report_is_json_on_demand(tmp_path: Path) -> None:
    told = in_process("doctor", "vapi", "--url", "http://127.0.0.1:9", "--json", folder=tmp_path)

    found = json.loads(told.stdout)
    assert (told.exit_code, found["ok"], found["heard"]) == (1, False, [])
    assert found["checks"][0]["what"] == "reach"


def test_a_url_without_a_platform_is_wrong_usage(tmp_path: Path) -> None:
    told = in_process("doctor", "--url", "http://127.0.0.1:9", folder=tmp_path)

    assert told.exit_code == 2
    assert "--url goes with" in told.stderr
