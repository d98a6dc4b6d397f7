"""`offhook doctor runpod`: is the endpoint there, awake, and how soon does it answer, by each way?

Each way is asked for a few words, as a turn would ask it; what RunPod tells of the workers is put into one
word, with what to do. Then the endpoint's settings, where the key may read them. No key is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import httpx

from voice.cli.checks import Check, workers_check
from voice.cli.runpod.change import endpoint_id_of
from voice.cli.runpod.rest import RunPodRest
from voice.cli.runpod.rules import endpoint_checks
from voice.cli.screen import Failed, quiet
from voice.cli.vapi.doctor import Consultation, Said
from voice.clock import Budget, now
from voice.errors import BadRequest, ModelError
from voice.models.http import open_http
from voice.models.runpod import RunPodClient
from voice.models.runpod_prices import AS_OF, usd_per_hour
from voice.models.runpod_ways import Way
from voice.settings import Settings, secret
from voice.types import Finish, Message, Prompt

REPLY_S = 20.0  # for a few words; a cold start takes longer, and is told as such
RUNPOD_HOST = "api.runpod.ai"
SLOW_MS = 700  # to the first word: with what the platforms add, a caller notices
PICKUP_S = 0.3  # in the queue: a worker that is awake takes a job within 0.1 s
PICKED_UP_LATE = "no worker was awake, or it takes jobs late: is it ours, or one with a concurrency of 1?"
ASKED = Prompt(
    (Message("system", "You are Jamie. Answer in one short sentence."), Message("user", "Are you there?")),
    max_tokens=24,
    temperature=0.0,
)


async def consult(settings: Settings, url: str | None, *, reply_s: float = REPLY_S) -> Consultation:
    """Ask the endpoints that the settings name. Never raises for what it finds; a `url` is BadRequest."""
    if url is not None:
        raise BadRequest("--url goes with vapi and twilio; RunPod is asked at RUNPOD_BASE_URL")
    found = Consultation()
    ids = [part.strip() for part in (settings.runpod_endpoint_id or "").split(",") if part.strip()]
    if not ids and not settings.runpod_lb_url:
        to_do = "set RUNPOD_ENDPOINT_ID, or try `offhook runpod standin`"
        found.checks.append(Check("endpoint", "broken", "none is set", to_do))
    elif not secret(settings.runpod_api_key):
        found.checks.append(
            Check("key", "broken", "RUNPOD_API_KEY is not set", "make one in RunPod's console")
        )
    else:
        with quiet():  # a way that fails is told as a check
            await _visit_all(settings, ids, found, reply_s)
        found.checks.append(_price(settings))
    return found


async def _visit_all(settings: Settings, ids: Sequence[str], found: Consultation, reply_s: float) -> None:
    async with open_http() as http:
        for place, endpoint_id in enumerate(ids or [None]):
            lb_url = settings.runpod_lb_url if place == 0 else None
            await _visit(settings, endpoint_id, lb_url, http, found, reply_s)


async def _visit(
    settings: Settings,
    endpoint_id: str | None,
    lb_url: str | None,
    http: httpx.AsyncClient,
    found: Consultation,
    reply_s: float,
) -> None:
    """One endpoint: how it is, how soon it answers, how it is set."""
    ways: list[Way] = [way for way in settings.runpod_via if way != "lb" or lb_url]
    name = f" {endpoint_id}" if endpoint_id and "," in (settings.runpod_endpoint_id or "") else ""
    async with _asking(settings, endpoint_id, lb_url, ways, http) as client:
        health = await client.health()
    found.checks.append(workers_check(f"workers{name}", health))
    if health.state == "refused":
        return
    for way in ways if endpoint_id else ways[:1]:
        async with _asking(settings, endpoint_id, lb_url, [way], http) as client:
            asked = await _ask(client, f"way {way}{name}", found, reply_s)
            found.checks.append(_named(asked, way, settings))
    if endpoint_id:
        found.checks += [check async for check in _managed(settings, endpoint_id, name)]


@asynccontextmanager
async def _asking(
    settings: Settings, endpoint_id: str | None, lb_url: str | None, ways: list[Way], http: httpx.AsyncClient
) -> AsyncIterator[RunPodClient]:
    key = secret(settings.runpod_api_key) or ""
    client = RunPodClient(
        "runpod",
        endpoint_id,
        key,
        settings.runpod_base_url,
        ways,
        http=http,
        lb_url=lb_url,
        model=settings.runpod_model,
    )
    try:
        yield client
    finally:
        await client.close()


async def _ask(client: RunPodClient, what: str, found: Consultation, reply_s: float) -> Check:
    """Have a few words written, and see how soon they come."""
    heard: list[str] = []
    first_at: list[float] = []
    began_at = now()

    def hear(text: str) -> None:
        if text.strip():
            first_at.append(now())
        heard.append(text)

    try:
        finish = await client.write(ASKED, Budget(reply_s, reply_s=reply_s).deadline(began_at), hear)
    except ModelError as exc:
        return Check(what, "broken", str(exc), exc.to_do)
    first_ms = round((first_at[0] - began_at) * 1000) if first_at else None
    found.heard.append(Said("", "".join(heard).strip(), first_ms))
    is_slow = first_ms is None or first_ms > SLOW_MS
    if finish.queued_s is not None and finish.queued_s > PICKUP_S:
        return Check(what, "warn", _times(first_ms, finish), PICKED_UP_LATE)
    return Check(what, "warn" if is_slow else "ok", _times(first_ms, finish))


def _named(check: Check, way: Way, settings: Settings) -> Check:
    """A way that fails at a host which is not RunPod's own names the setting: it is the likelier mistake."""
    env, url = (
        ("RUNPOD_LB_URL", settings.runpod_lb_url or "")
        if way == "lb"
        else ("RUNPOD_BASE_URL", settings.runpod_base_url)
    )
    host = urlsplit(url).hostname or ""
    if check.state != "broken" or host == RUNPOD_HOST or host.endswith(f".{RUNPOD_HOST}"):
        return check
    return replace(check, to_do=f"{env} is {url}, not RunPod's own: does it answer? {check.to_do}".strip())


