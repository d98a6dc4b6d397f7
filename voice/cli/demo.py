"""`offhook demo`: two whole calls on this machine, from the first ring to the last word.

The server is the real one, with a database in a temporary folder and the small model that comes with
the product. Settings of the environment are left aside: nothing is asked that is not on this machine.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from voice.cli.conversation import LastTurns, print_agent, print_caller, print_turn
from voice.cli.lines import DOOR_TITLES, LineDoor, open_line
from voice.cli.screen import Failed, dim, waiting
from voice.cli.server import Running, bind, running
from voice.settings import Settings
from voice.simulate.caller import Line, play
from voice.simulate.report import CallReport, TurnReport, percentile
from voice.simulate.script import AC_REPAIR, LEAK, Script

CALLS: tuple[tuple[LineDoor, Script], ...] = (("vapi", AC_REPAIR), ("gather", LEAK))

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def demo(
    runpod: Annotated[
        bool, typer.Option("--runpod", help="Ask a RunPod worker, played here with RunPod's own SDK.")
    ] = False,
) -> None:
    """Play two whole calls here: no account, GPU or network.

    One call comes through Vapi's door and one through Twilio's. Exit status 1 when a turn was late or
    silent.

    \b
    Examples:
      offhook demo
      offhook demo --runpod
    """
    logging.basicConfig(level=logging.ERROR, format="offhook: %(message)s")
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="offhook-demo-") as folder:
        reports = asyncio.run(_demo(Path(folder), runpod=runpod))
    _summarise(reports, time.monotonic() - began_s)
    if not all(report.good for report in reports):
        raise typer.Exit(1)


async def _demo(folder: Path, *, runpod: bool) -> list[CallReport]:
    async with AsyncExitStack() as stack:
        with waiting("Starting …"):
            more: dict[str, Any] = {"strategy": "local_only"}
            if runpod:
                from voice.cli.demo_runpod import played_runpod  # optional: it needs the extra `worker`

                more = await stack.enter_async_context(played_runpod(folder))
            server = await stack.enter_async_context(_server(folder, more))
        last = LastTurns()
        server.brain.bus.subscribe(last)
        typer.echo(f"Offhook answers on {server.url}, over the route {server.brain.routes[0].name}.")
        return [await _one_call(server, door, script, last) for door, script in CALLS]


@asynccontextmanager
async def _server(folder: Path, more: dict[str, Any]) -> AsyncIterator[Running]:
    settings = Settings.model_validate({"data_dir": folder, **more})
    async with running(settings, bind("127.0.0.1", 0)) as server:
        if reasons := await server.brain.ready():
            raise Failed(f"the demo cannot begin: {'; '.join(reasons)}")
        yield server


async def _one_call(server: Running, door: LineDoor, script: Script, last: LastTurns) -> CallReport:
    typer.echo(f"\n{typer.style(DOOR_TITLES[door], bold=True)}")
    line = _Printed(open_line(door, server.url, server.brain.settings))

    def told(turn: TurnReport) -> None:
        print_caller(turn.said)
        print_turn(turn, last.of(line.call_id))

    report = await play(line, script, told)
    if report.error:
        print(f"offhook: {DOOR_TITLES[door]}: {report.error}", file=sys.stderr)
    return report


class _Printed:
    """A line whose greeting is printed when it is heard."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @property
    def door(self) -> str:
        return self._line.door

    @property
    def call_id(self) -> str:
        return self._line.call_id

    @property
    def is_over(self) -> bool:
        return self._line.is_over

    async def dial(self) -> str:
        greeting = await self._line.dial()
        print_agent(greeting)
        return greeting

    async def say(self, text: str) -> TurnReport:
        return await self._line.say(text)

    async def hang_up(self) -> None:
        await self._line.hang_up()


def _summarise(reports: list[CallReport], took_s: float) -> None:
    turns = [turn for report in reports for turn in report.turns]
    median = percentile([turn.ttfc_ms for turn in turns if turn.ttfc_ms is not None], 50)
    typer.echo(
        f"\n{len(turns)} turns · median {median or 0:.0f} ms to the first words"
        f" · {sum(turn.late for turn in turns)} late · {sum(turn.silent for turn in turns)} silent"
    )
    typer.echo(
        dim(f"{took_s:.1f} s in all. Next: `offhook call` to speak yourself, `offhook serve` to be called.")
    )
