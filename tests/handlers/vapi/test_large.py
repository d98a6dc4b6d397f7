"""Bodies that are larger than most: a report of a long call is not lost, and strangers send nothing large."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.handlers.house import a_house, a_message, notes_of

LIMIT = 10_000
SECRET = "swordfish-and-chips"
KEY = "the-key-in-our-path"
PATH = "/vapi/webhook"


def a_long_report() -> dict[str, Any]:
    report = a_message("end_of_call_report")
    line = {
        "role": "user",
        "message": "My sink leaks, and my key is sk-hush1abcdefgh.",
        "secondsFromStart": 1,
    }
    report["message"]["artifact"]["messages"] = [line] * 500
    return report


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    for place in range(0, len(body), 1000):
        yield body[place : place + 1000]


WAYS: list[tuple[str, Mapping[str, str], Mapping[str, object]]] = [
    (PATH, {"x-vapi-secret": SECRET}, {"vapi_secret": SECRET}),
    ("/vapi/", {"Authorization": f"Bearer {SECRET}"}, {"vapi_secret": SECRET}),
    (f"/vapi/{KEY}/webhook", {}, {"vapi_path_key": KEY}),
]


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(("path", "headers", "settings"), WAYS)
async def test_the_report_of_a_long_call_is_kept_as_a_record(
    path: str, headers: Mapping[str, str], settings: Mapping[str, object], announced: bool
) -> None:
    body = json.dumps(a_long_report()).encode()

    async with a_house(max_body_bytes=LIMIT, **settings) as house:
        http = house.from_elsewhere()
        await http.post(path, json=a_message("status_ringing"), headers=headers)
        content = body if announced else in_pieces(body)
        answer = await http.post(path, content=content, headers=headers)
        [note] = await notes_of(house, "report")
        live = house.brain.calls.live

    assert (answer.status_code, answer.json(), live) == (200, {}, 0)
    assert note["ended_reason"] == a_message("end_of_call_report")["message"]["endedReason"]
    assert len(note["lines"]) == 500
    assert (note["raw"], note["raw_bytes"]) == (None, len(body))
    assert "hush" not in json.dumps(note)


async def test_this_machine_may_send_one_where_nothing_is_set() -> None:
    async with a_house(max_body_bytes=LIMIT) as house:
        await house.http.post(PATH, json=a_message("status_ringing"))
        answer = await house.http.post(PATH, json=a_long_report())

    assert answer.status_code == 200


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(
    ("path", "headers", "settings"),
    [
        (PATH, {}, {"vapi_secret": SECRET}),
        (PATH, {"x-vapi-secret": "a-guess"}, {"vapi_secret": SECRET}),
        ("/vapi/not-the-key-in-our-path/webhook", {}, {"vapi_path_key": KEY}),
        (PATH, {"x-signature": "0" * 64}, {"vapi_hmac_secret": SECRET}),
        (PATH, {}, {"open": True}),
        ("/chat", {"Authorization": f"Bearer {SECRET}"}, {"api_key": SECRET}),
    ],
)
async def test_a_stranger_sends_nothing_large(
    path: str, headers: Mapping[str, str], settings: Mapping[str, object], announced: bool
) -> None:
    body = json.dumps(a_long_report()).encode()

    async with a_house(max_body_bytes=LIMIT, **settings) as house:
        content = body if announced else in_pieces(body)
        answer = await house.from_elsewhere().post(path, content=content, headers=headers)

    assert answer.status_code in (401, 403, 413)
    assert announced is False or answer.status_code == 413


async def test_no_message_is_larger_than_20_megabytes() -> None:
    headers = {"x-vapi-secret": SECRET, "Content-Length": "20000001", "Expect": "100-continue"}

    async with a_house(vapi_secret=SECRET) as house:
        answer = await house.http.post(PATH, content=b"", headers=headers)

    assert answer.status_code == 413
    assert "20000000 bytes" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [gzip.compress(b'{"message": "Hello."}', mtime=0), b"\x28\xb5\x2f\xfd more"])
async def test_who_compresses_a_body_is_told_so(body: bytes) -> None:
    async with a_house() as house:
        answer = await house.http.post("/chat", content=body, headers={"Content-Encoding": "gzip"})

    assert answer.status_code == 400
    assert "is compressed" in answer.json()["error"]["message"]
