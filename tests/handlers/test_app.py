"""The web app: what every request passes, whatever door it wants."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from handlers.app import create_app
from tests.handlers.house import a_house
from voice.errors import SetupError
from voice.events import RequestRefused
from voice.models.base import Health
from voice.models.scripted import ScriptedClient

LIMIT = 10_000

LOST = [
    ("/vapi/chat/completion", "POST /v1/chat/completions"),
    ("/vapi/hook", "POST /vapi/webhook"),
    ("/twilio/voices", "Did you mean /twilio/voice?"),
    ("/health", "Did you mean /health/"),
    ("/chats", "Did you mean /chat?"),
    ("/", "There are: /vapi/chat/completions, /vapi/webhook"),
]


@pytest.mark.parametrize(("path", "told"), LOST)
async def test_an_unknown_path_is_told_the_right_one(path: str, told: str) -> None:
    async with a_house() as house:
        answer = await house.http.post(path, json={})

    assert answer.status_code == 404
    assert told in answer.json()["error"]["message"]


async def test_what_was_refused_is_told_to_whoever_counts() -> None:
    async with a_house(max_calls=1, max_body_bytes=LIMIT) as house:
        await house.http.post("/vapi/hook", json={})
        await house.http.post("/chat", content=b"{")
        await house.http.post("/vapi/chat/completions", content=b"x" * (LIMIT + 1))
        await house.http.post("/chat", json={"message": "Hello.", "call_id": "c1"})
        await house.http.post("/chat", json={"message": "Hello.", "call_id": "c2"})

    assert [event for event in house.events if isinstance(event, RequestRefused)] == [
        RequestRefused("vapi", 404, "NoSuchPath"),
        RequestRefused("chat", 400, "BadRequest"),
        RequestRefused("vapi", 413, "TooLarge"),
        RequestRefused("chat", 503, "LinesBusy"),
    ]


async def test_a_wrong_method_is_told_the_right_one() -> None:
    async with a_house() as house:
        answer = await house.http.get("/chat")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["error"]["message"] == "GET is not taken here; use POST."


async def test_a_body_that_says_it_is_too_large_is_refused() -> None:
    async with a_house(max_body_bytes=LIMIT) as house:
        answer = await house.http.post("/chat", content=b"x" * (LIMIT + 1))

    assert answer.status_code == 413
    assert answer.json()["error"]["message"] == f"The body is too large; the limit is {LIMIT} bytes."
    assert answer.headers["connection"] == "close"


async def test_a_body_that_grows_too_large_is_refused() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 1_000

    async with a_house(max_body_bytes=LIMIT) as house:
        answer = await house.http.post("/chat", content=pieces())

    assert "content-length" not in answer.request.headers
    assert answer.status_code == 413


async def test_a_body_at_the_limit_is_taken() -> None:
    async with a_house(max_body_bytes=LIMIT) as house:
        body = b'{"message": "hi"}'.ljust(LIMIT)
        answer = await house.http.post("/chat", content=body)

    assert answer.status_code == 200


async def test_every_answer_has_an_id_and_the_safe_headers() -> None:
    async with a_house() as house:
        given = await house.http.get("/health/live", headers={"X-Request-Id": "abc-1"})
        odd = await house.http.get("/nothing", headers={"X-Request-Id": "<script>"})

    assert given.headers["x-request-id"] == "abc-1"
    assert len(odd.headers["x-request-id"]) == 32
    for answer in (given, odd):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


async def test_a_crash_is_told_as_nothing_but_an_error(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(ScriptedClient):
        async def health(self) -> Health:
            raise RuntimeError("secret detail")

    async with a_house(Broken()) as house:
        house.brain.routes[0].is_local = True
        answer = await house.http.get("/health/ready")
        after = await house.http.get("/health/live")

    assert answer.status_code == 500
    assert answer.json()["error"]["message"] == "The request could not be answered."
    assert "secret detail" not in answer.text
    assert after.status_code == 200
    assert [record.message for record in caplog.records if record.name == "handlers.middleware"] == [
        "request.crashed"
    ]


async def test_a_wrong_setting_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFHOOK_PORT", "many")

    with pytest.raises(SetupError, match="OFFHOOK_PORT"):
        create_app()


def test_the_web_app_is_imported_without_what_only_some_need() -> None:
    heavy = ("sqlalchemy", "httpx", "onnxruntime_genai", "numpy", "runpod", "sentry_sdk", "aiohttp")
    script = f"import sys, handlers.app; print([name for name in {heavy!r} if name in sys.modules])"

    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
