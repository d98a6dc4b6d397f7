"""What an endpoint's settings at RunPod mean for callers: which of them cost seconds, calls or money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from voice.cli.checks import Check, State
from voice.cli.runpod.wanted import REQUESTS_PER_WORKER
from voice.models.runpod_prices import AS_OF, usd_per_hour

IDLE_S = 30  # callers speak for 5 to 20 s between two turns
TIMEOUT_MS = (5_000, 120_000)  # of one job
DELAY_S = 2  # in the queue, before RunPod adds a worker
HOURS_A_MONTH = 730


def endpoint_checks(endpoint: Mapping[str, Any], workers: Mapping[str, Any]) -> list[Check]:
    """What is found of one endpoint; `workers` are its counts by state."""
    return [*_bounds(endpoint), *_start(endpoint), *_jobs(endpoint), _gpu(endpoint), _workers(workers)]


def _table(endpoint: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = endpoint.get(key)
    return found if isinstance(found, Mapping) else {}


def _bounds(endpoint: Mapping[str, Any]) -> Iterator[Check]:
    workers = _table(endpoint, "workers")
    least, most = _count(workers.get("min")), _count(workers.get("max"))
    if most == 0:
        says = "max 0: no job is ever taken. RunPod sets this after a week without requests"
        yield Check("workers", "broken", says, "offhook runpod warm 0 --max 3, and call it every other day")
    elif least == 0:
        says = f"min 0, max {most}: the first caller after a pause meets a cold start"
        yield Check("workers", "warn", says, "offhook runpod warm 1, or a schedule")
    else:
        yield Check("workers", "ok", f"min {least}, max {most}: one is always awake")
    if most == 1:
        says = "max 1: while RunPod replaces that worker, nobody answers"
        yield Check("spare worker", "warn", says, "offhook runpod deploy --max 3")
    idle = _count(workers.get("idleTimeout"))
    if idle is not None and idle < IDLE_S and not least:
        says = f"idle timeout {idle} s: the worker sleeps between two turns of a call"
        yield Check("idle timeout", "warn", says, "offhook runpod deploy --idle 60")


def _start(endpoint: Mapping[str, Any]) -> Iterator[Check]:
    flashboot = endpoint.get("flashboot")
    if flashboot == "OFF":
        says = "off: every start loads the model anew, 40 s and more"
        yield Check("FlashBoot", "warn", says, "offhook runpod deploy switches it on")
    elif isinstance(flashboot, str):
        yield Check("FlashBoot", "ok", flashboot)
    image = str(endpoint.get("image") or "")
    if image.endswith(":latest") or (image and ":" not in image.rpartition("/")[2] and "@" not in image):
        says = f"{image}: workers keep the image that they have, whatever is pushed"
        yield Check("image", "warn", says, "name a version: offhook runpod deploy --image …:1.2.3")
    if volumes := endpoint.get("networkVolumes"):
        says = f"{len(volumes)} network volume: ties it to one data centre, where GPUs may be throttled"
        yield Check("volume", "warn", says, "bake the model into the image, or use RunPod's cached model")


def _jobs(endpoint: Mapping[str, Any]) -> Iterator[Check]:
    is_lb = endpoint.get("type") == "LOAD_BALANCER"
    mode = _table(endpoint, "env").get("OFFHOOK_WORKER_MODE", "queue")
    if mode != ("lb" if is_lb else "queue"):
        says = f"OFFHOOK_WORKER_MODE={mode} on a {'load balancer' if is_lb else 'queue'}: no job is answered"
        yield Check("mode", "broken", says, f"offhook runpod deploy{' --lb' if is_lb else ''}")
    scaling = _table(endpoint, "scaling")
    delay = scaling.get("queueDelay")
    if isinstance(delay, int | float) and delay > DELAY_S:
        says = f"a worker is added after jobs have waited {delay:g} s: callers hear that"
        yield Check("scaling", "warn", says, "offhook runpod deploy sets 1 s")
    count = scaling.get("requestCount")
    if isinstance(count, int) and count > 4 * REQUESTS_PER_WORKER:
        says = f"{count} requests a worker before another is added; OFFHOOK_WORKER_JOBS is 4 where not set"
        yield Check("scaling", "warn", says, "set it to what one worker does at once")
    timeout = endpoint.get("timeout")
    if isinstance(timeout, int) and not TIMEOUT_MS[0] <= timeout <= TIMEOUT_MS[1]:
        says = f"execution timeout {timeout / 1000:g} s: a job that hangs is billed until then"
        yield Check("timeout", "warn", says, "offhook runpod deploy sets 60 s")


def _gpu(endpoint: Mapping[str, Any]) -> Check:
    gpu = _table(endpoint, "gpu")
    pools = [str(pool) for pool in gpu.get("pools") or ()]
    prices = [price for pool in pools if (price := usd_per_hour(pool)) is not None]
    if not prices:
        return Check("gpu", "ok", ", ".join(pools) or "none named")
    least = _count(_table(endpoint, "workers").get("min")) or 0
    each = max(prices) * (_count(gpu.get("count")) or 1)
    kept = f"; min {least} costs up to ${each * least * HOURS_A_MONTH:,.0f} a month" if least else ""
    says = f"{', '.join(pools)}: up to ${each:.2f} an hour and worker, as listed on {AS_OF}{kept}"
    if len(pools) > 1:
        return Check("gpu", "ok", says)
    return Check(
        "gpu", "warn", f"{says}; when it is sold out, no worker starts", "name a second pool: --gpu A,B"
    )


def _workers(workers: Mapping[str, Any]) -> Check:
    counts = {name: count for name, value in workers.items() if (count := _count(value)) and name != "total"}
    says = ", ".join(f"{count} {name}" for name, count in counts.items()) or "none now"
    state: State = "ok"
    to_do = ""
    if counts.get("unhealthy") and not (counts.get("idle") or counts.get("running")):
        state, to_do = "broken", "they crash: read the workers' log in RunPod's console"
    elif counts.get("throttled") and not (counts.get("idle") or counts.get("running")):
        state, to_do = "warn", "RunPod has no such GPU: name a second pool"
    return Check("workers now", state, says, to_do)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
