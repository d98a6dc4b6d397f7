"""`offhook call`: one call from the terminal, typed or from a script."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import httpx
import typer

from voice.cli.conversation import LastTurns, print_agent, print_aside, print_caller, print_times, print_turn
from voice.cli.lines import LineDoor, open_line
from voice.cli.screen import Failed, waiting
from voice.cli.server import bind, running
from voice.cli.speak_over import SpeakOver
from voice.cli.typed import Typed
from voice.cli.waterfall import Waterfalls
from voice.clock import Budget
from voice.errors import BadRequest
from voice.settings import Settings, load_settings
from voice.simulate.caller import CALLER, SCRIPTS, Line, Script
from voice.simulate.report import TurnReport
from voice.simulate.vapi import CALM, WHOLE, Play, VapiLine

STEER = '{"text": "Help is on its way."}'

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
    waterfall: Annotated[
        bool, typer.Option("--waterfall/--no-waterfall", help="Draw which route was asked when.")
    ] = True,
    whole: Annotated[
        bool,
        typer.Option("--whole", help="Play all of Vapi: every message, tools, the voice, a control URL."),
    ] = False,
    asks: Annotated[
        int,
        typer.Option(help="Requests for each turn; a caller who talks on drops all but one.", min=1, max=9),
    ] = 1,
) -> None:
    """Call an agent from the terminal, typed or from a script.

    Each reply comes with its times, its route and its waterfall. Typing over the agent stops it. An
    empty input (Ctrl-D) hangs up. With a script, the exit status is 1 when a turn was late or silent.

    \b
    Examples:
      offhook call
      offhook call --door gather --script ac-repair
      offhook call --whole --asks 3
      echo "My sink leaks." | offhook call --url http://127.0.0.1:8000
    """
    logging.basicConfig(level=logging.ERROR, format="offhook: %(message)s")
    says = _script(script)
    if door != "vapi" and (whole or asks > 1):
        raise typer.BadParameter("--whole and --asks are Vapi's: use --door vapi")
    play = replace(WHOLE if whole else CALM, asks=asks)
    turns = asyncio.run(_call(load_settings(), door, agent, says, url, caller, play, draws=waterfall))
    if says and any(turn.late or turn.silent for turn in turns):
        raise typer.Exit(1)


def _script(name: str | None) -> Script | None:
    if name is None:
        return None
    return SCRIPTS.get(name) or Script.load(Path(name))


async def _call(
    settings: Settings,
    door: LineDoor,
    agent: str | None,
    script: Script | None,
    url: str | None,
    caller: str,
    play: Play,
    *,
    draws: bool,
) -> list[TurnReport]:
    """The whole call, and the server for it when none is named."""
    last, budget = LastTurns(), Budget()
    async with AsyncExitStack() as stack:
        if url is None:
            with waiting("Starting a server …"):
                ours = steerable(settings) if play.steers else settings
                server = await stack.enter_async_context(running(ours, bind("127.0.0.1", 0)))
            server.brain.bus.subscribe(last)
            budget, url = server.brain.agents.get(agent).budget, server.url
        url = url if "://" in url else f"http://{url}"
        line = open_line(
            door, url.rstrip("/"), settings, agent=agent, caller=caller, budget=budget, play=play
        )
        if isinstance(line, VapiLine):
            line.told = print_aside
            if play.steers:
                print_aside(f"steer this call: curl -d '{STEER}' {url}/admin/calls/{line.call_id}/say")
        printed = _Printed(line, last, Waterfalls(url, settings) if draws else None, play.holds_chars > 0)
        try:
            return await _talk(line, script, printed)
        except BadRequest as exc:
            raise Failed(f"the {door} door at {url}: {exc}") from exc
        except httpx.HTTPError as exc:
            raise Failed(
                f"nobody answers at {url} ({type(exc).__name__}); is `offhook serve` running?"
            ) from exc


@dataclass(slots=True)
class _Printed:
    """The turns of a call, and what is printed under each."""

    line: Line
    last: LastTurns
    waterfalls: Waterfalls | None
    holds: bool = False  # whether the voice waits before it speaks
    turns: list[TurnReport] = field(default_factory=list)
    undrawn: int = 0  # turns that were cut: the words that cut them do not wait for a drawing

    async def told(self, report: TurnReport, *, spoken: bool) -> None:
        """A turn is over; `spoken`: its words are printed already."""
        self.turns.append(report)
        self.undrawn += 1
        if isinstance(self.line, VapiLine) and self.holds and self.line.spoken:
            times = ", ".join(f"{at:.0f} ms" for at, _ in self.line.spoken)
            print_aside(f"the voice began a piece after {times}")
        if report.cut:
            return
        printed = print_times if spoken else print_turn
        printed(report, self.last.of(self.line.call_id))
        await self.draw()

    async def draw(self) -> None:
        """The waterfalls that are not drawn yet."""
        if self.waterfalls is not None and self.undrawn:
            await self.waterfalls.show(self.line.call_id, self.undrawn)
        self.undrawn = 0


async def _talk(line: Line, script: Script | None, printed: _Printed) -> list[TurnReport]:
    """Say everything, print everything, hang up."""
    try:
        if greeting := await line.dial():
            print_agent(greeting)
        typed = None if script else Typed()
        over = SpeakOver.on(line, typed) if typed else None
        async for words in _utterances(script, typed):
            if not line.is_over:  # an order may have ended it while nobody spoke
                report = await (over or line).say(words)
                await printed.told(report, spoken=over is not None)
            if line.is_over:
                typer.echo("(the agent has hung up)")
                break
    finally:
        await line.hang_up()
    await printed.draw()
    return printed.turns


def steerable(settings: Settings) -> Settings:
    """The settings of a server that may ask a control URL of this machine."""
    return settings.model_copy(update={"vapi_control_hosts": (*settings.vapi_control_hosts, "127.0.0.1")})


async def _utterances(script: Script | None, typed: Typed | None) -> AsyncIterator[str]:
    """What the caller says, printed unless a person has just typed it."""
    for words in script.says if script else ():
        print_caller(words)
        yield words
    while typed and (line := await typed.next()) is not None:
        if not typed.by_hand:
            print_caller(line)
        yield line
    if typed and typed.by_hand:
        print()  # after the prompt that Ctrl-D has answered
