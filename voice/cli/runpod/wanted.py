"""The endpoint that is wanted at RunPod, what of it differs from the one that is there, and the request.

What somebody chose at RunPod and was not asked for here stays. A PATCH replaces `env` as a whole, so the
whole of it is sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from typing import Any

from voice.cli.vapi.push import masked
from voice.errors import BadRequest
from voice.models.runpod_prices import AS_OF, POOLS, usd_per_hour

Endpoint = dict[str, Any]

NAME = "offhook"  # of an endpoint that nobody has named
FLASHBOOT = "FLASHBOOT"  # off by default where an endpoint is made through the API
TIMEOUT_MS = 60_000  # of one job; a turn's own policy is shorter
QUEUE_DELAY_S = 1  # RunPod adds a worker when jobs wait longer: its default of 4 s is a caller's silence
REQUESTS_PER_WORKER = 4  # OFFHOOK_WORKER_JOBS where it is not set
LB_PORT = "80"


def wanted(
    *,
    name: str | None,
    image: str | None,
    is_lb: bool,
    pools: Sequence[str],
    disk_gb: int | None,
    workers: Mapping[str, int | None],
    env: Mapping[str, str],
) -> Endpoint:
    """What is to stand at RunPod; what is None is left as it is. Raises BadRequest for what it refuses."""
    least, most = workers.get("min"), workers.get("max")
    if least is not None and most is not None and least > most:
        raise BadRequest(f"--min {least} is more than --max {most}")
    if (name is not None and not name.strip()) or (image is not None and not image.strip()):
        raise BadRequest("--name and --image must not be empty")
    scaling: Endpoint = (
        {"type": "REQUEST_COUNT", "requestCount": _jobs_of(env)}
        if is_lb
        else {"type": "QUEUE_DELAY", "queueDelay": QUEUE_DELAY_S}
    )
    mode = {"OFFHOOK_WORKER_MODE": "lb" if is_lb else "queue"} | ({"PORT": LB_PORT} if is_lb else {})
    endpoint: Endpoint = {
        "type": "LOAD_BALANCER" if is_lb else "QUEUE",
        "flashboot": FLASHBOOT,
        "timeout": TIMEOUT_MS,
        "scaling": scaling,
        "env": mode | dict(env),
        "workers": {key: value for key, value in workers.items() if value is not None},
    }
    if name is not None:
        endpoint["name"] = name
    if image is not None:
        endpoint["image"] = image
    if disk_gb is not None:
        endpoint["disk"] = disk_gb
    if pools:
        endpoint["gpu"] = {"pools": list(pools)}
    return endpoint


def _jobs_of(env: Mapping[str, str]) -> int:
    given = env.get("OFFHOOK_WORKER_JOBS", str(REQUESTS_PER_WORKER))
    if not given.isdecimal() or not 1 <= int(given) <= 256:
        raise BadRequest(f"--env OFFHOOK_WORKER_JOBS={given} must be a whole number from 1 to 256")
    return int(given)


def pools_of(gpu: str) -> list[str]:
    """The pools of `--gpu`. Raises BadRequest for a GPU's name: the API takes pools."""
    pools = [pool for part in gpu.split(",") if (pool := part.strip().upper())]
    for one in pools:
        if one not in POOLS and usd_per_hour(one) is not None:
            raise BadRequest(f"--gpu {one} is a GPU: name its pool, one of {', '.join(POOLS)}")
    return pools


def odd_in(ours: Mapping[str, Any]) -> Iterator[str]:
    """What RunPod takes, or may take, and is hardly meant: sentences."""
    for pool in ours.get("gpu", {}).get("pools", []):
        if pool not in POOLS:
            yield f"--gpu {pool} was no pool of RunPod's on {AS_OF}; those were {', '.join(POOLS)}"
    image = str(ours.get("image", ""))
    if image and "@" not in image and ":" not in image.rpartition("/")[2]:
        yield f"--image {image} names no version: each worker takes what is newest when it starts"


def body_of(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Endpoint:
    """The body that makes it so: all of a new endpoint, what differs of one that is there, or {}."""
    if not theirs:
        return dict(ours)
    body: Endpoint = {}
    for key, value in ours.items():
        if key == "type":
            continue
        there = theirs.get(key)
        if isinstance(value, Mapping) and isinstance(there, Mapping) and key != "scaling":
            changed = {inner: one for inner, one in value.items() if there.get(inner) != one}
            if changed:
                body[key] = {**there, **value} if key == "env" else changed
        elif there != value:
            body[key] = value
    return _with_exclusions(theirs, body)


def _with_exclusions(theirs: Mapping[str, Any], body: Endpoint) -> Endpoint:
    """Pools that are sent without the types excluded from them would clear those."""
    there = theirs.get("gpu")
    excluded = there.get("excludedTypes") if isinstance(there, Mapping) else None
    if excluded and "pools" in body.get("gpu", {}):
        body["gpu"] = {**body["gpu"], "excludedTypes": excluded}
    return body


def difference(theirs: Mapping[str, Any], body: Mapping[str, Any]) -> list[str]:
    """What changes, line by line, without secrets."""
    before = {key: theirs[key] for key in body if key in theirs}
    after = {
        key: {**before[key], **value}
        if isinstance(value, Mapping) and isinstance(before.get(key), Mapping) and key != "scaling"
        else value
        for key, value in body.items()
    }
    names = ("at RunPod" if theirs else "nothing", "here")
    return list(unified_diff(_lines(before), _lines(after), *names, lineterm="", n=2))


def shown(body: Mapping[str, Any]) -> str:
    """A body for a screen."""
    return json.dumps(masked(body), indent=2, ensure_ascii=False)


def _lines(found: Mapping[str, Any]) -> list[str]:
    return (
        json.dumps(masked(found), indent=2, ensure_ascii=False, sort_keys=True).splitlines() if found else []
    )
