"""A whole call through each door, on the real server with the embedded model, killed in the middle."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.voice.cli.running import command, environment, offhook
from voice.simulate.caller import Line, play
from voice.simulate.chat import ChatLine
from voice.simulate.report import CallReport
from voice.simulate.script import AC_REPAIR, Script, Step
from voice.simulate.twilio.line import TwilioDoor, TwilioLine
from voice.simulate.vapi.line import VapiLine
from voice.speech.aloud import aloud
from voice.types import words

pytestmark = pytest.mark.slow

TOKEN, SECRET, PUBLIC = "twilio-token-of-a-test", "vapi-secret-of-a-test", "https://voice.example.com"


class Waiting(httpx.AsyncHTTPTransport):
    """Asks again until the server is back: a proxy in front of it holds what Twilio asks for meanwhile."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with asyncio.timeout(14):
            while True:
                try:
                    return await super().handle_async_request(request)
                except (httpx.ConnectError, httpx.ReadError):  # the latter: it died with the connection
                    await asyncio.sleep(0.1)


def a_twilio_line(url: str, http: httpx.AsyncClient, door: TwilioDoor) -> TwilioLine:
    return TwilioLine(url, door=door, auth_token=TOKEN, public_url=PUBLIC, http=http)


LINES: dict[str, Callable[[str, httpx.AsyncClient], Line]] = {
    "vapi": lambda url, http: VapiLine(f"{url}/vapi", secret=SECRET, http=http),
    "gather": lambda url, http: a_twilio_line(url, http, "gather"),
    "relay": lambda url, http: a_twilio_line(url, http, "relay"),
    "chat": lambda url, http: ChatLine(url, http=http),
}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    fresh = httpx.Limits(max_keepalive_connections=0)  # one that was kept leads to the server that died
    async with httpx.AsyncClient(transport=Waiting(limits=fresh), timeout=20.0) as client:
        yield client


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def a_server(folder: Path, port: int, door: str = "chat") -> AsyncIterator[None]:
    """The server as an operator starts it; at the end it is killed, not asked."""
    settings = {"OFFHOOK_PORT": str(port), "TWILIO_AUTH_TOKEN": TOKEN, "VAPI_SECRET": SECRET}
    if door in {"gather", "relay"}:
        settings |= {"OFFHOOK_PUBLIC_URL": PUBLIC, "OFFHOOK_TWILIO_MODE": door}
    process = await asyncio.create_subprocess_exec(
        *command(("serve",)),
        cwd=folder,
        env=environment(**settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while b"listens on" not in (line := await process.stdout.readline()):
                assert line, "the server did not start"
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        await process.communicate()


def exported(line: Line, folder: Path) -> list[dict[str, str]]:
    """The messages of a call as they are stored."""
    told = offhook("export", line.call_id, "--form", "chat", folder=folder)
    return [message for row in told.stdout.splitlines() for message in json.loads(row)["messages"]]


async def killed_in_the_middle(line: Line, script: Script, folder: Path, port: int, door: str) -> CallReport:
    """The call, on a server that is killed at the script's `restart` and started again."""
    async with AsyncExitStack() as stack:

        async def start() -> None:
            await stack.aclose()
            await stack.enter_async_context(a_server(folder, port, door))

        await start()
        return await play(line, script, restart=start)


@pytest.mark.parametrize("door", sorted(LINES))
async def test_a_call_of_five_turns_goes_on_after_the_server_was_killed(
    door: str, tmp_path: Path, http: httpx.AsyncClient
) -> None:
    port, steps = a_free_port(), AC_REPAIR.steps
    line = LINES[door](f"http://127.0.0.1:{port}", http)

    script = Script("killed", (*steps[:3], Step("restart"), *steps[3:]))
    report = await killed_in_the_middle(line, script, tmp_path, port, door)

    messages = exported(line, tmp_path)
    assert report.error is None
    assert not [turn.said for turn in report.turns if turn.silent]
    assert [message["content"] for message in messages if message["role"] == "user"] == list(AC_REPAIR.says)
    spoken = [message["content"] for message in messages if message["role"] == "assistant"]
    assert [aloud(text) for text in spoken[-5:]] == [turn.heard for turn in report.turns]


async def test_a_caller_is_taken_up_again_when_the_server_was_killed_in_the_middle_of_a_reply(
    tmp_path: Path, http: httpx.AsyncClient
) -> None:
    port, steps = a_free_port(), AC_REPAIR.steps
    line = a_twilio_line(f"http://127.0.0.1:{port}", http, "relay")

    script = Script("killed", (steps[0], Step("restart", after_words=3), steps[1]))
    report = await killed_in_the_middle(line, script, tmp_path, port, "relay")

    messages = exported(line, tmp_path)
    spoken = [message["content"] for message in messages if message["role"] == "assistant"]
    first, second = report.turns
    assert report.error is None
    assert [message["content"] for message in messages if message["role"] == "user"] == list(
        AC_REPAIR.says[:2]
    )
    assert words(first.heard)[:3] == words(aloud(spoken[-2]))[:3]
    assert len(words(first.heard)) > 6, "the caller is spoken to again"
    assert second.heard == aloud(spoken[-1])


async def test_a_turn_that_was_closed_is_kept_when_the_server_is_killed_right_after_it(
    tmp_path: Path,
) -> None:
    port = a_free_port()
    line = ChatLine(f"http://127.0.0.1:{port}")
    async with a_server(tmp_path, port):
        await line.dial()
        await line.say("My sink leaks.")
    await line.hang_up()

    stored = json.loads(offhook("export", line.call_id, "--form", "json", folder=tmp_path).stdout)

    assert [turn["said"] for turn in stored["turns"]] == ["My sink leaks."]
