"""Changes an endpoint at RunPod: finds it, shows what differs, asks, sends, waits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import typer

from voice.cli.runpod.rest import RunPodRest
from voice.cli.runpod.wanted import NAME, body_of, difference, shown
from voice.cli.screen import Failed, waiting
from voice.clock import now
from voice.errors import SetupError
from voice.settings import Settings

Endpoint = dict[str, Any]

NEW_WORKERS = {"min": 0, "max": 3, "idleTimeout": 60}
LOOK_S = 2.0  # between two looks at the workers


def endpoint_id_of(settings: Settings, given: str | None) -> str:
    """The endpoint that is meant: the one given, or the first of RUNPOD_ENDPOINT_ID."""
    found = (given or settings.runpod_endpoint_id or "").partition(",")[0].strip()
    if not found:
        raise SetupError("which endpoint is not known: set RUNPOD_ENDPOINT_ID or give --id")
    return found


async def found_at(rest: RunPodRest, endpoint_id: str | None, name: str) -> Endpoint:
    """The endpoint of an id, else the only one of a name; {} when there is none yet."""
    if endpoint_id is not None:
        return await rest.read(endpoint_id)
    found = await rest.named(name)
    if len(found) > 1:
        ids = ", ".join(str(one.get("id")) for one in found)
        raise Failed(f"{len(found)} endpoints are called {name!r}: name one with --id ({ids})")
    return found[0] if found else {}


async def applied(rest: RunPodRest, theirs: Endpoint, ours: Endpoint, *, dry_run: bool, yes: bool) -> None:
    """Makes the endpoint at RunPod as it is wanted."""
    if not theirs:
        ours = {"name": NAME} | ours | {"workers": NEW_WORKERS | ours["workers"]}
        if missing := [flag for flag, key in (("--image", "image"), ("--gpu", "gpu")) if key not in ours]:
            raise Failed(
                f"there is no endpoint {ours['name']!r} yet; to make it, give {' and '.join(missing)}"
            )
    elif theirs.get("type", ours["type"]) != ours["type"]:
        is_lb = theirs["type"] == "LOAD_BALANCER"
        to_do = "give --lb" if is_lb else "leave out --lb"
        raise Failed(
            f"endpoint {theirs['id']} is a {theirs['type']}, which stays: {to_do}, or another --name"
        )
    body = body_of(theirs, ours)
    done = await _sent(rest, theirs, body, dry_run=dry_run, yes=yes)
    if done is not None:
        typer.echo(f"RUNPOD_ENDPOINT_ID={done['id']}")


async def set_workers(
    rest: RunPodRest, endpoint_id: str, least: int, most: int | None, *, dry_run: bool, yes: bool
) -> None:
    """Keeps `least` workers awake, and allows more than there may be where that is needed."""
    theirs = await rest.read(endpoint_id)
    workers = theirs.get("workers")
    allowed = workers.get("max") if isinstance(workers, Mapping) else None
    wanted: dict[str, int] = {"min": least}
    if most is not None or (isinstance(allowed, int) and allowed < least):
        wanted["max"] = max(least, most or 0)
    await _sent(rest, theirs, body_of(theirs, {"workers": wanted}), dry_run=dry_run, yes=yes)


async def waited_for(rest: RunPodRest, endpoint_id: str, limit_s: float) -> None:
    """Waits until a worker is awake; tells how long that took. Raises Failed when none is in time."""
    began_at, told = now(), ""
    with waiting("A worker starts …"):
        while now() - began_at < limit_s:
            counts = {key: value for key, value in (await rest.workers(endpoint_id)).items() if value}
            if counts.get("running") or counts.get("idle"):
                typer.echo(f"✓ a worker is awake after {now() - began_at:.0f} s")
                return
            told = ", ".join(f"{count} {state}" for state, count in counts.items() if state != "total")
            await asyncio.sleep(LOOK_S)
    raise Failed(
        f"no worker is awake after {limit_s:.0f} s ({told or 'none is there'}): offhook runpod check"
    )


async def _sent(
    rest: RunPodRest, theirs: Endpoint, body: Endpoint, *, dry_run: bool, yes: bool
) -> Endpoint | None:
    """Shows what changes, asks, and sends it; None when nothing was sent."""
    if not body:
        typer.echo(f"✓ endpoint {theirs['id']} is as it should be; nothing to do")
        return None
    if theirs or not dry_run:  # the request that makes one is all of it
        typer.echo("\n".join(difference(theirs, body)))
    method, path = ("PATCH", f"/serverless/{theirs['id']}") if theirs else ("POST", "/serverless")
    if dry_run:
        typer.echo(f"would send: {method} {rest.url}{path}\n{shown(body)}")
        return None
    _ask(f"{'Change' if theirs else 'Create'} the endpoint at RunPod?", yes)
    done = await (rest.change(str(theirs["id"]), body) if theirs else rest.create(body))
    typer.echo(f"✓ endpoint {done['id']} is {'changed' if theirs else 'created'}")
    return done


def _ask(question: str, yes: bool) -> None:
    try:
        if yes or typer.confirm(question):
            return
    except typer.Abort:
        typer.echo(err=True)
    raise Failed("nothing was changed; --yes does not ask")
