"""An agent with tools that do something to a call, and the official OpenAI client at a served app."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import uvicorn

from handlers.app import create_app
from voice.models.scripted import ScriptedClient
from voice.settings import load_settings
from voice.store.memory import MemoryStore
from voice.types import Finish, ToolCall

OFFICE = "+14155550150"
CONNECTING = "I'm putting you through to the office."
GOODBYE = "Goodbye from Kim."
KIM = f"""
name = "kim"
greeting = "This is Kim."
goodbye = "{GOODBYE}"
persona = "You are Kim."
fallbacks = ["Kim is sorry. Once more, please?"]
fillers = ["One moment."]
tools = ["ticket", "transfer", "end_call"]
waits_for_goodbye = false

[transfer.office]
number = "{OFFICE}"
for = "everything that Kim cannot do"
say = "{CONNECTING}"
"""
END = ToolCall("call_1", "end_call", "{}")
TRANSFER = ToolCall("call_1", "transfer", '{"target": "office"}')


def an_office(folder: Path, toml: str = KIM) -> dict[str, Any]:
    """Settings under which Kim, who has tools of her own, answers."""
    (folder / "kim.toml").write_text(toml)
    return {"agents_dir": folder, "agent": "kim"}


def who_says(text: str, *calls: ToolCall) -> ScriptedClient:
    """A model that says something and asks for tools in the same breath; then it thanks."""
    if not text:
        return ScriptedClient(reply="Thank you.", tool_calls=calls)
    return ScriptedClient(reply=text, finish=Finish("tool_calls", tool_calls=calls))


def calls_in(frames: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """The tools that a stream asks for: name and arguments."""
    deltas = [frame["choices"][0]["delta"] for frame in frames if frame["choices"]]
    asked = [one["function"] for delta in deltas for one in delta.get("tool_calls", [])]
    return [(one["name"], json.loads(one["arguments"])) for one in asked]


@asynccontextmanager
async def an_openai_client(
    *models: ScriptedClient, base: str = "/v1", **settings: object
) -> AsyncIterator[openai.AsyncOpenAI]:
    """The official client against a real server on a loopback port."""
    read = load_settings(Path("/nonexistent"), **{"api_key": "k3y", **settings})
    app = create_app(read, clients=models or (ScriptedClient(),), store=MemoryStore())
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}{base}"
    try:
        async with openai.AsyncOpenAI(base_url=url, api_key="k3y", max_retries=0) as client:
            yield client
    finally:
        server.should_exit = True
        await serving
        listener.close()
