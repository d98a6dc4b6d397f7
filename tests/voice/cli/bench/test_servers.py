"""The bench's own servers on real sockets: the mock host, the floors before it, and callers at both."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import asdict
from typing import Any

import pytest

from voice.cli.bench.callers import BenchDoor, Heard, open_caller, path_of, spoken_in
from voice.cli.bench.floor import Echo, Floor
from voice.cli.bench.host import Host, Pace
from voice.cli.bench.server import BenchServer
from voice.cli.bench.wire import Answer, Wires
from voice.cli.bench.words import tokens, words_in
from voice.cli.server import bind, serving, url_of

PACE = Pace(first_s=0.0, every_s=0.0, words=12)


@asynccontextmanager
async def a_host(pace: Pace = PACE) -> AsyncIterator[str]:
    listener = bind("127.0.0.1", 0)
    host = Host(pace)
    async with await asyncio.get_running_loop().create_server(host.connection, sock=listener) as server:
        yield url_of(listener)
        server.close()
        while host.connections:  # noqa: ASYNC110  # the host has no event for it
            await asyncio.sleep(0)


@asynccontextmanager
async def a_floor(door: BenchDoor, host: str) -> AsyncIterator[str]:
    listener = bind("127.0.0.1", 0)
    if door in {"vapi", "v1", "chat"}:
        with closing(Floor(host)) as floor:
            async with serving(floor, listener):
                yield url_of(listener)
        return
    async with serving(Echo(), listener):
        await ask(url_of(listener), "PUT", "/bench/pace", asdict(PACE))
        yield url_of(listener)


async def ask(url: str, method: str, path: str, body: Any = None) -> Any:
    wires = Wires(url)
    answer = await wires.ask(method, path, json.dumps(body).encode(), {})
    await wires.close()
    return json.loads(answer.body) if answer.body.startswith(b"{") else answer


@pytest.mark.parametrize("door", ["vapi", "v1", "chat", "gather", "relay"])
async def test_a_caller_hears_every_word_through_the_floor_of_each_door(door: BenchDoor) -> None:
    async with a_host() as host, a_floor(door, host) as url:
        wires = Wires(url)
        caller = open_caller(door, wires, url, ours=False)
        for number in (21, 22):
            heard = Heard(number, 0.0)
            await caller.turn(heard)

            assert heard.error is None
            words = words_in(" ".join(text for _, text in heard.pieces), number)
            assert words.own == tuple(range(12))
            assert not words.faults(12)
        if door == "relay":
            await caller.hang_up()
        await wires.close()


async def test_the_host_marks_when_it_was_asked_and_when_it_wrote() -> None:
    async with a_host() as url:
        asked = {"messages": [{"role": "user", "content": "Turn 7: hello. Turn 8: hello."}], "stream": True}
        await ask(url, "POST", "/v1/chat/completions", asked)

        marks = await ask(url, "GET", "/bench/marks")

    arrived, written = marks["8"]
    assert list(marks) == ["8"]
    assert len(written) == 12
    assert arrived <= written[0]
    assert written == sorted(written)


async def test_the_host_knows_what_is_still_open_when_its_client_hangs_up() -> None:
    async with a_host(Pace(first_s=0.0, every_s=60.0, words=3)) as url:
        began, wires = asyncio.Event(), Wires(url)
        asking = asyncio.create_task(wires.ask("POST", "/v1/chat/completions", b"Turn 1", {}, began.set))
        await began.wait()
        assert (await ask(url, "GET", "/bench/open"))["replies"] == 1

        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

        while (await ask(url, "GET", "/bench/open"))["replies"]:
            pass
        await wires.close()


async def test_the_floor_hangs_up_at_the_host_when_its_caller_is_gone() -> None:
    async with a_host(Pace(first_s=0.0, every_s=60.0, words=3)) as host, a_floor("vapi", host) as url:
        began, wires = asyncio.Event(), Wires(url)
        asking = asyncio.create_task(wires.ask("POST", "/chat", b"Turn 1", {}, began.set))
        await began.wait()

        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

        while (await ask(host, "GET", "/bench/open"))["replies"]:
            pass
        await wires.close()


async def test_an_answer_that_is_none_is_told_in_words() -> None:
    async with a_host() as url:
        nobody, host = Wires("http://127.0.0.1:1"), Wires(url)
        assert "cannot connect" in ((await nobody.ask("GET", "/", b"", {})).error or "")
        assert (await host.ask("GET", "/health", b"", {})).error is None
        await host.close()


def test_events_that_come_in_parts_are_read_when_they_are_whole() -> None:
    frame = b'data: {"choices":[{"delta":{"content":"one"}}]}\n\n'
    chunk = b'event: chunk\ndata: {"text": "two"}\n\nevent: done\ndata: {"text": "one two"}\n\n'

    answer = Answer(
        200, [(1.0, frame[:20]), (2.0, frame[20:] + chunk[:9]), (3.0, chunk[9:] + b"data: [DONE]\n\n")]
    )

    assert spoken_in(answer) == [(2.0, "one"), (3.0, "two")]


def test_a_documents_address_is_followed_without_twilios_own_settings() -> None:
    assert path_of("/twilio/gather?turn=2#rc=5&rp=ct,5xx") == "/twilio/gather?turn=2"
    assert path_of("https://voice.example.com/twilio/gather") == "/twilio/gather"


def test_a_server_is_described_by_one_argument() -> None:
    server = BenchServer("floor", "/tmp", (0, 2), host="http://127.0.0.1:1", pace=PACE)

    assert BenchServer.from_text(server.as_text()) == server


def test_the_words_of_a_reply_end_in_a_sentence() -> None:
    assert tokens(0, 12)[-1].endswith(". ")
