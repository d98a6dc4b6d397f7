"""HTTP tools against a real host on loopback: what is sent, what the model reads, where nothing goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.voice.tools.host import Host, a_host, saying
from tests.voice.tools.uses import a_use, with_arguments
from voice.clock import now
from voice.errors import BadRequest, ToolFailed
from voice.tools.http_answer import MAX_TOLD_CHARS
from voice.tools.http_tool import HttpRequestTool
from voice.tools.web import MAX_BODY_BYTES, Web
from voice.types import HttpTool, Json, ToolSpec

UNIT: dict[str, Json] = {
    "type": "object",
    "properties": {"unit": {"type": "string"}, "note": {"type": "string"}},
    "required": ["unit"],
    "additionalProperties": False,
}


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    web = Web()
    yield web
    await web.close()


def a_tool(web: Web, host: Host, method: str = "GET", **changes: object) -> HttpRequestTool:
    spec = ToolSpec("visits", "Says when somebody comes.", UNIT)
    url = f"{host.url}/units/{{unit}}/visits"
    tool = HttpTool(spec, method, url, {"Authorization": "Bearer s3cret"}, is_private=True)
    return HttpRequestTool(replace(tool, **changes), web)  # type: ignore[arg-type]  # what a test names


async def test_a_get_sends_its_arguments_in_the_url_and_the_model_reads_the_answer(web: Web) -> None:
    async with a_host(saying('{"next": "Friday at nine",\n "who": "Kim"}')) as host:
        told = await a_tool(web, host).use(with_arguments(unit="4 B/1", note="a&b"))

    asked = host.asked[0]
    assert told == '{"next": "Friday at nine", "who": "Kim"}'
    assert (asked.method, asked.target) == ("GET", "/units/4%20B%2F1/visits?note=a%26b")
    assert asked.headers["authorization"] == "bearer s3cret"
    assert asked.headers["host"] == f"127.0.0.1:{host.port}"
    assert asked.body == b""


async def test_a_post_sends_the_rest_as_json_and_a_key_that_is_the_same_for_the_same_use(web: Web) -> None:
    use = with_arguments(unit="4B", note="leaks")

    async with a_host(saying('{"ok": true}')) as host:
        tool = a_tool(web, host, "POST")
        for one in (use, use, replace(use, tool_call_id="1.0")):
            await tool.use(one)

    keys = [asked.headers["idempotency-key"] for asked in host.asked]
    assert json.loads(host.asked[0].body) == {"note": "leaks"}
    assert host.asked[0].headers["content-type"] == "application/json"
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "'unit' is a required property"),
        ({"unit": 7}, "unit: 7 is not of type 'string'"),
        ({"unit": "4B", "colour": "red"}, "'colour' was unexpected"),
        ({"unit": ".."}, "unit cannot be '..'"),
        ({"unit": ""}, "unit cannot be ''"),
    ],
)
async def test_arguments_that_do_not_fit_are_told_to_the_model_and_nothing_is_sent(
    web: Web, arguments: dict[str, Json], complaint: str
) -> None:
    async with a_host(saying("{}")) as host:
        with pytest.raises(BadRequest, match=complaint):
            await a_tool(web, host).use(a_use(arguments=arguments))

    assert host.asked == []


ANSWERS = [
    (saying(""), "Done."),
    (saying('"It is open."'), "It is open."),
    (saying("plain\r\nwords\x07", kind="text/plain; charset=utf-8"), "plain words"),
    (saying("[1, 2]", kind="application/problem+json"), "[1, 2]"),
]


@pytest.mark.parametrize(("says", "told"), ANSWERS)
async def test_an_answer_becomes_one_line(web: Web, says: bytes, told: str) -> None:
    async with a_host(says) as host:
        assert await a_tool(web, host).use(with_arguments(unit="4B")) == told


async def test_a_long_answer_is_cut_and_no_more_of_it_is_read_than_needed(web: Web) -> None:
    async with a_host(saying("word " * MAX_BODY_BYTES, kind="text/plain")) as host:
        told = await a_tool(web, host).use(with_arguments(unit="4B"))

    assert told.endswith("(cut)")
    assert len(told) < MAX_TOLD_CHARS + 10


TROUBLES = [
    ("GET", saying("{", 200), "visits is out of order right now"),
    ("POST", saying("{", 200), "nobody can read what. Nobody knows whether it was done"),
    ("GET", saying("<html>", 200, "text/html"), "out of order"),
    ("GET", saying("", 302, "text/html", "Location: http://127.0.0.1/elsewhere"), "out of order"),
    ("GET", saying('{"error": {"message": "bad key s3cret"}}', 401), "visits is out of order right now"),
    ("GET", saying("", 404), "visits found nothing"),
    ("POST", saying('{"detail": "That day\\nis full."}', 409), "visits did not take that: That day is full."),
    ("POST", saying("[[[", 422), "visits did not take that"),
    ("GET", saying("", 429), "visits is busy"),
    ("GET", saying('{"error": "stack trace"}', 500), "visits is out of order right now"),
    ("POST", saying("", 503), "Do not do it again"),
    ("POST", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut", "Do not do it again"),
    ("GET", b"220 mail.example.com ESMTP\r\n", "cannot be reached right now"),
    ("GET", saying("x", 200, "text/plain", "Content-Encoding: gzip"), "out of order"),
]


@pytest.mark.parametrize(("method", "says", "told"), TROUBLES)
async def test_every_trouble_is_a_sentence_for_the_model(
    web: Web, method: str, says: bytes, told: str
) -> None:
    async with a_host(says) as host:
        with pytest.raises(ToolFailed, match=told) as caught:
            await a_tool(web, host, method).use(with_arguments(unit="4B"))

    sentence = str(caught.value)
    assert len(host.asked) == 1
    assert sentence == " ".join(sentence.split())
    assert "s3cret" not in sentence
    assert "stack" not in sentence


@pytest.mark.parametrize(("method", "told"), [("GET", "cannot be reached"), ("POST", "Do not do it again")])
async def test_a_host_that_says_nothing_is_waited_for_no_longer_than_the_turn_has(
    web: Web, method: str, told: str
) -> None:
    async with a_host(None) as host:
        began_at = now()
        with pytest.raises(ToolFailed, match=told):
            await a_tool(web, host, method, timeout_s=30.0).use(
                a_use(arguments={"unit": "4B"}, until=now() + 0.3)
            )

        assert host.was_asked.is_set()
        assert now() - began_at < 5


async def test_nothing_is_sent_when_no_time_is_left(web: Web) -> None:
    async with a_host(saying("{}")) as host:
        with pytest.raises(ToolFailed, match="no time left"):
            await a_tool(web, host).use(a_use(arguments={"unit": "4B"}, until=now()))

    assert host.asked == []


async def test_a_host_that_is_gone_is_told_in_a_sentence(web: Web) -> None:
    async with a_host(None) as host:
        pass

    with pytest.raises(ToolFailed, match="cannot be reached right now"):
        await a_tool(web, host, "POST").use(with_arguments(unit="4B"))


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"])
async def test_a_name_that_leads_into_the_house_is_not_asked_unless_the_file_says_so(
    web: Web, name: str
) -> None:
    async with a_host(saying("{}")) as host:
        tool = a_tool(web, host, url=f"http://{name}:{host.port}/{{unit}}", is_private=False)
        with pytest.raises(ToolFailed, match="cannot be reached right now"):
            await tool.use(with_arguments(unit="4B"))

    assert host.asked == []


async def test_an_answer_that_comes_in_pieces_is_read_to_its_end(web: Web) -> None:
    pieces = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces += b'5\r\n{"a":\r\n3\r\n 1}\r\n0\r\n\r\n'

    async with a_host(pieces) as host:
        told = await asyncio.gather(*(a_tool(web, host).use(with_arguments(unit=str(n))) for n in range(5)))

    assert set(told) == {'{"a": 1}'}
