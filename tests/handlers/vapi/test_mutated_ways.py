"""Secrets, keys and signatures that nobody would send: all are refused in order, the right one opens."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as some

from tests.handlers.house import ELSEWHERE, Visitor, a_house, a_message

MANY = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
SEEN = some.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="/\\,%")
KEYS = some.text(SEEN, min_size=16, max_size=40)
ODD = some.sampled_from(
    [
        "",
        " ",
        ",",
        "Bearer",
        "Bearer ",
        "a.b.c",
        "..",
        "v1,",
        "nan",
        "inf",
        "-1",
        "1e400",
        "0" * 5000,
        "ÿ" * 40,
    ]
)
NAMES = ["authorization", "x-vapi-secret", "x-api-key", "x-signature", "x-timestamp", "svix-id", "x-line-key"]
HEADERS = some.dictionaries(
    some.sampled_from(NAMES),
    ODD | some.text(some.characters(codec="latin-1", exclude_categories=["C"]), max_size=30),
)
GUARDS: dict[str, Any] = {
    "vapi_secret": "s3cret-of-sixteen-characters",
    "vapi_hmac_secret": "k3y",
    "vapi_header": "X-Line-Key",
    "vapi_path_key": "a-key-of-sixteen-characters",
}


async def status(app: Any, path: str, headers: dict[str, str]) -> int:
    """The status that a server message gets from another machine."""
    visitor = Visitor(app, ELSEWHERE)
    async with asyncio.timeout(5):
        await visitor.post(path, a_message("status_ringing"), headers)
    found: int = visitor.sent[0]["status"]
    return found


@MANY
@given(headers=HEADERS, part=some.text(SEEN, max_size=30))
def test_whatever_a_stranger_shows_is_refused_in_order(headers: dict[str, str], part: str) -> None:
    async def run() -> None:
        async with a_house(**GUARDS) as house:
            for path in (f"/vapi/{part}/webhook", "/vapi/webhook", "/vapi/chat/completions"):
                assert await status(house.app, path, headers) in (401, 403, 404, 405)
            shown = (await house.http.get("/admin/refused")).json()
        assert all(one["reason"] for one in shown["refused"])

    asyncio.run(run())


@MANY
@given(key=KEYS, other=KEYS)
def test_a_path_key_of_any_characters_opens_and_another_one_does_not(key: str, other: str) -> None:
    assume(key != other)

    async def run() -> list[int]:
        async with a_house(vapi_path_key=key) as house:
            return [await status(house.app, f"/vapi/{one}/webhook", {}) for one in (key, other)]

    assert asyncio.run(run()) == [200, 401]
