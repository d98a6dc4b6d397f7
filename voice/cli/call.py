"""`offhook call`: one call from the terminal, typed or from a script."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from threading import Thread
from typing import Annotated

import httpx
import typer

from voice.cli.conversation import LastTurns, print_agent, print_caller, print_turn
from voice.cli.lines import LineDoor, open_line
from voice.cli.screen import Failed, waiting
from voice.cli.server import bind, running
from voice.clock import Budget
from voice.errors import BadRequest
from voice.settings import Settings, load_settings
from voice.simulate.caller import CALLER, SCRIPTS, Line, Script
from voice.simulate.report import TurnReport

PROMPT = "you> "

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def call(
    door: Annotated[LineDoor, typer.Option(help="The door to call through.")] = "vapi",
    agent: Annotated[str | None, typer.Option(help="Who is to answer; default: OFFHOOK_AGENT.")] = None,
    script: Annotated[
        str | None,
        typer.Option(help=f"What the caller says: a file, one utterance a line, or {' or '.join(SCRIPTS)}."),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="A server that runs, http://…; default: one of our own.")
    ] = None,
    caller: Annotated[str, typer.Option(help="The caller's number.")] = CALLER,
) -> None:
    """Call an agent from the terminal, typed or from a script.

    Each reply comes with its times and its route. An empty input (Ctrl-D) hangs up. With a script,
    the exit status is 1 when a turn was late or silent.

    \b
    Examples:
      offhook call
      offhook call --door gather --script ac-repair
      echo "My sink leaks." | offhook call --url http://127.0.0.1:8000
    """
    logging.basicConfig(level=logging.ERROR, format="offhook: %(message)s")
    says = _script(script)
    turns = asyncio.run(_call(load_settings(), door, agent, says, url, caller))
    if says and any(turn.late or turn.silent for turn in turns):
        raise typer.Exit(1)


def _script(name: str | None) -> Script | None:
    if name is None:
        return None
    return SCRIPTS.get(name) or Script.load(Path(name))


async def _call(
    settings: Settings, door: LineDoor, agent: str | None, script: Script | None, url: str | None, caller: str
) -> list[TurnReport]:
    """The whole call, and the server for it when none is named."""
    last, budget = LastTurns(), Budget()
    async with AsyncExitStack() as stack:
        if url is None:
            with waiting("Starting a server …"):
                server = await stack.enter_async_context(running(settings, bind("127.0.0.1", 0)))
            server.brain.bus.subscribe(last)
            budget, url = server.brain.agents.get(agent).budget, server.url
        line = open_line(door, url.rstrip("/"), settings, agent=agent, caller=caller, budget=budget)
        try:
            return await _talk(line, script, last)
        except BadRequest as exc:
            raise Failed(f"the {door} door at {url}: {exc}") from exc
        except httpx.HTTPError as exc:
            raise Failed(
                f"nobody answers at {url} ({type(exc).__name__}); is `offhook serve` running?"
            ) from exc


async def _talk(line: Line, script: Script | None, last: LastTurns) -> list[TurnReport]:
    """Say everything, print everything, hang up."""
    turns: list[TurnReport] = []
    try:
        if greeting := await line.dial():
            print_agent(greeting)
        async for words in _utterances(script):
            turns.append(await line.say(words))
            print_turn(turns[-1], last.of(line.call_id))
            if line.is_over:
                typer.echo("(the agent has hung up)")
                break
    finally:
        await line.hang_up()
    return turns


async def _utterances(script: Script | None) -> AsyncIterator[str]:
    """What the caller says, printed unless a person has just typed it."""
    if script is not None:
        for words in script.says:
            print_caller(words)
            yield words
        return
    typed = _typed()
    while (line := await _next(typed)) is not None:
        if line and not sys.stdin.isatty():
            print_caller(line)
        if line:
            yield line
    if sys.stdin.isatty():
        print()  # after the prompt that Ctrl-D has answered


async def _next(typed: asyncio.Queue[str | None]) -> str | None:
    if sys.stdin.isatty():
        print(PROMPT, end="", flush=True)
    return await typed.get()


def _typed() -> asyncio.Queue[str | None]:
    """The lines of the standard input; None at its end.

    Read by a thread that nobody waits for, so that Ctrl-C ends the command at once; and past sys.stdin,
    whose lock such a thread would hold when the interpreter ends.
    """
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        rest = b""
        while piece := os.read(0, 4096):
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                loop.call_soon_threadsafe(lines.put_nowait, line.decode(errors="replace").strip())
        loop.call_soon_threadsafe(lines.put_nowait, rest.decode(errors="replace").strip())
        loop.call_soon_threadsafe(lines.put_nowait, None)

    Thread(target=read, daemon=True).start()
    return lines