def _times(first_ms: int | None, finish: Finish) -> str:
    parts = [f"first word after {first_ms} ms" if first_ms is not None else "no word to say"]
    if finish.queued_s is not None:
        parts.append(f"{finish.queued_s * 1000:.0f} ms of it in the queue")
    if finish.busy_s is not None:
        parts.append(f"{finish.busy_s:.2f} s of work")
    return ", ".join(parts)


async def _managed(settings: Settings, endpoint_id: str, name: str) -> AsyncIterator[Check]:
    """The endpoint's settings, as far as the key may read them."""
    try:
        async with asyncio.timeout(REPLY_S), RunPodRest(settings) as rest:
            one = endpoint_id_of(settings, endpoint_id)
            checks = endpoint_checks(await rest.read(one), await rest.workers(one))
    except (Failed, TimeoutError) as exc:
        says = f"its settings cannot be read: {exc or 'no answer'}"
        yield Check(f"settings{name}", "warn", says, "jobs need no such right; `offhook runpod check` does")
        return
    for check in checks:
        yield Check(f"{check.what}{name}", check.state, check.says, check.to_do)


def _price(settings: Settings) -> Check:
    """What a turn's cost is reckoned with."""
    if settings.runpod_usd_per_hour is not None:
        return Check("price", "ok", f"${settings.runpod_usd_per_hour:g} an hour, as set")
    if not settings.runpod_gpu:
        return Check("price", "warn", "not known: turns show no cost", "set OFFHOOK_RUNPOD_GPU")
    price = usd_per_hour(settings.runpod_gpu)
    if price is None:
        says = f"{settings.runpod_gpu} is not in the list of {AS_OF}"
        return Check("price", "broken", says, "set OFFHOOK_RUNPOD_USD_PER_HOUR")
    return Check("price", "ok", f"{settings.runpod_gpu}: ${price:.2f} an hour, as listed on {AS_OF}")
