"""A whole call through each door, on the real server with the embedded model, killed in the middle."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.voice.cli.running import command, environment, offhook
from voice.simulate.caller import AC_REPAIR, Line
from voice.simulate.chat import ChatLine
from voice.simulate.twilio import TwilioLine
from voice.simulate.vapi import VapiLine

pytestmark = pytest.mark.slow

TOKEN, SECRET = "twilio-token-of-a-test", "vapi-secret-of-a-test"
LINES: dict[str, Callable[[str], Line]] = {
    "vapi": lambda url: VapiLine(f"{url}/vapi", secret=SECRET),
    "gather": lambda url: TwilioLine(url, auth_token=TOKEN),
    "chat": lambda url: ChatLine(url),
}


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def a_server(folder: Path, port: int) -> AsyncIterator[None]:
    """The server as an operator starts it; at the end it is killed, not asked."""
    settings = {"OFFHOOK_PORT": str(port), "TWILIO_AUTH_TOKEN": TOKEN, "VAPI_SECRET": SECRET}
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


@pytest.mark.parametrize("door", sorted(LINES))
async def test_a_call_of_five_turns_goes_on_after_the_server_was_killed(door: str, tmp_path: Path) -> None:
    port = a_free_port()
    line = LINES[door](f"http://127.0.0.1:{port}")
    async with a_server(tmp_path, port):
        await line.dial()
        before = [await line.say(text) for text in AC_REPAIR.says[:3]]

    async with a_server(tmp_path, port):
        after = [await line.say(text) for text in AC_REPAIR.says[3:]]
        await line.hang_up()

    turns = [*before, *after]
    exported = offhook("export", line.call_id, "--form", "chat", folder=tmp_path)
    messages = [message for row in exported.stdout.splitlines() for message in json.loads(row)["messages"]]
    assert not [turn.said for turn in turns if turn.silent]
    assert [message["content"] for message in messages if message["role"] == "user"] == list(AC_REPAIR.says)
    spoken = [message["content"] for message in messages if message["role"] == "assistant"]
    assert spoken[-5:] == [turn.heard for turn in turns]


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
