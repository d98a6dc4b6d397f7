"""The web app: every route on one screen; opens and closes the brain.

uvicorn takes it as `handlers.app:create_app` with `--factory`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from difflib import get_close_matches
from functools import partial
from typing import TypedDict, Unpack

from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from handlers import (
    admin,
    chat,
    health,
    openai,
    outbound,
)
from handlers.asked import Question, answering
from handlers.caller_rate import CallerRate
from handlers.doors import Answers, Doors, Endpoint, Visit, Web
from handlers.in_order import InOrder
from handlers.middleware import Threshold
from handlers.once import Once
from handlers.placing import Placing
from handlers.problems import door_of, problem
from handlers.refused import Refused
from handlers.relay import action
from handlers.relay.leaving import finish_speaking
from handlers.relay.refusals import Refusals
from handlers.relay.relay import relay
from handlers.relay.session import RelaySession
from handlers.relay.ticket import Tickets
from handlers.siblings import ALONE, Siblings
from handlers.twilio import amd, dialled, gather, recording, status
from handlers.twilio.rest import TwilioRest
from handlers.twilio.unsigned import Unsigned, mismatches
from handlers.twilio.voice import voice
from handlers.vapi import events, llm
from handlers.vapi.auth import VapiAuth
from handlers.vapi.control import Controls
from handlers.vapi.lines import Lines
from handlers.wire.masked import KnownSecrets
from voice.brain import Brain
from voice.calls import Calls
from voice.events import RequestRefused
from voice.models.base import ModelClient
from voice.settings import Settings, load_settings, secret, secrets_in
from voice.store.base import Store
from voice.types import CallId

MAX_SHOWN_CHARS = 80  # of a path that does not exist: it is the sender's own text


class BrainOptions(TypedDict, total=False):
    """What stands in place of what the settings name, as `Brain.open` takes it."""

    clients: Sequence[ModelClient] | None
    store: Store | None


def create_app(
    settings: Settings | None = None, siblings: Siblings = ALONE, **brain_options: Unpack[BrainOptions]
) -> Starlette:
    """The web app. Its brain opens when the server starts and closes, drained, when it stops.

    With `siblings` a request of a call that another process owns is handed on to it. Raises SetupError when
    a setting is wrong; the lifespan raises it when something cannot be opened.
    """
    read = settings or load_settings()
    secrets = KnownSecrets(_secrets(read))
    refused = Refused(secrets)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        key = secret(read.vapi_public_key)
        async with (
            Brain.open(read, **brain_options) as brain,
            Controls(read.vapi_control_hosts, key=key, said=brain.calls.overheard) as controls,
            VapiAuth(read) as auth,
            aclosing(TwilioRest(read)) as rest,
        ):
            app.state.brain, app.state.once, app.state.controls = brain, Once(brain.store), controls
            app.state.vapi_auth, app.state.lines = auth, Lines(read.lines, brain.agents)
            app.state.tickets, app.state.twilio_rest = Tickets(read, brain.store, siblings.key()), rest
            app.state.caller_rate, app.state.in_order = CallerRate(read.calls_per_caller), InOrder()
            app.state.placing = Placing(brain.store, app.state.once, rest)
            brain.bus.subscribe(refused.on_event, RequestRefused)
            async with answering(siblings, partial(_do_for_a_sibling, app)):
                yield

    threshold = Middleware(Threshold, refused=refused, max_bytes=read.max_body_bytes)
    app = Web(middleware=[threshold, *_among(siblings)])
    app.router = Doors(routes(), no_such_path, lifespan)
    app.state.siblings = siblings
    app.state.settings, app.state.refused, app.state.unsigned = read, refused, Unsigned()
    app.state.secrets = secrets  # ours, to be left out of whatever is kept
    app.state.relay_refusals = Refusals()
    app.state.relays = {}  # who speaks on each call that has a relay socket
    app.state.joined = {}  # each socket that is handed on: its call, and where the owner is asked
    return app


def _among(siblings: Siblings) -> Iterator[Middleware]:
    if siblings.of > 1:
        from handlers.hand_on import HandOn  # late: aiohttp takes 12 MB, and most servers are one process

        yield Middleware(HandOn, siblings=siblings)


async def _do_for_a_sibling(app: Starlette, question: Question, call_id: CallId) -> bool:
    """What another process asks of a call; False: the call stays here."""
    session: RelaySession | None = app.state.relays.get(call_id)
    calls: Calls = app.state.brain.calls
    if question == "stop short":
        await finish_speaking([session] if session else [], lambda: False)
        return True
    is_forced = question == "let go now"
    if session is not None and not is_forced:
        return False
    return await calls.let_go(call_id, now=is_forced)


def _secrets(settings: Settings) -> tuple[str, ...]:
    values = (getattr(settings, field) for field in Settings.model_fields)
    return tuple(part for value in values if isinstance(value, SecretStr) for part in secrets_in(value))


def routes() -> Iterator[BaseRoute]:
    """Every door. The more particular path stands before the more general one."""
    yield from door("/vapi/chat/completions", llm.completions, "POST")
    yield from door("/vapi/webhook", events.webhook, "POST")
    yield from door("/vapi", events.webhook, "POST")
    yield from door("/vapi/{key}/webhook", events.webhook, "POST")
    yield from door("/v1/chat/completions", openai.completions, "POST")
    yield from door("/v1/models", openai.models, "GET")
    yield from door("/v1/models/{name}", openai.model, "GET")
    yield from door("/chat", chat.chat, "POST")
    yield from door("/twilio/voice", voice, "GET", "POST")
    yield from door("/twilio/gather", gather.gather, "GET", "POST")
    yield from door("/twilio/partial", gather.partial, "GET", "POST")
    yield from door("/twilio/dial", dialled.dial, "GET", "POST")
    yield from door("/twilio/whisper", dialled.whisper, "GET", "POST")
    yield from door("/twilio/relay/action", action.action, "GET", "POST")
    yield WebSocketRoute("/twilio/relay/{ticket}", relay)
    yield from door("/twilio/status", status.status, "GET", "POST")
    yield from door("/twilio/amd", amd.amd, "POST")
    yield from door("/twilio/recording", recording.recording, "GET", "POST")
    yield from door("/health/live", health.live, "GET")
    yield from door("/health/ready", health.ready, "GET")
    yield from door("/metrics", health.metrics, "GET")
    yield from door("/admin/calls", by_method(GET=admin.calls, POST=outbound.order), "GET", "POST")
    yield from door("/admin/calls/{call_id}", admin.call, "GET")
    yield from door("/admin/calls/{call_id}/{order}", admin.steer, "POST")
    yield from door("/admin/routes", admin.routes, "GET")
    yield from door("/admin/refused", admin.refused, "GET")
    yield from door("/admin/twilio/refused", mismatches, "GET")
    yield from door("/chat/completions", llm.completions, "POST")
    yield from door("/{base:path}/chat/completions", llm.completions, "POST")


def door(path: str, endpoint: Endpoint, *methods: str) -> Iterator[BaseRoute]:
    """One door, with and without a slash at its end."""
    for spelling in (path, f"{path}/"):
        yield Route(spelling, Answers(endpoint), methods=list(methods))


def by_method(**endpoints: Endpoint) -> Endpoint:
    """One path, whose methods lead to different doors."""

    async def endpoint(request: Visit) -> ASGIApp:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return endpoint


KNOWN = [
    route.path
    for route in routes()
    if isinstance(route, Route) and "{" not in route.path and route.path[-1] != "/"
]
COMPLETIONS = (
    "For Vapi set the model's URL to …/vapi (it appends /chat/completions itself); "
    "OpenAI clients use POST /v1/chat/completions."
)


def no_such_path(request: Request) -> Response:
    """404 that names the right path: a silent call often is a wrong URL."""
    path: str = request.scope["path"]
    if "completion" in path or path.startswith("/vapi"):
        hint = COMPLETIONS + " Server messages go to POST /vapi/webhook."
    else:
        close = get_close_matches(path, KNOWN, 1, 0.5)
        hint = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(KNOWN)}."
    shown = path[:MAX_SHOWN_CHARS]
    brain: Brain = request.app.state.brain
    brain.bus.publish(RequestRefused(door_of(path), 404, "NoSuchPath"))
    return problem(404, f"There is nothing at {shown}. {hint}", "invalid_request_error", code="not_found")
