"""What operators ask and order: which calls there are, how each turn went, how the routes are.

A live call can be steered; what was refused before it became a call can be looked at. JSON, with
the names of voice/types/ and all times in milliseconds; `?format=text` draws a call's turns as
waterfalls. Only for this machine, or with OFFHOOK_ADMIN_TOKEN: callers' words are in it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import islice
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from handlers.problems import problem
from handlers.refused import Refused
from handlers.signatures import door_guard
from handlers.steering import give, known_call
from handlers.twilio.steering import Switchboard
from handlers.vapi.control import Controls
from handlers.wire.masked import clean
from handlers.wire.reading import read_as, read_object
from handlers.wire.steer import STEERS
from voice.brain import Brain
from voice.clock import Budget, now
from voice.errors import BadRequest, StoreError
from voice.routing.latency import Latency, Stage
from voice.routing.table import Route
from voice.telemetry.waterfall import MAX_WIDTH, bars_of, waterfall
from voice.threads.journal import journal
from voice.types import CallId, CallRecord, Door, Json, Turn

LISTED, MAX_LISTED = 50, 500  # calls
MAX_TURNS = 10_000  # as many as the longest call has
PORTION = 10  # turns that are written without a pause: 3 ms
WIDTH = 100  # columns of a waterfall
MAX_SHOWN_CHARS = 80  # of an id that nobody knows: it is the sender's own text

Told = dict[str, object]
Shown = tuple[Turn, float | None]
"""A turn, and where it has come to while it is open."""


async def calls(request: Request) -> Response:
    """The newest calls, newest first; `?limit=` says how many."""
    brain = _brain(request)
    limit = _number(request, "limit", LISTED, MAX_LISTED)
    return _json({"calls": [_call_told(brain, record) for record in await brain.store.newest(limit)]})


async def call(request: Request) -> Response:
    """One call with its turns and its journal of tools, live or stored; `?last=` gives only its newest turns.

    `?format=text` draws the turns as waterfalls of `?width=` columns.
    """
    brain = _brain(request)
    call_id = CallId(request.path_params["call_id"])
    last = _number(request, "last", MAX_TURNS, MAX_TURNS)
    width = _number(request, "width", WIDTH, MAX_WIDTH)
    if (form := request.query_params.get("format", "json")) not in ("json", "text"):
        raise BadRequest(f"format: {form[:MAX_SHOWN_CHARS]!r} is neither json nor text")
    found = await _found(brain, call_id)
    if found is None:
        return _unknown(call_id)
    record, turns = found
    due_ms, is_live = _due_ms(brain, record), _is_live(brain, record)
    newest = [(turn, _now_ms(turn, is_live)) for turn in turns[-last:]]
    if form == "json":
        told = _call_told(brain, record)
        rest = await _noted(brain, call_id)
        return _streamed(_call_parts(told, rest, newest, due_ms), "application/json")
    drawn = (waterfall(turn, width, deadline_ms=due_ms, now_ms=now_ms) for turn, now_ms in newest)
    lines = (("\n" if place else "") + "\n".join(one) + "\n" for place, one in enumerate(drawn))
    return _streamed(lines, "text/plain; charset=utf-8")


def _call_parts(told: Told, rest: Told, newest: Sequence[Shown], due_ms: float) -> Iterator[str]:
    """A call as JSON, turn by turn."""
    yield _text(told)[:-1] + ', "turns": ['
    for place, (turn, now_ms) in enumerate(newest):
        yield (", " if place else "") + _text(_turn_told(turn, due_ms, now_ms))
    yield "], " + _text(rest)[1:]


def _streamed(parts: Iterable[str], media_type: str) -> Response:
    """The parts as they are made, a few at a time: calls that are talking go first."""

    async def pieces() -> AsyncIterator[bytes]:
        made = iter(parts)
        while piece := "".join(islice(made, PORTION)):
            yield piece.encode(errors="replace")
            await asyncio.sleep(0)

    return StreamingResponse(pieces(), media_type=media_type)


async def routes(request: Request) -> Response:
    """Every route in the order of the settings: its host's state, what was learned of it, its price."""
    brain = _brain(request)
    return _json({"routes": [_route_told(route) for route in brain.routes]})


async def refused(request: Request) -> Response:
    """What came to each door, counted before any check, and the last requests that were turned away."""
    _brain(request)
    seen: Refused = request.app.state.refused
    return _json(seen.told())


async def steer(request: Request) -> Response:
    """Say something on a live call, tell its model something, end it, transfer it, mute a side.

    Answers when the platform has taken the order; 409 with the reason when it has not, 404 for a call that
    nobody knows.
    """
    brain = _brain(request)
    controls: Controls = request.app.state.controls
    call_id, name = CallId(request.path_params["call_id"]), request.path_params["order"]
    shape = STEERS.get(name)
    if shape is None:
        told = f"A call takes: {', '.join(STEERS)}."
        return problem(404, told, "invalid_request_error", code="not_found")
    body = await request.body()
    wanted = read_as(shape, read_object(body) if body.strip() else {})
    record = await known_call(brain, call_id)
    if record is None:
        return _unknown(call_id)
    if record.door in (Door.GATHER, Door.RELAY):
        sent = await _switchboard(request).give(record, wanted)
    else:
        sent = await give(brain, controls, record, wanted)
    if controls.knows(call_id) or sent.ok:
        said = wanted.order().text
        text: dict[str, Json] = {"text": clean(said)} if said else {}
        brain.calls.note(call_id, "steered", {"order": name, "ok": sent.ok} | text)
    if sent.ok:
        return _json({"call_id": call_id, "order": name, "says": sent.says})
    return problem(409, sent.says, "invalid_request_error", code="not_steered")


