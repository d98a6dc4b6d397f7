"""`offhook serve` as a process: where it listens, how it ends, what it says when it cannot begin."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import uvloop

from tests.voice.cli.running import LIMIT_S, offhook, started, told_to_stop
from voice.cli.server import bind
from voice.errors import SetupError

LOCAL = {"OFFHOOK_STRATEGY": "local_only"}


def post(url: str, body: dict[str, str]) -> dict[str, str]:
    with httpx.Client(trust_env=False, timeout=LIMIT_S) as client:
        answer = client.post(f"{url}/vapi/webhook", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, str] = answer.json()
    return found


def test_it_says_in_one_line_where_it_listens_and_what_it_guards(tmp_path: Path) -> None:
    with started(
        "serve", "--port", "0", folder=tmp_path, settings={**LOCAL, "VAPI_SECRET": "s" * 20}
    ) as server:
        assert server.stdout is not None
        line = server.stdout.readline()

        status, err = told_to_stop(server, signal.SIGTERM)

    assert re.search(r"listens on http://127\.0\.0\.1:\d+ · agent jamie · routes: embedded", line)
    assert "guarded: vapi" in line
    assert "loopback only: twilio, openai, chat, metrics" in line
    assert status == 0
    assert "server.listening" in [json.loads(one)["event"] for one in err.splitlines()]


def test_where_vapi_only_signs_the_start_says_that_turns_are_refused_and_what_to_set(tmp_path: Path) -> None:
    only_signed = {**LOCAL, "OFFHOOK_VAPI_HMAC_SECRET": "k3y"}
    with started("serve", "--port", "0", folder=tmp_path, settings=only_signed) as server:
        assert server.stdout is not None
        server.stdout.readline()

        _, err = told_to_stop(server, signal.SIGTERM)

    [told] = [
        found for line in err.splitlines() if (found := json.loads(line))["event"] == "vapi.turns_refused"
    ]
    assert "every turn is refused" in told["why"]
    assert "VAPI_SECRET" in told["to_do"]


def test_a_call_goes_on_after_a_restart(tmp_path: Path) -> None:
    call_id = ""
    for words in ("My sink is leaking.", "It's unit 4B."):
        with started("serve", "--port", "0", folder=tmp_path, settings=LOCAL) as server:
            assert server.stdout is not None
            url = server.stdout.readline().split()[4]
            body = {"message": words, "caller": "+12025550123"}
            answer = post(url, body | ({"call_id": call_id} if call_id else {}))
            status, _ = told_to_stop(server, signal.SIGTERM)
        assert status == 0
        call_id = answer["call_id"]

    written = offhook("export", call_id, folder=tmp_path)

    assert written.returncode == 0
    assert [line.split("caller  ")[1] for line in written.stdout.splitlines() if " caller  " in line] == [
        "My sink is leaking.",
        "It's unit 4B.",
    ]


def test_ctrl_c_ends_it_quietly(tmp_path: Path) -> None:
    with started("serve", "--port", "0", "--log-format", "json", folder=tmp_path, settings=LOCAL) as server:
        assert server.stdout is not None
        server.stdout.readline()

        status, err = told_to_stop(server, signal.SIGINT)

    assert status == 130
    assert "Traceback" not in err


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        told = offhook("serve", "--port", port, folder=tmp_path)

    assert told.returncode == 1
    assert told.stderr == (
        f"offhook: cannot listen on 127.0.0.1:{port}: something else listens there already;"
        " choose another with --port or OFFHOOK_PORT\n"
    )


def test_an_address_that_this_machine_lacks_is_named() -> None:
    with pytest.raises(SetupError, match="this machine has no such address; choose another with --host"):
        bind("192.0.2.1", 0)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"OFFHOOK_DATA_DIR": "a-file"}, "OFFHOOK_DATA_DIR"),
        ({"OFFHOOK_DATABASE_URL": "sqlite:///a-file"}, "OFFHOOK_DATABASE_URL"),
        ({"OFFHOOK_DATABASE_URL": "mysql://x"}, "mysql"),
        ({"OFFHOOK_AGENTS_DIR": "agents"}, "ava.toml: greeting, fallbacks: are missing; write greeting ="),
        ({"OFFHOOK_AGENT": "bob"}, "OFFHOOK_AGENT is 'bob'"),
        ({"OFFHOOK_PORT": "many"}, "OFFHOOK_PORT is 'many'"),
        ({"OFFHOOK_STRATEGY": "remote_only"}, "set RUNPOD_ENDPOINT_ID or LLM_ENDPOINT"),
    ],
)
def test_what_cannot_begin_says_so_in_one_line(tmp_path: Path, settings: dict[str, str], says: str) -> None:
    (tmp_path / "a-file").write_text("This is no database, but a longer text than its header." * 40)
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "ava.toml").write_text('name = "ava"\npersona = "You are Ava."\n')
    arguments = [] if "OFFHOOK_PORT" in settings else ["--port", "0"]

    told = offhook("serve", *arguments, folder=tmp_path, **settings)

    assert told.returncode == 1
    [line] = [line for line in told.stderr.splitlines() if not line.startswith("{")]  # logs are JSON
    assert line.startswith("offhook: ")
    assert says in line
    assert told.stdout == ""


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_no_word_waits_in_the_socket_for_the_next_one(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def delay_of_a_connection() -> int:
        told: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            told.set_result(
                writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            )
            writer.close()

        listener = bind("127.0.0.1", 0)
        async with await asyncio.start_server(connected, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            switch = await told
            writer.close()
            await writer.wait_closed()
        return switch

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(delay_of_a_connection()) == 1
