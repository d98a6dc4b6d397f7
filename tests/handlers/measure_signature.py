# ruff: noqa: T201 (a measurement prints its table)
"""What it costs to know that Twilio calls: `python -m tests.handlers.measure_signature`.

A Gather request of 30 fields with two tokens, from the bytes of its body to its fields: parsed and
checked by us, and by Twilio's own library with one token. The last line is a refusal, looked into.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.types import Message
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # it ships no types

from handlers.twilio.signature import check_upgrade, signed_fields
from handlers.twilio.unsigned import Unsigned
from tests.handlers.twilio.test_upgrade import PATH, an_upgrade
from tests.handlers.twilio_door import message
from voice.errors import NotAllowed
from voice.settings import load_settings
from voice.simulate.twilio.http import signature

TIMES, ROUNDS = 200, 15
PUBLIC, TARGET = "https://voice.example.com", "/twilio/gather?turn=1"
FORM = [*message("gather").items()]
BODY = urlencode(FORM).encode()


def a_request(signed: str) -> Request:
    app = Starlette()
    app.state.settings = load_settings(Path("/nonexistent"), twilio_auth_token="new,old", public_url=PUBLIC)
    app.state.unsigned = Unsigned()
    path, _, query = TARGET.partition("?")
    kind = b"application/x-www-form-urlencoded"
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"x-twilio-signature", signed.encode()), (b"content-type", kind)],
        "client": ("10.0.0.9", 40000),
        "app": app,
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": BODY, "more_body": False}

    return Request(scope, receive)


async def row(what: str, act: Callable[[], Awaitable[object]], times: int = TIMES) -> None:
    rounds = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        for _ in range(times):
            await act()
        rounds.append((time.perf_counter() - begun) / times * 1e6)
    print(f"{what:<44}{statistics.median(rounds):>8.0f} µs{min(rounds):>8.0f} µs")


async def main() -> None:
    good = signature("old", PUBLIC + TARGET, FORM)
    asked, wrong = a_request(good), a_request("wrong")
    socket = an_upgrade(signature("12345", f"wss://voice.example.com{PATH}", []), public_url=PUBLIC)
    library = RequestValidator("old")

    async def ours() -> None:
        await signed_fields(Request(asked.scope, asked.receive))

    async def theirs() -> None:
        params = QueryParams(parse_qsl(BODY.decode(), keep_blank_values=True))
        assert library.validate(PUBLIC + TARGET, params, good)

    async def upgrade() -> None:
        check_upgrade(socket)

    async def refused() -> None:
        wrong.app.state.unsigned = Unsigned()
        try:
            await signed_fields(Request(wrong.scope, wrong.receive))
        except NotAllowed:
            return

    print(f"{'per request':<44}{'median':>11}{'least':>11}")
    await row("a form, two tokens", ours)
    await row("the library, one token", theirs)
    await row("a socket's upgrade", upgrade)
    await row("a wrong signature, and why", refused, times=20)


if __name__ == "__main__":
    asyncio.run(main())
