"""`offhook call`: one call from the terminal, typed or from a script."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import httpx
import typer

from handlers.app import BrainOptions
from voice.cli.conversation import LastTurns, print_aside
from voice.cli.lines import LineDoor, behind, check_agent, open_line
from voice.cli.outbound import Pretence, ring_up
from voice.cli.own_server import OwnServer
from voice.cli.screen import Failed, waiting
from voice.cli.server import bind, url_of
from voice.cli.talking import Printed, talk
from voice.cli.waterfall import Waterfalls
from voice.clock import Budget
from voice.errors import BadRequest
from voice.models.scripted import ScriptedClient
from voice.settings import Settings, load_settings
from voice.settings.lines import SIP, plain_number
from voice.simulate.cast import Cast
from voice.simulate.report import TurnReport
from voice.simulate.script import CALLER, Script, names, packaged
from voice.simulate.twilio.callee import Callee
from voice.simulate.twilio.line import TwilioDoor, TwilioLine
from voice.simulate.vapi.line import CALM, WHOLE, Play, VapiLine
from voice.simulate.vapi.posts import OUR_NUMBER
from voice.types import E164, Finish

HERE = "127.0.0.1"  # where a played call has its control URL
UNSTEERED = f"this call cannot be steered: that server's OFFHOOK_VAPI_CONTROL_HOSTS needs {HERE} in it, too"
STEER = '{"text": "Help is on its way."}'

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def call(
    door: Annotated[LineDoor, typer.Option(help="The door to call through.")] = "vapi",
    agent: Annotated[str | None, typer.Option(help="Who is to answer; default: OFFHOOK_AGENT.")] = None,
    script: Annotated[
        str | None,
        typer.Option(help=f"What the caller does: a file, or one of {', '.join(names())}."),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="A server that runs, http://…; default: one of our own.")
    ] = None,
    caller: Annotated[str, typer.Option(help="The caller's number, +1…, or anonymous.")] = CALLER,
    number: Annotated[
        str, typer.Option(help="The number that is dialled, as in [[lines]]; with --door vapi.")
    ] = OUR_NUMBER,
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
    to: Annotated[
        str | None, typer.Option(help="A number that the server is to call, +1…, instead of being called.")
    ] = None,
    pretend: Annotated[
        Callee | None, typer.Option(help="With --to: nobody's telephone rings; this one is played.")
    ] = None,
) -> None:
    """Call an agent from the terminal, typed or from a script.

    Each reply comes with its times, its route and its waterfall. Typing over the agent stops it. An
    empty input (Ctrl-D) hangs up. With a script, the exit status is 1 when a turn was late or silent.
    With --to, it is the server that calls; the exit status is 1 when nobody was reached.

    \b
    Examples:
      offhook call
      offhook call --door gather --script ac-repair
      offhook call --door relay --script interrupted
      offhook call --whole --asks 3
      echo "My sink leaks." | offhook call --url http://127.0.0.1:8000
      offhook call --to +14155550100 --agent jamie
      offhook call --to +14155550100 --pretend person --door relay --script leak
    """
    logging.basicConfig(level=logging.ERROR, format="offhook: %(message)s")
    says = _script(script)
    if to is not None:
        _call_out(door, agent, says, url, to, pretend)
        return
    _refuse_others(door, pretend, number, is_whole=whole or asks > 1)
    ends, play = _ends(caller, number, says), _play(door, url, asks, whole=whole)
    turns = asyncio.run(_call(load_settings(), door, agent, says, url, ends, play, draws=waterfall))
    if says and any(turn.late or turn.silent for turn in turns):
        raise typer.Exit(1)


def _call_out(
    door: LineDoor, agent: str | None, says: Script | None, url: str | None, to: str, pretend: Callee | None
) -> None:
    """Have the server call a number."""
    if pretend is not None and url is not None:
        raise typer.BadParameter("--pretend plays Twilio to a server of its own: leave out --url")
    through: TwilioDoor = "relay" if door == "relay" else "gather"
    played = Pretence(pretend, through, says) if pretend is not None else None
    if not asyncio.run(ring_up(load_settings(), to, agent, url, played)):
        raise typer.Exit(1)


def _refuse_others(door: LineDoor, pretend: Callee | None, number: str, *, is_whole: bool) -> None:
    """Raise BadParameter for options of another door."""
    if pretend is not None:
        raise typer.BadParameter("--pretend goes with --to")
    if door != "vapi" and is_whole:
        raise typer.BadParameter("--whole and --asks are Vapi's: use --door vapi")
    if door != "vapi" and number != OUR_NUMBER:
        raise typer.BadParameter("--number is Vapi's: use --door vapi")


def _play(door: LineDoor, url: str | None, asks: int, *, whole: bool) -> Play:
    """How much of Vapi is played."""
    # A real call has a control URL, by which a transfer leaves that comes behind words. A server that runs
    # may refuse one of this machine, and would say so in its log.
    steers = door == "vapi" and (whole or url is None)
    return replace(WHOLE if whole else CALM, asks=asks, steers=steers)


@dataclass(frozen=True, slots=True)
class Ends:
    """The two numbers of a call: who calls, and which number is dialled."""

    caller: str
    number: str


def _ends(caller: str, number: str, says: Script | None) -> Ends:
    ends = Ends(_dialable("--caller", caller), _dialable("--number", number))
    if says is not None and caller == CALLER:
        return replace(ends, caller=_dialable(f"{says.name}: caller", says.caller))
    return ends


def _dialable(option: str, given: str) -> str:
    """A number as platforms write it. Raises BadParameter: any other fits no table of [[lines]]."""
    number = plain_number(given)
    may_hide = option.endswith("caller") and given == "anonymous"
    if E164.fullmatch(number) or SIP.fullmatch(given) or may_hide:
        return number
    raise typer.BadParameter(f"{option} {given!r} is no number: write + and digits, as {CALLER}")


def _script(name: str | None) -> Script | None:
    if name is None:
        return None
    return packaged(name) if name in names() else Script.load(Path(name))


async def _call(
    settings: Settings,
    door: LineDoor,
    agent: str | None,
    script: Script | None,
    url: str | None,
    ends: Ends,
    play: Play,
    *,
    draws: bool,
) -> list[TurnReport]:
    """The whole call, and the server for it when none is named."""
    last, budget, restart = LastTurns(), Budget(), None
    async with AsyncExitStack() as stack:
        if url is None:
            with waiting("Starting a server …"):
                listener = bind("127.0.0.1", 0)
                settings = behind(door, steerable(settings) if play.steers else settings, url_of(listener))
                settings, cast = _with(script.cast if script and agent is None else None, settings)
                ours = OwnServer(settings, listener, lambda brain: brain.bus.subscribe(last), **cast)
                server = (await stack.enter_async_context(ours)).now
            budget, url, restart = server.brain.agents.get(agent).budget, server.url, ours.restart
        url = (url if "://" in url else f"http://{url}").rstrip("/")
        if restart is None and agent is not None:
            await check_agent(url, settings, agent)
        line = open_line(
            door, url, settings, agent=agent, caller=ends.caller, number=ends.number, budget=budget, play=play
        )
        if isinstance(line, VapiLine | TwilioLine):
            line.told = print_aside
        if play.tells_all:
            says = f"steer this call: curl -d '{STEER}' {url}/admin/calls/{line.call_id}/say"
            print_aside(says if HERE in settings.vapi_control_hosts else UNSTEERED)
        printed = Printed(line, last, Waterfalls(url, settings) if draws else None, play.holds_chars > 0)
        try:
            await talk(line, script, printed, restart)
        except BadRequest as exc:
            raise Failed(f"the {door} door at {url}: {exc}") from exc
        except httpx.HTTPError as exc:
            raise Failed(
                f"nobody answers at {url} ({type(exc).__name__}); is `offhook serve` running?"
            ) from exc
        if script is not None and isinstance(line, TwilioLine):
            _all_dialled(script, line)
        return printed.turns


def _with(cast: Cast | None, settings: Settings) -> tuple[Settings, BrainOptions]:
    """What a server of our own needs for the agent and the model that a script brings."""
    if cast is None:
        return settings, {}
    print_aside(f"{cast.agent} answers, and a model that plays the script's lines")
    changes = {"agents_dir": cast.folder, "agent": cast.agent, "lines": ()}
    finish = Finish("tool_calls", tool_calls=(cast.asks,)) if cast.asks is not None else None
    return settings.model_copy(update=changes), {
        "clients": (ScriptedClient("script", cast.reply, finish=finish),)
    }


def _all_dialled(script: Script, line: TwilioLine) -> None:
    """Raise Failed where the script says what people do whom nobody has dialled."""
    wanted = sum(step.person is not None for step in script.steps)
    if line.dialled < wanted:
        times = "nobody was" if not line.dialled else f"only {line.dialled} of {wanted} were"
        raise Failed(
            f"{script.name}: `dialled` tells what people do who are put through to, and {times} dialled: the "
            "agent's file needs the tool transfer and a [transfer] table, and its model must ask for it"
        )


def steerable(settings: Settings) -> Settings:
    """The settings of a server that may ask a control URL of this machine."""
    return settings.model_copy(update={"vapi_control_hosts": (*settings.vapi_control_hosts, HERE)})
