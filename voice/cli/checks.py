"""Every part, tried out: agents, database, routes, the embedded model, the port, the doors."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx

from handlers.vapi.lines import Lines
from voice.agents.load import load_agents
from voice.brain import Brain
from voice.cli.doors import SHOWN, UNSIGNED, door_guards, refuses_turns
from voice.cli.languages import foreign
from voice.cli.server import bind
from voice.cli.stored import missing_file, opened_store
from voice.clock import Budget, now
from voice.errors import ModelError, SetupError
from voice.models.base import Health, HealthState
from voice.models.runpod import RunPodClient
from voice.models.runpod_workers import ADVICE
from voice.routing.table import Route
from voice.settings import Settings, settings_doubts
from voice.store.memory import MemoryStore
from voice.tools.all import TOOLS
from voice.types import Message, Prompt

State = Literal["ok", "warn", "broken"]

FOREIGN = "give it another route, or a model of its language in OFFHOOK_EMBEDDED_MODEL"
HEALTH_S = 5.0  # for a route's host to say how it is
ANSWER_S = 20.0  # for the embedded model's first words, on a machine that is busy with other things

# A cold or throttled worker is a late caller; a broken route is none.
STATES: dict[HealthState, State] = {"warm": "ok", "busy": "ok", "broken": "broken", "refused": "broken"}


@dataclass(frozen=True, slots=True)
class Check:
    """What was tried and what came of it. `to_do` is empty when nothing is to be done."""

    what: str
    state: State
    says: str
    to_do: str = ""


async def checks(settings: Settings) -> list[Check]:
    """Try everything that `offhook serve` will need, and leave nothing behind."""
    agents, *foreigners = _agents(settings)
    database = await _database(settings)
    routes = await _routes(settings) if agents.state == "ok" else []
    odd = [Check(one.what, "warn", one.says, one.to_do) for one in settings_doubts(settings)]
    return [*odd, agents, *foreigners, database, *routes, await _port(settings), *_doors(settings)]


def _agents(settings: Settings) -> list[Check]:
    try:
        agents = load_agents(settings.agents_dir, settings.agent, TOOLS)
        Lines(settings.lines, agents)  # each of its tables names one of them
    except SetupError as exc:
        return [_broken("agents", exc)]
    well = Check("agents", "ok", f"{', '.join(agents.names)}; {agents.default.name} answers by default")
    if settings.strategy == "remote_only":
        return [well]
    told = {name: foreign(agents.get(name), settings) for name in agents.names}
    return [well, *(Check(f"agent {name}", "warn", says, FOREIGN) for name, says in told.items() if says)]


async def _database(settings: Settings) -> Check:
    """Reach the database. One that does not exist yet is not made: that is for the first start."""
    if missing := missing_file(settings):
        return _new_file(missing)
    try:
        async with opened_store(settings) as store:
            calls = await store.newest(1)
    except SetupError as exc:
        return _broken("database", exc)
    newest = f"; newest call {calls[0].began_on:%Y-%m-%d %H:%M} UTC" if calls else "; no call yet"
    return Check("database", "ok", f"reachable{newest}")


def _new_file(file: Path) -> Check:
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return Check("database", "ok", f"{file} will be made at the first start")
    return Check("database", "broken", f"{folder} cannot be written", "choose another OFFHOOK_DATA_DIR")


async def _routes(settings: Settings) -> list[Check]:
    """Open the routes as the server would, ask each host how it is, and the embedded model for words."""
    try:
        async with Brain.open(settings, store=MemoryStore()) as brain:
            if not brain.routes:
                return [
                    Check("routes", "broken", "none", "set RUNPOD_ENDPOINT_ID, LLM_ENDPOINT or a strategy")
                ]
            return await asyncio.gather(*(_route(route) for route in brain.routes))
    except SetupError as exc:
        return [_broken("routes", exc)]


async def _route(route: Route) -> Check:
    what = f"route {route.name}"
    if route.is_local:
        return await _answers(route, what)
    try:
        async with asyncio.timeout(HEALTH_S):
            health = await route.client.health()
    except TimeoutError:
        return Check(what, "warn", f"no word within {HEALTH_S:.0f} s", "check its URL and the network")
    if isinstance(route.client, RunPodClient):
        return workers_check(what, health)
    state = STATES.get(health.state, "warn")
    to_do = {"broken": "check its key and URL", "warn": "a first caller may wait"}.get(state, "")
    return Check(what, state, f"{health.state} {health.detail}".strip(), to_do)


def workers_check(what: str, health: Health) -> Check:
    """How an endpoint's workers are, with what to do about it."""
    state, says = STATES.get(health.state, "warn"), f"{health.state}: {health.detail}".rstrip(": ")
    return Check(what, state, says, ADVICE.get(health.state, ""))


async def _answers(route: Route, what: str) -> Check:
    """Have the embedded model write a few words."""
    words: list[str] = []
    first_at: list[float] = []
    began_at = now()

    def hear(piece: str) -> None:
        words.append(piece)
        first_at.append(now())

    prompt = Prompt(
        (Message("system", "You are Jamie."), Message("user", "My sink is leaking.")), max_tokens=24
    )
    try:
        await route.client.write(prompt, Budget(ANSWER_S, reply_s=ANSWER_S).deadline(began_at), hear)
    except ModelError as exc:
        return _broken(what, exc)
    if not "".join(words).strip():
        return Check(what, "broken", "the embedded model wrote nothing", "look at OFFHOOK_EMBEDDED_MODEL")
    return Check(
        what, "ok", f"the embedded model answers; first word after {(first_at[0] - began_at) * 1000:.0f} ms"
    )


async def _port(settings: Settings) -> Check:
    what, place = "port", f"{settings.host}:{settings.port}"
    try:
        bind(settings.host, settings.port).close()
    except SetupError as exc:
        if await _is_ours(settings):
            return Check(what, "ok", f"an Offhook server answers on {place} already")
        return _broken(what, exc)
    return Check(what, "ok", f"{place} is free")


async def _is_ours(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=2.0) as client:
            answer = await client.get(f"http://{host}:{settings.port}/health/live")
    except httpx.HTTPError:
        return False
    return answer.status_code == 200


def _doors(settings: Settings) -> Iterator[Check]:
    for one in door_guards(settings):
        state: State = "warn" if one.guard == "open" else "ok"
        yield Check(f"door {one.door}", state, f"{one.guard} ({one.paths})", one.advice)
    if refuses_turns(settings):
        yield Check("door vapi, model", "warn", UNSIGNED, f"set {SHOWN} besides OFFHOOK_VAPI_HMAC_SECRET")


def _broken(what: str, exc: SetupError | ModelError) -> Check:
    to_do = "" if isinstance(exc, SetupError) else exc.to_do  # set-up errors say it themselves
    return Check(what, "broken", "; ".join(str(exc).splitlines()), to_do)
