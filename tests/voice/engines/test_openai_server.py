"""The engine that asks a model server: what it sends, and what it survives. Real sockets and processes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.voice.engines.asked import ROOT, WAIT_S, a_prompt, free_port, reply_of
from voice.engines.found import LORA, Found
from voice.engines.openai_ask import request_body, without_older_half
from voice.engines.openai_server import ModelServer
from voice.errors import BadJob, EngineDied, UnknownModel
from voice.simulate.loopback import Receive, Scope, Send, serving
from voice.types import Message, Prompt, ToolSpec

END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
USAGE = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}


def said(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}


@dataclass
class Server:
    """A model server that answers every chat completion with `events`, or refuses it with `status`."""

    events: Sequence[object] = (said("Good "), said("morning."), END, USAGE)
    status: int = 200
    told: str = ""
    models: Sequence[str] = ("jamie-8b",)
    loads_adapters: bool = True
    hangs: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, path = await self._body(receive), scope["path"]
        if path == "/v1/models":
            listed = [{"id": name, "max_model_len": 1024} for name in self.models]
            await self._reply(send, 200, json.dumps({"data": listed}))
        elif path == "/v1/load_lora_adapter":
            if self.loads_adapters:
                self.models = [*self.models, json.loads(body)["lora_name"]]
            await self._reply(send, 200 if self.loads_adapters else 404, "{}")
        else:
            await self._complete(json.loads(body), receive, send)

    async def _complete(self, asked: dict[str, Any], receive: Receive, send: Send) -> None:
        self.asked.append(asked)
        is_hello = asked["messages"][-1]["content"] == "Hello."
        if self.status != 200 and not is_hello:
            await self._reply(send, self.status, self.told)
            return
        events = (END,) if is_hello else self.events
        lines = [f"data: {json.dumps(one)}\n\n" if isinstance(one, dict) else str(one) for one in events]
        await self._reply(send, 200, "".join(lines), more=self.hangs and not is_hello)
        if self.hangs and not is_hello:
            while (await receive())["type"] != "http.disconnect":
                pass
            self.hung_up.set()

    @staticmethod
    async def _body(receive: Receive) -> bytes:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return body

    @staticmethod
    async def _reply(send: Send, status: int, text: str, *, more: bool = False) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": text.encode(), "more_body": more})


@asynccontextmanager
async def an_engine(server: Server, **options: Any) -> AsyncIterator[ModelServer]:
    async with serving(server) as url:
        engine = ModelServer(f"{url}/v1", load_s=5.0, **options)
        await engine.start()
        yield engine
        await engine.stop()


async def test_text_end_and_usage_are_read_from_the_stream():
    async with an_engine(Server()) as engine:
        text, finish = await reply_of(engine, a_prompt("My sink leaks."))

    assert text == "Good morning."
    assert (finish.reason, finish.usage.prompt_tokens, finish.usage.completion_tokens) == ("stop", 9, 2)


async def test_half_a_character_is_never_given_on():
    async with an_engine(Server((said("Good\ufffd "), said("\ufffd"), said("morning."), END))) as engine:
        text, _ = await reply_of(engine, a_prompt("My sink leaks."))

    assert text == "Good morning."


async def test_tool_calls_are_put_together_from_their_pieces():
    def piece(**function: str) -> dict[str, Any]:
        call = {"index": 0, "id": "1", "function": function}
        return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}

    server = Server((piece(name="ticket"), piece(arguments='{"a'), piece(arguments='": 1}'), END))
    async with an_engine(server) as engine:
        _, finish = await reply_of(engine, a_prompt("My sink leaks."))

    (call,) = finish.tool_calls
    assert (finish.reason, call.id, call.name, call.arguments) == ("tool_calls", "1", "ticket", '{"a": 1}')


@dataclass
class Unready(Server):
    """A server that was started without a parser for tool calls; `shows`: it can show tools all the same."""

    shows: bool = True

    async def _complete(self, asked: dict[str, Any], receive: Receive, send: Send) -> None:
        is_refused = "tools" in asked and (not self.shows or asked.get("tool_choice") != "none")
        self.status, self.told = (
            (400 if is_refused else 200),
            '"auto" tool choice requires --tool-call-parser',
        )
        await super()._complete(asked, receive, send)


TOLD_OF = ToolSpec("ticket", "Make one.", {})
WRITTEN_CALL = (said('Yes. <tool_call>{"name": "ticket", "argum'), said('ents": {}}</tool_call>'), END)


async def test_calls_that_a_server_leaves_in_its_words_are_read_and_not_said():
    async with an_engine(Server(WRITTEN_CALL)) as engine:
        text, finish = await reply_of(engine, replace(a_prompt("My sink leaks."), tools=(TOLD_OF,)))

    (call,) = finish.tool_calls
    assert (text, finish.reason, call.name) == ("Yes. ", "tool_calls", "ticket")


@pytest.mark.parametrize(
    "written",
    [
        '[TOOL_CALLS] [{"name": "ticket", "arguments": {}}]',
        '<|python_tag|>{"name": "ticket", "parameters": {}}',
    ],
)
async def test_a_call_that_only_the_replys_end_ends_is_wanted_too(written: str):
    async with an_engine(Server((said(written[:15]), said(written[15:]), END))) as engine:
        text, finish = await reply_of(engine, replace(a_prompt("My sink leaks."), tools=(TOLD_OF,)))

    (call,) = finish.tool_calls
    assert (text, finish.reason, call.name) == ("", "tool_calls", "ticket")


async def test_a_server_without_a_parser_is_asked_to_show_tools_only_and_is_remembered():
    server = Unready(WRITTEN_CALL)
    async with an_engine(server) as engine:
        replies = [
            await reply_of(engine, replace(a_prompt("My sink leaks."), tools=(TOLD_OF,))) for _ in range(2)
        ]

    assert [finish.tool_calls[0].name for _, finish in replies] == ["ticket", "ticket"]
    assert [asked.get("tool_choice") for asked in server.asked[1:]] == [None, "none", "none"]


async def test_a_server_that_takes_no_tools_answers_without_and_that_is_told():
    async with an_engine(Unready(shows=False)) as engine:
        text, finish = await reply_of(engine, replace(a_prompt("My sink leaks."), tools=(TOLD_OF,)))

    assert (text, finish.ignored) == ("Good morning.", ("tools",))


async def test_a_cancelled_reply_closes_its_connection_within_50_ms():
    server = Server((said("Good morning. "),), hangs=True)
    async with an_engine(server) as engine, asyncio.timeout(WAIT_S):
        heard = asyncio.Event()
        writing = asyncio.create_task(engine.write(a_prompt("Hi."), lambda _: heard.set()))
        await heard.wait()
        began_at = asyncio.get_running_loop().time()
        writing.cancel()
        await server.hung_up.wait()

    assert asyncio.get_running_loop().time() - began_at < 0.05 + 0.2  # and the scheduler of a busy machine


async def test_who_cancels_at_a_word_does_not_hear_those_that_came_with_it():
    heard: list[str] = []

    def hear(text: str) -> None:
        heard.append(text)
        writing.cancel()

    server = Server([said("and ")] * 50, hangs=True)  # all in one piece of the stream
    async with an_engine(server) as engine, asyncio.timeout(WAIT_S):
        writing = asyncio.create_task(engine.write(a_prompt("Hi."), hear))
        await server.hung_up.wait()

    assert len(heard) == 1


@pytest.mark.parametrize(
    ("server", "error", "words"),
    [
        (Server(status=400, told="my sink"), BadJob, r"refuses the request \(400\)"),
        (Server(status=404), UnknownModel, "does not have"),
        (Server(status=500, told="my sink"), EngineDied, r"failed \(500\)"),
        (Server((said("Good "),)), EngineDied, "broke off"),
        (Server(("data: {broken\n\n",)), EngineDied, "damaged"),
        (Server(({"error": {"message": "my sink"}},)), EngineDied, "failed at this reply"),
    ],
)
async def test_what_a_server_says_no_to_is_an_error_without_its_words(server, error, words):
    async with an_engine(server) as engine:
        with pytest.raises(error, match=words) as raised:
            await reply_of(engine, a_prompt("my sink"))

    assert "my sink" not in str(raised.value)


async def test_an_adapter_that_the_server_lacks_is_loaded_into_it_and_asked_for_by_name():
    server = Server()
    async with an_engine(server, adapters={"rosa": "/models/rosa"}) as engine:
        await engine.write(a_prompt("Hi."), lambda _: None, "rosa")

    assert engine.models == ("jamie-8b", "rosa")
    assert server.asked[-1]["model"] == "rosa"


async def test_an_adapter_that_comes_later_is_loaded_for_the_first_job_that_names_it(tmp_path: Path) -> None:
    server = Server()
    async with an_engine(server, found=Found(tmp_path, look_s=0.0)) as engine:
        (tmp_path / "rosa").mkdir()
        (tmp_path / "rosa" / LORA).write_text("{}", encoding="utf-8")
        for _ in range(2):
            await engine.write(a_prompt("My sink leaks."), lambda _: None, "rosa")

    assert server.models == ["jamie-8b", "rosa"]  # once
    assert [asked["model"] for asked in server.asked[1:]] == ["rosa", "rosa"]


async def test_a_server_that_loads_no_adapters_is_told_at_the_start():
    with pytest.raises(EngineDied, match=r"'rosa'.*--enable-lora"):
        async with an_engine(Server(loads_adapters=False), adapters={"rosa": "/models/rosa"}):
            pass


async def test_a_server_with_another_model_is_told_at_the_start():
    with pytest.raises(EngineDied, match="has jamie-8b, not 'rosa-8b'"):
        async with an_engine(Server(), model="rosa-8b"):
            pass


async def test_a_command_that_ends_at_once_is_told_with_its_last_words():
    command = [sys.executable, "-c", "print('CUDA out of memory'); raise SystemExit(1)"]
    engine = ModelServer(f"http://127.0.0.1:{free_port()}/v1", command=command, load_s=20.0)

    with pytest.raises(EngineDied, match="CUDA out of memory"):
        await engine.start()
    assert not engine.ready()


async def test_a_command_that_does_not_exist_is_told():
    engine = ModelServer("http://127.0.0.1:9/v1", command=["/no/such/vllm", "serve"])

    with pytest.raises(EngineDied, match=r"OFFHOOK_ENGINE_COMMAND.*/no/such/vllm"):
        await engine.start()


# A server that is ours to start, and that dies

SERVE = """
import asyncio, os, sys, uvicorn
import runpod_handler
from voice.engines.scripted import ScriptedEngine
print("secret" if "RUNPOD_API_KEY" in os.environ else "clean", flush=True)
asyncio.run(runpod_handler.serve_http(ScriptedEngine(), 4))
"""


@pytest.mark.slow
async def test_a_server_that_was_killed_is_started_again_and_ends_with_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("PORT", str(port))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    script = tmp_path / "server.py"
    script.write_text(f"import os; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n{SERVE}")
    engine = ModelServer(f"http://127.0.0.1:{port}/v1", command=[sys.executable, str(script)], load_s=WAIT_S)
    await engine.start()
    first = int((tmp_path / "pid").read_text())

    os.kill(first, signal.SIGKILL)
    await until(lambda: not engine.ready())
    await until(engine.ready)
    text, _ = await reply_of(engine, a_prompt("Hi."))
    second = int((tmp_path / "pid").read_text())
    await engine.stop()

    assert text == "Good morning, how can I help?"
    assert first != second
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)


async def until(is_so: Callable[[], bool]) -> None:
    """Looks often: an engine tells nobody that it is gone or back."""
    async with asyncio.timeout(WAIT_S):
        while not is_so():  # noqa: ASYNC110 – see above
            await asyncio.sleep(0.01)


# What is asked


def test_a_reply_gets_at_most_half_of_the_context():
    assert request_body(a_prompt("Hi.", max_tokens=4096), "m", 1024)["max_tokens"] == 512
    assert request_body(a_prompt("Hi.", max_tokens=4096), "m", None)["max_tokens"] == 4096


def test_stops_and_tools_are_asked_for_where_there_are_some():
    tool = ToolSpec("ticket", "Opens one.", {})

    plain = request_body(a_prompt("Hi."), "m", None)
    full = request_body(Prompt((Message("user", "Hi."),), stop=("\n",), tools=(tool,)), "m", None)

    assert {"stop", "tools", "continue_final_message"}.isdisjoint(plain)
    assert full["stop"] == ["\n"]
    assert full["tools"][0]["function"]["name"] == "ticket"


@pytest.mark.parametrize(("turns", "gone"), [(1, 0), (2, 1), (3, 2), (9, 8), (100, 52)])
def test_the_older_half_goes_and_the_persona_and_the_last_turn_stay(turns: int, gone: int):
    words = [f"word {place}" for place in range(turns * 2 - 1)]

    kept, dropped = without_older_half(a_prompt(*words))

    assert dropped == gone
    assert kept.messages[0].role == "system"
    assert kept.messages[-1].text == words[-1]
    assert len(kept.messages) == 1 + (turns - gone) * 2 - 1