def _switchboard(request: Request) -> Switchboard:
    state = request.app.state
    return Switchboard(state.brain, state.relays, state.twilio_rest)


def _unknown(call_id: CallId) -> Response:
    told = f"No call {call_id[:MAX_SHOWN_CHARS]!r} is known; GET /admin/calls lists the newest."
    return problem(404, told, "invalid_request_error", code="not_found")


def _brain(request: Request) -> Brain:
    """The brain, for whoever may see into it."""
    brain: Brain = request.app.state.brain
    door_guard(request, "admin", brain.settings.admin_token, never_open=True)
    return brain


async def _found(brain: Brain, call_id: CallId) -> tuple[CallRecord, Sequence[Turn]] | None:
    """The call as it is now, else as it is stored. Raises StoreError."""
    if live := brain.calls.get(call_id):
        return live.record, live.thread.turns
    stored = await brain.store.find(call_id)
    return (stored.record, stored.turns) if stored else None


async def _noted(brain: Brain, call_id: CallId) -> Told:
    """What became of every tool that was asked for, and all that platforms and tools told of the call.

    None while the store cannot be asked: a live call is shown all the same.
    """
    try:
        stored = await brain.store.find(call_id)
    except StoreError:
        return {"tools": None, "notes": None}
    notes = stored.notes if stored else ()
    told = [{"kind": one.kind, "noted_on": one.noted_on, "payload": one.payload} for one in notes]
    return {"tools": [asdict(use) for use in journal(notes)], "notes": told}


def _is_live(brain: Brain, record: CallRecord) -> bool:
    return brain.calls.get(record.call_id) is not None


def _due_ms(brain: Brain, record: CallRecord) -> float:
    """When the first chunk of the call's turns is due. An agent that is gone had the usual budget."""
    budget = brain.agents.get(record.agent).budget if record.agent in brain.agents else Budget()
    return 1000 * (budget.gather_hop_s if record.door is Door.GATHER else budget.first_chunk_s)


def _now_ms(turn: Turn, is_live: bool) -> float | None:
    """Where an open turn has come to; None when nobody works on it any more."""
    if turn.ending is not None or not is_live:
        return None
    return max(0.0, round((datetime.now(UTC) - turn.began_on).total_seconds() * 1000, 2))


def _call_told(brain: Brain, record: CallRecord) -> Told:
    live = brain.calls.get(record.call_id)
    shown = live.record if live else record
    # How many turns a stored call has is not counted for a list: it would read all of them.
    return asdict(shown) | {"live": live is not None, "turn_count": len(live.thread.turns) if live else None}


def _turn_told(turn: Turn, due_ms: float, now_ms: float | None) -> Told:
    timing = asdict(turn.timing) | {"gap_ms": turn.timing.gap_ms}
    bars = [asdict(bar) for bar in bars_of(turn, now_ms)]
    return asdict(turn) | {
        "timing": timing,
        "cost_usd": turn.cost_usd,
        "due_ms": due_ms,  # when its first chunk was due
        "now_ms": now_ms,  # where an open turn has come to
        "waterfall": bars,
    }


def _route_told(route: Route) -> Told:
    health = route.warmth.health
    return {
        "name": route.name,
        "local": route.is_local,
        "state": health.state,
        "detail": health.detail,
        "rests": route.breaker.rests(now()),
        "latency": {stage: _learned(route.latency, stage) for stage in get_args(Stage)},
        "price": asdict(route.price) if route.price else None,
    }


def _learned(latency: Latency, stage: Stage) -> Told | None:
    """How long a stage takes; None before enough replies were seen."""
    middle_s, slow_s = (latency.quantile_s(stage, share) for share in (0.5, 0.95))
    if middle_s is None or slow_s is None:
        return None
    return {"p50_ms": round(middle_s * 1000, 1), "p95_ms": round(slow_s * 1000, 1)}


def _number(request: Request, name: str, default: int, most: int) -> int:
    """A whole number from the query, at least 1 and at most `most`."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0):
        raise BadRequest(f"{name}: {text[:MAX_SHOWN_CHARS]!r} is no whole number from 1 to {most}")
    return min(int(text[:9]), most)


def _json(found: Told) -> Response:
    return Response(_text(found), media_type="application/json")


def _text(found: Told) -> str:
    # Not orjson: a live call may hold half a surrogate pair, as platforms cut text, and orjson refuses it.
    return json.dumps(found, default=_moment)


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
