"""`offhook runpod`: the endpoint at RunPod, put up, checked, warmed and scheduled; and RunPod, played."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from voice.cli.runpod.change import Endpoint, applied, endpoint_id_of, found_at, set_workers, waited_for
from voice.cli.runpod.hours import hours_of, least_at, next_change
from voice.cli.runpod.rest import RunPodRest
from voice.cli.runpod.rules import endpoint_checks
from voice.cli.runpod.shown import show
from voice.cli.runpod.standin import standin
from voice.cli.runpod.wanted import NAME, odd_in, pools_of, wanted
from voice.errors import BadRequest
from voice.settings import Settings, load_settings

Id = Annotated[str | None, typer.Option("--id", help="The endpoint.  [default: RUNPOD_ENDPOINT_ID]")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the requests and send none that changes.")]

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def runpod() -> None:
    """Put the worker up at RunPod, check and warm it; or play RunPod.

    With RUNPOD_API_KEY, over RunPod's management API v2. What would change is shown first, and asked for.

    \b
    Examples:
      offhook runpod deploy --image me/offhook-worker:1.0.0 --gpu ADA_24,AMPERE_24 --dry-run
      offhook runpod check
      offhook runpod warm 1
      offhook runpod schedule "mon-fri 07:55-18:00=1" --tz Europe/Berlin
      offhook runpod standin --cold 30
    """


@app.command()
def deploy(
    image: Annotated[
        str | None, typer.Option(help="The worker's image, with its version: me/offhook-worker:1.0.0.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            help=f"The endpoint's name; one of this name is changed.  [default of a new one: {NAME}]"
        ),
    ] = None,
    endpoint_id: Annotated[
        str | None,
        typer.Option(
            "--id", help="The endpoint to change; --name then renames it.  [default: RUNPOD_ENDPOINT_ID]"
        ),
    ] = None,
    lb: Annotated[bool, typer.Option("--lb", help="A load-balancing endpoint, in place of a queue.")] = False,
    gpu: Annotated[str, typer.Option(help="GPU pools, best first: ADA_24,AMPERE_24.")] = "",
    least: Annotated[int | None, typer.Option("--min", min=0, max=1000, help="Workers always awake.")] = None,
    most: Annotated[int | None, typer.Option("--max", min=0, max=1000, help="Workers at most.")] = None,
    idle: Annotated[
        int | None, typer.Option(min=1, max=3600, help="Seconds that a worker stays awake without a job.")
    ] = None,
    disk: Annotated[int | None, typer.Option(min=1, help="The container's disk in GB.")] = None,
    env: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE in the worker's environment; may be repeated.")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Create the worker's endpoint, or change the one that is there.

    The one of --id is changed, else the one called --name, else the one of RUNPOD_ENDPOINT_ID, else the one
    called offhook; where none of the name is there, it is created. A new endpoint needs --image and --gpu,
    and has 3 workers at most with an idle timeout of 60 s. FlashBoot, a job's time limit, when a worker is
    added, and the worker's mode are set for calls; what else was chosen at RunPod and is not named here
    stays.

    \b
    Examples:
      offhook runpod deploy --image me/offhook-worker:1.0.0 --gpu ADA_24,AMPERE_24 --dry-run
      offhook runpod deploy --image me/offhook-worker:1.0.1 --yes
      offhook runpod deploy --lb --name offhook-lb --image me/offhook-worker:1.0.0 --gpu ADA_24
    """
    with _usage():
        ours = wanted(
            name=name,
            image=image,
            is_lb=lb,
            pools=pools_of(gpu),
            disk_gb=disk,
            workers={"min": least, "max": most, "idleTimeout": idle},
            env=_pairs(env or []),
        )
    settings = load_settings()
    if endpoint_id is None and name is None and settings.runpod_endpoint_id:
        endpoint_id = endpoint_id_of(settings, None)
    for doubt in odd_in(ours):
        typer.echo(f"! {doubt}", err=True)
    asyncio.run(_deployed(settings, endpoint_id, name or NAME, ours, dry_run=dry_run, yes=yes))


