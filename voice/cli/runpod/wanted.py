"""The endpoint that is wanted at RunPod, what of it differs from the one that is there, and the request.

What somebody chose at RunPod and was not asked for here stays. A PATCH replaces `env` as a whole, so the
whole of it is sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import unified_diff
from typing import Any

from voice.cli.vapi.push import masked

Endpoint = dict[str, Any]

FLASHBOOT = "FLASHBOOT"  # off by default where an endpoint is made through the API
TIMEOUT_MS = 60_000  # of one job; a turn's own policy is shorter
QUEUE_DELAY_S = 1  # RunPod adds a worker when jobs wait longer: its default of 4 s is a caller's silence
REQUESTS_PER_WORKER = 4  # OFFHOOK_WORKER_JOBS where it is not set
LB_PORT = "80"


def wanted(
    *,
    name: str,
    image: str | None,
    is_lb: bool,
    pools: Sequence[str],
    disk_gb: int | None,
    workers: Mapping[str, int | None],
    env: Mapping[str, str],
) -> Endpoint:
    """What is to stand at RunPod; what is None is left as it is."""
    scaling: Endpoint = (
        {"type": "REQUEST_COUNT", "requestCount": int(env.get("OFFHOOK_WORKER_JOBS", REQUESTS_PER_WORKER))}
        if is_lb
        else {"type": "QUEUE_DELAY", "queueDelay": QUEUE_DELAY_S}
    )
    mode = {"OFFHOOK_WORKER_MODE": "lb" if is_lb else "queue"} | ({"PORT": LB_PORT} if is_lb else {})
    endpoint: Endpoint = {
        "name": name,
        "type": "LOAD_BALANCER" if is_lb else "QUEUE",
        "flashboot": FLASHBOOT,
        "timeout": TIMEOUT_MS,
        "scaling": scaling,
        "env": mode | dict(env),
        "workers": {key: value for key, value in workers.items() if value is not None},
    }
    if image is not None:
        endpoint["image"] = image
    if disk_gb is not None:
        endpoint["disk"] = disk_gb
    if pools:
        endpoint["gpu"] = {"pools": list(pools)}
    return endpoint


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
