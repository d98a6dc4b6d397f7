"""The wires and a host that means no good, or breaks in a way that no host should."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import suppress

import pytest

from tests.voice.models.test_http import a_host, request_of
from tests.voice.models.test_wires import (
    CHUNKED,
    HEAD,
    HOST,
    OK,
    Run,
    chunk,
    heard_from,
    run,
    says_once,
)
from voice.errors import ModelError, ReplyBroken, RouteDown, RouteRefused
from voice.models.http import PORTION, Http, each, open_http, posting, translated
from voice.models.wire import HIGH_WATER, MAX_EMPTY_BYTES

__all__ = ["run"]  # the fixture: each test here is run on both loops

BOMB = 32_000_000  # bytes that a compressed body becomes
KEY = "sk-very-secret"


async def post(http: Http, url: str) -> bytes:
    """A host's whole answer."""
    heard: list[bytes] = []
    with translated(HOST):
        async with posting(http, url, {}, b"{}") as answer:
            await each(answer, heard.append)
    return b"".join(heard)


# What comes


def test_nonsense_behind_a_whole_answer_takes_nothing_from_it(run: Run) -> None:
    async def test() -> None:
        assert await heard_from(says_once(OK + b"\0\1 and more\r\n\r\n"), times=2) == [b"ok"] * 2

    run(test())


def test_a_body_that_no_length_and_no_chunks_end_ends_with_its_connection(run: Run) -> None:
    async def test() -> None:
        head = HEAD + b"transfer-encoding: identity\r\n\r\n"

        assert await heard_from(says_once(head, b"Which ", b"unit")) == [b"Which unit"]

    run(test())


@pytest.mark.parametrize(
    ("begins", "goes_on", "error"),
    [
        (CHUNKED + chunk(b"Which ") + b"0\r\n", b"x-more: of it\r\n", ReplyBroken),
        (CHUNKED + chunk(b"Which ") + b"0\r\nx-long: ", b"of it, " * 8, ReplyBroken),
        (CHUNKED + b"5;of=", b"it" * 8, ReplyBroken),
        (b"", b"HTTP/1.1 102 Processing\r\n\r\n", RouteDown),
    ],
)
def test_what_goes_on_without_end_and_without_a_body_is_stopped(
    run: Run, begins: bytes, goes_on: bytes, error: type[ModelError]
) -> None:
    async def test() -> None:
        many = goes_on * (MAX_EMPTY_BYTES // len(goes_on) // 4)

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request_of(reader)
            writer.write(begins)
            while not reader.at_eof():  # until the other side has had enough
                writer.write(many)
                try:
                    await writer.drain()
                except ConnectionError:
                    return
                await asyncio.sleep(0)

        with pytest.raises(error):
            await heard_from(talk)

    run(test())


def test_a_small_body_that_would_fill_the_memory_is_given_in_portions(run: Run) -> None:
    async def test() -> None:
        body = gzip.compress(bytes(BOMB))
        head = HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
        longest = whole = 0

        def take(some: bytes) -> None:
            nonlocal longest, whole
            longest, whole = max(longest, len(some)), whole + len(some)

        async with (
            a_host(says_once(head, body)) as url,
            open_http() as http,
            posting(http, url, {}, b"") as answer,
        ):
            await each(answer, take)

        assert whole == BOMB
        assert longest < 1100 * PORTION < BOMB  # what gzip can make of a byte

    run(test())


def test_who_begins_to_read_late_hears_all_of_it(run: Run) -> None:
    async def test() -> None:
        sent, most = 0, 64 * HIGH_WATER

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await request_of(reader)
            writer.write(HEAD + b"content-length: %d\r\n\r\n" % most)
            while sent < most:
                writer.write(b"x" * HIGH_WATER)
                await writer.drain()
                sent += HIGH_WATER

        taken = 0

        def take(some: bytes) -> None:
            nonlocal taken
            taken += len(some)

        async with a_host(talk) as url, open_http() as http, posting(http, url, {}, b"") as answer:
            before = -1
            while sent != before:  # until the host is made to wait
                before = sent
                for _ in range(100):
                    await asyncio.sleep(0)
            assert sent < most
            await each(answer, take)

        assert taken == most

    run(test())


# Hanging up


def test_two_who_ask_a_host_that_has_gone_are_both_told_so(run: Run) -> None:
    async def test() -> None:
        async with open_http() as http:
            async with a_host(says_once(HEAD + b"\r\nok")) as url:
                assert await post(http, url) == b"ok"
            failures = await asyncio.gather(*(post(http, url) for _ in range(2)), return_exceptions=True)

        assert [type(failure) for failure in failures] == [RouteDown] * 2

    run(test())


def test_a_client_that_is_closed_asks_nobody_again(run: Run) -> None:
    async def test() -> None:
        asked, connections = asyncio.Event(), 0

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            await request_of(reader)
            asked.set()
            await reader.read()

        async with a_host(talk) as url:
            http = open_http()
            asking = asyncio.create_task(post(http, url))
            await asked.wait()
            await http.aclose()
            with pytest.raises(RouteDown):
                await asking

        assert connections == 1

    run(test())


def test_who_leaves_while_a_host_says_who_it_is_leaves_no_connection_behind(run: Run) -> None:
    async def test() -> None:
        greeted, gone = asyncio.Event(), asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)  # of a handshake that is never answered
            greeted.set()
            with suppress(ConnectionError):
                await reader.read()
            gone.set()

        async with a_host(talk) as url, open_http() as http:
            asking = asyncio.create_task(post(http, url.replace("http:", "https:")))
            await greeted.wait()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await gone.wait()

    run(test())


# What is sent


@pytest.mark.parametrize("key", [f"{KEY}\r\nx: y", f"{KEY}\n", f"{KEY}\0", f"{KEY}\udcff"])
@pytest.mark.parametrize("streams", [True, False])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(run: Run, key: str, streams: bool) -> None:
    async def test() -> None:
        url, headers = "http://127.0.0.1:1/", {"Authorization": f"Bearer {key}"}
        async with open_http() as http:
            asking = posting(http, url, headers, b"") if streams else http.stream("GET", url, headers=headers)
            with pytest.raises(RouteRefused, match="cannot be sent") as told, translated(HOST):
                await asking.__aenter__()

        error: BaseException | None = told.value
        while error is not None:
            assert KEY not in repr(error)
            assert not isinstance(error, UnicodeError)  # which holds what it could not write
            error = error.__cause__

    run(test())


def test_a_question_that_comes_in_pieces_is_sent_whole(run: Run) -> None:
    async def test() -> None:
        asked: list[bytes] = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.append(await request_of(reader))
            writer.write(OK)

        async def pieces():  # type: ignore[no-untyped-def]  # httpx says what it is
            yield b"Which "
            yield b"unit"

        async with a_host(talk) as url, open_http() as http:
            await http.post(url, content=pieces())

        assert asked[0].endswith(b"\r\n\r\nWhich unit")
        assert b"chunked" not in asked[0]

    run(test())


@pytest.mark.parametrize("url", ["http://x:99999/", "http://x:0/", "ftp://x/", "//x", "http://\n/"])
async def test_a_place_that_is_none_is_refused(url: str) -> None:
    async with open_http() as http:
        with pytest.raises(RouteRefused, match="has a URL that cannot be used"), translated(HOST):
            async with posting(http, url, {}, b""):
                raise AssertionError("it was asked")
