"""One pool of connections, and what foreign errors become."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from voice.errors import ReplyBroken, RouteBusy, RouteDown, RouteRefused
from voice.models.http import Host, check, json_of, open_http, refusal, translated

HOST = Host("a100-eu", key="RUNPOD_API_KEY", place="RUNPOD_ENDPOINT_ID")
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def a_host(talk: Talk) -> AsyncIterator[str]:
    """A host that does with each connection what `talk` says, and then hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def request_of(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
    )
    return head + await reader.readexactly(length)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_kept_connection_that_breaks_before_an_answer_is_replaced_once(method):
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await request_of(reader)
        writer.write(OK)
        await writer.drain()
        if connections == 1:
            await request_of(reader)  # the second request on it: hang up without a word

    async with a_host(talk) as url, open_http() as http:
        answers = [await http.request(method, url, content=b"{}") for _ in range(2)]

    assert [answer.text for answer in answers] == ["ok", "ok"]


async def test_a_host_that_always_hangs_up_is_asked_twice_and_no_more():
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await request_of(reader)

    async with a_host(talk) as url, open_http() as http:
        with (
            pytest.raises(RouteDown, match="route 'a100-eu' cannot be reached, or hung up"),
            translated(HOST),
        ):
            await http.post(url, content=b"{}")

    assert connections == 2


async def test_an_answer_that_breaks_off_is_broken_and_not_asked_again():
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        await writer.drain()

    async with a_host(talk) as url, open_http() as http:
        with pytest.raises(ReplyBroken, match="broke off"), translated(HOST):
            await http.post(url, content=b"{}")

    assert connections == 1


async def test_what_is_no_http_is_down():
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"SSH-2.0-OpenSSH_9.7\r\n\r\n")
        await writer.drain()

    async with a_host(talk) as url, open_http() as http:
        with pytest.raises(RouteDown), translated(HOST):
            await http.get(url)


@pytest.mark.parametrize("url", ["ftp://x/", "http://", "nonsense", "http://[::1"])
async def test_a_url_that_cannot_be_used_is_refused(url):
    async with open_http() as http:
        with pytest.raises(RouteRefused, match="has a URL that cannot be used"), translated(HOST):
            await http.get(url)


async def test_nothing_asks_for_compression_cookies_or_a_proxy(monkeypatch):
    heads: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            heads.append((await request_of(reader)).lower())
            writer.write(OK.replace(b"200 OK\r\n", b"200 OK\r\nset-cookie: a=b\r\n"))
            await writer.drain()

    monkeypatch.setitem(os.environ, "HTTP_PROXY", "http://127.0.0.1:9")
    async with a_host(talk) as url, open_http() as http:
        for _ in range(2):
            await http.get(url)

    assert all(b"accept-encoding: identity" in head for head in heads)
    assert not any(b"cookie" in head for head in heads)


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (401, b"", RouteRefused, "answered 401: check RUNPOD_API_KEY"),
        (403, b"", RouteRefused, "answered 403: check RUNPOD_API_KEY"),
        (404, b"", RouteRefused, "answered 404: check RUNPOD_ENDPOINT_ID"),
        (302, b"", RouteRefused, "answered 302, a redirect: check RUNPOD_ENDPOINT_ID"),
        (400, b"", RouteRefused, "answered 400: it does not accept the request"),
        (422, b"", RouteRefused, "answered 422"),
        (400, b'{"error": "No workers available"}', RouteBusy, "no worker to give"),
        (429, b"", RouteBusy, "answered 429"),
        (408, b"", RouteDown, "answered 408"),
        (500, b"", RouteDown, "answered 500"),
        (502, b"<html>", RouteDown, "answered 502"),
        (524, b"", RouteDown, "answered 524"),
    ],
)
async def test_a_status_becomes_the_error_that_fits(status, body, error, says):
    with pytest.raises(error, match=f"route 'a100-eu' .*{says}"):
        await check(httpx.Response(status, content=body), HOST)
    assert type(refusal(status, HOST, body)) is error


def test_a_page_in_place_of_json_is_down():
    with pytest.raises(RouteDown, match="an HTML page in place of JSON"):
        json_of(b"  <!doctype html>", HOST)
    with pytest.raises(RouteDown, match="text in place of JSON"):
        json_of(b"upstream error", HOST)
    assert json_of(b'{"a": 1}', HOST) == {"a": 1}


def test_a_client_of_model_hosts_brings_no_command_line_along():
    code = "import sys, voice.models.openai; print(sorted({'rich', 'pygments', 'click'} & set(sys.modules)))"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
