"""`offhook serve`: every door, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated, Literal

import typer

from voice.cli.doors import GUARDS, SHOWN, UNSIGNED, door_guards, refuses_turns
from voice.cli.garbage import calm_collector
from voice.cli.main import CTRL_C_STATUS
from voice.cli.server import Running, bind, loop_factory, running, url_of
from voice.cli.values import secrets_of
from voice.errors import SetupError
from voice.settings import Settings, load_settings, settings_doubts
from voice.telemetry.logs import set_up_logs

log = logging.getLogger(__name__)

LogFormat = Literal["auto", "json", "plain"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 0.0.0.0 for all.  [OFFHOOK_HOST]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.  [OFFHOOK_PORT]")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that serve together.  [OFFHOOK_WORKERS]")
    ] = None,
    log_format: Annotated[LogFormat, typer.Option(help="auto: plain in a terminal, else JSON.")] = "auto",
) -> None:
    """Serve every door: Vapi, Twilio, chat completions, plain chat.

    SIGTERM and Ctrl-C let replies in flight end, write everything down, and stop. With --workers, SIGHUP
    replaces the processes one after the other, and one that dies is started again.

    \b
    Examples:
      offhook serve
      offhook serve --workers 4
      offhook serve --host 0.0.0.0 --port 8080
    """
    settings = load_settings()
    listener = bind(settings.host if host is None else host, settings.port if port is None else port)
    plain = sys.stderr.isatty() if log_format == "auto" else log_format == "plain"
    secrets = secrets_of(settings)
    set_up_logs(settings.log_level, plain=plain, keep_pii=settings.log_pii, secrets=secrets)
    count = settings.workers if workers is None else workers
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        if count > 1 and settings.database.startswith("memory:"):
            raise SetupError("OFFHOOK_DATABASE_URL is memory://, which processes cannot share; name a file")
        if count == 1:
            ended_by = runner.run(_until_told(settings, listener))
        else:
            from voice.cli.processes import Processes, serve_together  # late: most serve with one process

            together, url = Processes(count, listener, plain=plain), url_of(listener)

            def announce(them: Processes) -> None:
                _announce(settings, url, *them.brought, processes=count)

            ended_by = runner.run(serve_together(together, announce))
    if ended_by is signal.SIGINT:
        raise typer.Exit(CTRL_C_STATUS)


async def _until_told(settings: Settings, listener: socket.socket) -> signal.Signals:
    """Serve until a signal comes; which one. A second one ends requests in flight."""
    told: asyncio.Queue[signal.Signals] = asyncio.Queue()
    async with running(settings, listener) as server:
        for one in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(one, told.put_nowait, one)
        calm_collector()
        brain = server.brain
        _announce(settings, server.url, brain.agents.default.name, [route.name for route in brain.routes])
        ended_by = await told.get()
        hurrying = asyncio.create_task(_hurry(told, server))
    hurrying.cancel()
    return ended_by


async def _hurry(told: asyncio.Queue[signal.Signals], server: Running) -> None:
    await told.get()
    server.uvicorn.force_exit = True
    server.brain.calls.hurry()


def _announce(settings: Settings, url: str, agent: str, named: Sequence[str], processes: int = 1) -> None:
    """Where it listens, who answers over which routes, which doors are guarded: a line, and an event."""
    doors, routes = door_guards(settings), " → ".join(named)
    guards = {guard: ", ".join(one.door for one in doors if one.guard == guard) for guard in GUARDS}
    parts = [
        f"agent {agent}",
        f"routes: {routes}",
        *([f"{processes} processes"] if processes > 1 else []),
        *(f"{guard}: {them}" for guard, them in guards.items() if them),
    ]
    print(f"Offhook {metadata.version('offhook')} listens on {url} · {' · '.join(parts)}", flush=True)
    fields = {guard.replace(" ", "_"): them for guard, them in guards.items()}
    log.info(
        "server.listening",
        extra={"url": url, "processes": processes, "agent": agent, "routes": routes, **fields},
    )
    for one in settings_doubts(settings):
        log.warning("setting.doubtful", extra={"what": one.what, "why": one.says, "to_do": one.to_do})
    if guards["open"]:
        log.warning(
            "doors.open", extra={"doors": guards["open"], "to_do": "set their secrets, drop OFFHOOK_OPEN"}
        )
    if refuses_turns(settings):
        log.error(
            "vapi.turns_refused",
            extra={"why": UNSIGNED, "to_do": f"set {SHOWN} besides OFFHOOK_VAPI_HMAC_SECRET"},
        )
