"""Alive, ready, metrics: what load balancers and Prometheus ask."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from handlers.problems import json_answer
from handlers.signatures import door_guard
from voice.brain import Brain


async def live(request: Request) -> Response:
    """Whether the process answers at all."""
    return json_answer({"status": "alive"})


async def ready(request: Request) -> Response:
    """Whether calls can be taken as they should; 503 with the reasons when not."""
    brain: Brain = request.app.state.brain
    reasons = await brain.ready()
    told = {"status": "not ready" if reasons else "ready", "reasons": reasons}
    return json_answer(told, 503 if reasons else 200)


async def metrics(request: Request) -> Response:
    """What Prometheus scrapes. Only for this machine, or with OFFHOOK_ADMIN_TOKEN."""
    brain: Brain = request.app.state.brain
    door_guard(request, "metrics", brain.settings.admin_token, never_open=True)
    body, kind = brain.metrics.render()
    return Response(body, media_type=kind)
