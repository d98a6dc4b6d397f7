# ruff: noqa: T201 (a measurement prints its figures)
"""What it costs to ask a model host: `python -m tests.voice.models.measure_wires`.

The same replies over loopback, thirty events each, 5 ms apart, fifty at once, read by our own wires, by
the same behind httpx, by aiohttp, and by httpx on aiohttp where httpx-aiohttp is installed. CPU of this
process per reply, interleaved; the host has a process of its own.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import httpx
import uvloop

from tests.voice.models.openai_host import DONE, delta
from voice.models.http import each, open_http, posting

EVENTS, EVERY_S, AT_ONCE, REPLIES, ROUNDS = 30, 0.005, 50, 400, 5
BODY = b'{"stream": true, "messages": [{"role": "user", "content": "Is there a table for two?"}]}'
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer key"}

Ask = Callable[[str], Awaitable[int]]
"""Asks once; returns how many bytes came."""


async def host() -> None:
    """The host: prints its port, then answers every request on a connection with EVENTS chunks."""
    event = delta("word ")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):  # a request comes in one piece
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            for _ in range(EVENTS):
                await asyncio.sleep(EVERY_S)
                writer.write(b"%x\r\n%b\r\n" % (len(event), event))
            writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(DONE), DONE))

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@asynccontextmanager
async def clients() -> AsyncIterator[dict[str, Ask]]:
    """Who asks, by name."""
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(open_http())
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))

        async def by_wires(url: str) -> int:
            sizes: list[int] = []
            async with posting(ours, url, HEADERS, BODY) as answer:
                await each(answer, lambda some: sizes.append(len(some)))
            return sum(sizes)

        async def by_aiohttp(url: str) -> int:
            async with session.post(url, data=BODY, headers=HEADERS) as answer:
                return sum([len(some) async for some in answer.content.iter_any()])

        def by(http: httpx.AsyncClient) -> Ask:
            async def ask(url: str) -> int:
                async with http.stream("POST", url, content=BODY, headers=HEADERS) as answer:
                    return sum([len(some) async for some in answer.aiter_bytes()])

            return ask

        found: dict[str, Ask] = {"wires": by_wires, "wires behind httpx": by(ours), "aiohttp": by_aiohttp}
        try:
            from httpx_aiohttp import AiohttpTransport  # optional: only to be compared with
        except ImportError:
            pass
        else:
            line = AiohttpTransport(
                client=lambda: aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
            )
            theirs = httpx.AsyncClient(transport=line, timeout=None, trust_env=False)
            found["httpx on aiohttp"] = by(await stack.enter_async_context(theirs))
        yield found


async def cost_of(ask: Ask, url: str, replies: int) -> float:
    """CPU milliseconds of this process for one reply."""
    began_s = time.process_time()
    left = iter(range(replies))

    async def caller() -> None:
        for _ in left:
            await ask(url)

    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return (time.process_time() - began_s) / replies * 1000


async def measure(port: int) -> None:
    url, found = f"http://127.0.0.1:{port}/v1/chat/completions", dict[str, list[float]]()
    async with clients() as who:
        for number in range(ROUNDS + 1):
            for name, ask in who.items():
                cost = await cost_of(ask, url, REPLIES)
                if number:  # the first round opens the connections
                    found.setdefault(name, []).append(cost)
    for name, costs in found.items():
        print(f"{name:20} {statistics.median(costs):.2f} ms a reply")


def main() -> None:
    """Print the medians."""
    if len(sys.argv) > 1:
        uvloop.run(host())
        return
    command = [sys.executable, "-m", "tests.voice.models.measure_wires", "host"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            uvloop.run(measure(int(process.stdout.readline())))
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