@app.command()
def check(
    endpoint_id: Id = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
) -> None:
    """Explain an endpoint's settings: which of them cost callers seconds, or money. Exit status 1 if broken.

    Whether it answers jobs: offhook doctor runpod.

    \b
    Example:
      offhook runpod check
    """
    settings = load_settings()

    async def run() -> Any:
        async with RunPodRest(settings) as rest:
            one = endpoint_id_of(settings, endpoint_id)
            return endpoint_checks(await rest.read(one), await rest.workers(one))

    found = asyncio.run(run())
    show(found, as_json=as_json)


@app.command()
def warm(
    least: Annotated[
        int, typer.Argument(min=0, max=1000, help="Workers that stay awake; 0 lets them go.")
    ] = 1,
    most: Annotated[
        int | None, typer.Option("--max", min=0, max=1000, help="Workers at most.  [default: as it is]")
    ] = None,
    wait_s: Annotated[
        int, typer.Option("--wait", min=0, max=3600, help="Seconds to wait until one is awake.")
    ] = 0,
    endpoint_id: Id = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Keep so many workers awake from now on: each is billed for every second until you let it go.

    \b
    Examples:
      offhook runpod warm 1 --wait 300
      offhook runpod warm 0 --yes
    """
    settings = load_settings()

    async def run() -> None:
        async with RunPodRest(settings) as rest:
            one = endpoint_id_of(settings, endpoint_id)
            await set_workers(rest, one, least, most, dry_run=dry_run, yes=yes)
            if least and wait_s and not dry_run:
                await waited_for(rest, one, wait_s)

    asyncio.run(run())


@app.command()
def schedule(
    plan: Annotated[list[str], typer.Argument(help="Days, hours and workers: mon-fri 07:55-18:00=1.")],
    tz: Annotated[str, typer.Option(help="Whose clock: Europe/Berlin.")] = "UTC",
    crontab: Annotated[
        bool, typer.Option("--crontab", help="Print the line for a crontab, and do nothing.")
    ] = False,
    endpoint_id: Id = None,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Keep as many workers awake as the plan wants at this time; none outside of it.

    RunPod has no clock of its own: let cron run this every five minutes. It sends nothing when nothing
    changes. Begin some minutes early, for the worker must load its model.

    \b
    Examples:
      offhook runpod schedule "mon-fri 07:55-18:00=1" "mon 08:00-11:00=2" --tz Europe/Berlin
      offhook runpod schedule "mon-fri 07:55-18:00=1" --crontab
    """
    with _usage():
        hours = [hours_of(line) for line in plan]
        at = _now_in(tz)
    if crontab:
        quoted = " ".join(f"'{line.strip()}'" for line in plan)
        typer.echo(f"*/5 * * * * offhook runpod schedule {quoted} --tz {tz} --yes")
        return
    least, then = least_at(hours, at), next_change(hours, at)
    later = f"; {then[1]} from {then[0]:%a %H:%M} on" if then else ""
    typer.echo(f"{at:%a %H:%M} {tz}: {least} awake{later}")
    settings = load_settings()

    async def run() -> None:
        async with RunPodRest(settings) as rest:
            one = endpoint_id_of(settings, endpoint_id)
            await set_workers(rest, one, least, None, dry_run=dry_run, yes=yes)

    asyncio.run(run())


app.command()(standin)


@contextmanager
def _usage() -> Iterator[None]:
    """What is given wrong is wrong usage: an exit status of its own."""
    try:
        yield
    except BadRequest as exc:
        raise typer.BadParameter(str(exc)) from exc


def _now_in(tz: str) -> datetime:
    try:
        return datetime.now(ZoneInfo(tz))
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise BadRequest(f"--tz {tz!r} is no time zone: write it like Europe/Berlin") from exc


async def _deployed(
    settings: Settings, endpoint_id: str | None, name: str, ours: Endpoint, *, dry_run: bool, yes: bool
) -> None:
    """Find the endpoint, and make it as it is wanted."""
    async with RunPodRest(settings) as rest:
        await applied(rest, await found_at(rest, endpoint_id, name), ours, dry_run=dry_run, yes=yes)


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = {}
    for one in given:
        name, is_there, value = one.partition("=")
        if not is_there or not name.isidentifier():
            raise BadRequest(f"--env {name!r} must be KEY=VALUE")
        pairs[name] = value
    return pairs
