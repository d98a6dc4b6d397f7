"""One server of `offhook bench`, in a process and on a core of its own so that its CPU can be told apart.

    python -m voice.cli.bench.server '{"kind": "offhook", "folder": "/tmp/x", "cores": [0], …}'

It prints its URL and serves until its standard input is closed. A line on its input is a command, answered by
one line of JSON: `profile` begins to look where its CPU goes, `profiled` tells it, `answered` tells how many
turns each route has answered since it was asked last. Kinds: "offhook" is the
whole product, as `offhook serve` runs it; "floor" and "echo" are what stands beside it (floor.py); "host" is
the mock model host.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, Literal, Self

from handlers.app import BrainOptions
from voice.cli.bench.floor import Echo, Floor
from voice.cli.bench.host import Host, Pace, number_in
from voice.cli.bench.proc import pin
from voice.cli.bench.route import with_route
from voice.cli.bench.stages import Sampler
from voice.cli.bench.words import tokens
from voice.cli.garbage import calm_collector
from voice.cli.server import bind, loop_factory, running, serving, url_of
from voice.cli.values import secrets_of
from voice.events import Event, TurnClosed
from voice.models.scripted import ScriptedClient
from voice.settings import Settings, load_settings
from voice.telemetry.logs import set_up_logs
from voice.types import Prompt

Kind = Literal["offhook", "floor", "echo", "host"]
Model = Literal["host", "scripted", "embedded", "route"]

MAX_CALLS = 100_000  # a bench hangs nobody up while it measures
# No reply of the bench is ended while it is held open on purpose.
PATIENT = """
name = "patient"
persona = "You answer the telephone. Speak in short sentences."
greeting = "Hello."
fallbacks = ["Could you say that once more?"]
[budgets]
first_chunk_ms = 10000
gap_ms = 10000
reply_ms = 60000
"""


@dataclass(frozen=True, slots=True)
class BenchServer:
    """What one server is to be. `host` is the URL of the mock host, `route` the name of a real route."""

    kind: Kind
    folder: str
    cores: tuple[int, ...] = ()  # none: wherever the system likes
    host: str = ""
    model: Model = "host"
    route: str = ""
    door: str = "vapi"
    pace: Pace = field(default_factory=Pace)  # of the scripted model

    def as_text(self) -> str:
        """What `from_text` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The server that a command line asks for."""
        fields = json.loads(text)
        pace, cores = Pace(**fields.pop("pace")), tuple(fields.pop("cores"))
        return cls(**fields, pace=pace, cores=cores)


async def serve_until_closed(server: BenchServer) -> None:
    """Serve, say where, and end when the standard input ends: with whoever started this process."""
    commands, answered = _commands(), _Answered()
    async with _served(server, answered) as url:
        calm_collector()
        print(url, flush=True)
        sampler = Sampler()
        while (command := await commands.get()) is not None:
            if command == "profile":
                sampler.start()
                print("{}", flush=True)
            elif command == "profiled":
                print(json.dumps(sampler.stop()), flush=True)
            elif command == "answered":
                print(json.dumps(answered.told()), flush=True)


class _Answered:
    """Counts by route who has answered turns; "" for nobody. A listener of the product's bus."""

    def __init__(self) -> None:
        self._turns: Counter[str] = Counter()

    def __call__(self, event: Event) -> None:
        if isinstance(event, TurnClosed):
            self._turns[event.turn.route or ""] += 1

    def told(self) -> dict[str, int]:
        found = dict(self._turns)
        self._turns.clear()
        return found


@asynccontextmanager
async def _served(server: BenchServer, answered: _Answered) -> AsyncIterator[str]:
    """The server's URL while it serves."""
    listener = bind("127.0.0.1", 0)
    if server.kind == "host":
        host = Host(server.pace)
        listening = await asyncio.get_running_loop().create_server(
            host.connection, sock=listener, backlog=4096
        )
        async with listening:
            yield url_of(listener)
            listening.close()
    elif server.kind == "offhook":
        url = url_of(listener)
        settings = _settings(server, url)
        set_up_logs(settings.log_level, keep_pii=settings.log_pii, secrets=secrets_of(settings))
        async with running(settings, listener, **_brain(server)) as ours:
            if server.route:
                ours.brain.bus.subscribe(answered)
            yield url
    elif server.kind == "echo":
        async with serving(Echo(), listener):
            yield url_of(listener)
    else:
        with closing(Floor(server.host)) as floor:
            async with serving(floor, listener):
                yield url_of(listener)


def _settings(server: BenchServer, url: str) -> Settings:
    """The defaults, whatever the environment says; with a real route, what the environment says."""
    agents = Path(server.folder) / "agents"
    agents.mkdir(exist_ok=True)
    (agents / "patient.toml").write_text(PATIENT, encoding="utf-8")
    values: dict[str, Any] = {
        "data_dir": Path(server.folder),
        "agents_dir": agents,
        "max_calls": MAX_CALLS,
        "twilio_mode": "relay" if server.door == "relay" else "gather",
        "public_url": url.replace("http://", "https://") if server.door == "relay" else None,
    }
    if server.model == "route":
        return with_route(load_settings(), server.route).model_copy(update=values)
    remote = {"llm_endpoint": f"{server.host}/v1", "llm_model": "bench"} if server.model == "host" else {}
    return Settings.model_validate(
        {**values, **remote, "strategy": "remote_first" if remote else "local_only"}
    )


def _brain(server: BenchServer) -> BrainOptions:
    if server.model != "scripted":
        return {}
    pace = server.pace

    def reply(prompt: Prompt) -> str:
        asked = prompt.messages[-1].text if prompt.messages else ""
        return "".join(tokens(number_in(asked.encode()), pace.words)).strip()

    return {"clients": [ScriptedClient(reply=reply, first_s=pace.first_s, every_s=pace.every_s)]}


def _commands() -> asyncio.Queue[str | None]:
    """The lines of the standard input; None when it has ended. A daemon thread reads: nobody waits for it."""
    commands: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(commands.put_nowait, line.strip())
        loop.call_soon_threadsafe(commands.put_nowait, None)

    Thread(target=read, daemon=True, name="bench").start()
    return commands


def main() -> None:
    """Run the server that the first argument describes."""
    server = BenchServer.from_text(sys.argv[1])
    pin(server.cores)
    logging.basicConfig(level=logging.ERROR)  # the product's own, as it is served, takes this one's place
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve_until_closed(server))


if __name__ == "__main__":
    main()
