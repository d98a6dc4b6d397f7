"""`offhook doctor vapi`: a Vapi-shaped call at a running server, and in words what a caller would hear.

The order is Vapi's: assistant-request, ringing, in progress, turns, the end and the report. One turn is
asked twice, one is broken off as a caller keeps talking. It is a real call of the server: it is answered
by its model and stands in its list of calls.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from voice.cli.checks import Check
from voice.cli.vapi.place import door_at, shown_door, with_key
from voice.cli.vapi.stream import SECRET, Taken, checked
from voice.cli.vapi.swapped import RIGHT, swapped_by, swapped_in
from voice.clock import now
from voice.settings import Settings, secrets_in

LIMIT_S = 20.0  # Vapi's own, for a model's first token and for webhooks
RING_MS, RING_LIMIT_MS = 2000, 7500  # for the answer to assistant-request; then the caller is not taken
CALLER = "+12025550123"
WHO = ("assistant", "assistantId", "squad", "squadId", "workflow", "workflowId", "destination")
OPENING = "Hello, my kitchen sink is leaking."
HESITATES, GOES_ON = "I am in unit", "I am in unit four B."
LET_IN = (
    "a secret is set here, so something in front of this server (a proxy, a tunnel) adds it, or the server "
    "that answers was started without it: take it out there, or start that server anew"
)
WRONG_SECRET = "offhook-doctor-wrong-secret"


@dataclass(frozen=True, slots=True)
class Said:
    """One exchange, as a caller would hear it."""

    caller: str
    agent: str
    first_ms: int | None


@dataclass(slots=True)
class Consultation:
    """What was tried and what would have been heard."""

    checks: list[Check] = field(default_factory=list)
    heard: list[Said] = field(default_factory=list)


@dataclass(slots=True)
class _Patient:
    """The server, as Vapi would be given it."""

    http: httpx.AsyncClient
    model_url: str
    webhook_url: str
    secret: str | None  # shown at both doors
    key: str | None  # shown at the model's alone
    stranger: str  # the door with a wrong key, where it has one in its path; else the door
    is_unguarded: bool  # as far as our settings say
    call_id: str = field(default_factory=lambda: f"doctor-{uuid4()}")
    said: list[dict[str, str]] = field(default_factory=list)


async def consult(settings: Settings, url: str | None) -> Consultation:
    """Play a call against `url`, or against the server of this machine. Never raises for what it finds."""
    found = Consultation()
    door, found.checks = door_at(url, settings)
    if door is None:
        return found
    shown = next(iter(secrets_in(settings.vapi_secret)), None)
    async with httpx.AsyncClient(timeout=LIMIT_S, trust_env=False) as http:
        patient = _Patient(
            http,
            f"{door}/chat/completions",
            f"{door}/webhook",
            shown,
            shown or next(iter(secrets_in(settings.api_key)), None),
            with_key(door, WRONG_SECRET),
            not settings.guards_vapi,
        )
        try:
            found.checks += await swapped_by(http, door, settings)
            await _examine(patient, found)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            is_ours = url is None
            to_do = "run `offhook serve`" if is_ours else "look at the tunnel, the proxy and the address"
            found.checks.append(Check("reach", "broken", f"{shown_door(door)}: {type(exc).__name__}", to_do))
    return found


async def _examine(patient: _Patient, found: Consultation) -> None:
    await _ring(patient, found)
    for status in ("ringing", "in-progress"):
        found.checks += await _event(patient, "status-update", status=status)
    await _turn(patient, found, "first turn", OPENING)
    if found.checks[-1].state != "broken":
        await _repeat(patient, found)
        await _keeps_talking(patient, found)
    found.checks += [check async for check in _strangers(patient)]
    found.checks += await _event(patient, "status-update", status="ended", endedReason="customer-ended-call")
    found.checks += await _event(
        patient, "end-of-call-report", endedReason="customer-ended-call", artifact={}
    )


async def _ring(patient: _Patient, found: Consultation) -> None:
    """Who takes the call, and how soon."""
    began_at = now()
    answer = await _post(patient, "assistant-request")
    took_ms = (now() - began_at) * 1000
    what = "assistant-request"
    if wrong := _refused(answer, what):
        found.checks.append(wrong)
        return
    told = _table(answer)
    if told is None:
        found.checks.append(
            Check(what, "broken", "the answer is not JSON: Vapi takes no call", "answer in JSON")
        )
    elif "error" in told:
        found.checks.append(
            Check(what, "warn", f"the caller hears: {told['error']}", "see the lines and limits")
        )
    elif not any(told.get(key) for key in WHO):
        says = "the answer names no assistant; right only where the number has one of its own"
        found.checks.append(Check(what, "warn", says, "answer with `assistant` or `assistantId`"))
    else:
        found.checks.append(_quickness(what, took_ms))
        assistant = told.get("assistant")
        found.checks += swapped_in(assistant)
        greeting = assistant.get("firstMessage") if isinstance(assistant, dict) else None
        if isinstance(greeting, str) and greeting:
            found.heard.append(Said("", greeting, round(took_ms)))
            patient.said.append({"role": "assistant", "content": greeting})


def _quickness(what: str, took_ms: float) -> Check:
    if took_ms > RING_LIMIT_MS:
        return Check(what, "broken", f"{took_ms:.0f} ms: the caller is not taken", "answer from memory")
    if took_ms > RING_MS:
        return Check(what, "warn", f"{took_ms:.0f} ms of ringing more", "answer from memory")
    return Check(what, "ok", f"an assistant after {took_ms:.0f} ms")


async def _turn(patient: _Patient, found: Consultation, what: str, text: str) -> None:
    patient.said.append({"role": "user", "content": text})
    taken = await _ask(patient)
    found.checks += checked(taken, what)
    first = None if taken.first_ms is None else round(taken.first_ms)
    found.heard.append(Said(text, taken.words, first))


async def _repeat(patient: _Patient, found: Consultation) -> None:
    """Vapi sends a request again when its line to us broke: the answer must be the same one."""
    first, again = found.heard[-1].agent, await _ask(patient)
    if again.words == first:
        found.checks.append(Check("repeat", "ok", "the same request got the same answer"))
    else:
        says = "the same request got another answer: the model is paid twice, and may act twice"
        found.checks.append(Check("repeat", "warn", says, "keep one answer for each turn of a call"))
    patient.said.append({"role": "assistant", "content": first})


async def _keeps_talking(patient: _Patient, found: Consultation) -> None:
    """The caller goes on: Vapi drops the request and sends a longer one for the same turn."""
    patient.said.append({"role": "user", "content": HESITATES})
    await _ask(patient, breaks_off=True)
    patient.said.pop()
    await _turn(patient, found, "keeps talking", GOES_ON)


async def _strangers(patient: _Patient) -> AsyncIterator[Check]:
    """Whether each door keeps out who shows nothing, or something wrong: one may be open alone."""
    is_here = urlsplit(patient.webhook_url).hostname in ("127.0.0.1", "localhost", "::1")
    has_key = patient.stranger != patient.webhook_url.removesuffix("/webhook")
    if patient.is_unguarded and is_here and not has_key:
        return
    wrong = {"x-vapi-secret": WRONG_SECRET, "authorization": f"Bearer {WRONG_SECRET}"}
    doors = (
        ("model door", f"{patient.stranger}/chat/completions", _chat(patient), "anybody may use the models"),
        ("webhook", f"{patient.stranger}/webhook", _message(patient, "hang"), "anybody may tell it of calls"),
    )
    for door, url, body, harm in doors:
        answers = {
            what: await _status(patient, url, body, headers)
            for what, headers in (("no secret", {}), ("a wrong secret", wrong))
        }
        showed = [what for what, status in answers.items() if 200 <= status < 300]
        if showed:
            says = f"the {door} is open: {' and '.join(showed)} is let in, so {harm}"
            to_do = "set VAPI_SECRET, without OFFHOOK_OPEN" if patient.is_unguarded else LET_IN
            yield Check(f"stranger, {door}", "broken", says, to_do)
        elif {*answers.values()} <= ({401, 403, 404} if has_key else {401, 403}):
            yield Check(f"stranger, {door}", "ok", f"the {door} is guarded: a stranger is refused")
        # Anything else is no door at all; the turns and events before have said so.


async def _status(patient: _Patient, url: str, body: dict[str, Any], headers: dict[str, str]) -> int:
    """What a door answers; an answer that begins is not read on, as it would be paid for."""
    async with patient.http.stream("POST", url, json=body, headers=headers) as answer:
        return answer.status_code


async def _event(patient: _Patient, kind: str, **fields: Any) -> list[Check]:
    what = f"{kind} {fields['status']}" if "status" in fields else kind
    answer = await _post(patient, kind, **fields)
    if wrong := _refused(answer, what):
        return [wrong]
    if _table(answer) is None:
        return [Check(what, "warn", "the answer is not a JSON object", "answer {} to what needs no answer")]
    return [Check(what, "ok", "taken")]


def _refused(answer: httpx.Response, what: str) -> Check | None:
    status = answer.status_code
    if status in (401, 403):
        return Check(what, "broken", f"answered {status}: no event gets through", SECRET)
    if status in (404, 405):
        return Check(what, "broken", f"answered {status}", "the server's URL is …/vapi/webhook")
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        return Check(what, "broken", "answered a stream of words: this is the model's URL", RIGHT)
    if status != 200:
        return Check(what, "broken", f"answered {status}; Vapi reads no other answer than 200", "see the log")
    return None


async def _post(patient: _Patient, kind: str, **fields: Any) -> httpx.Response:
    headers = {"x-vapi-secret": patient.secret} if patient.secret else {}
    body = _message(patient, kind, **fields)
    return await patient.http.post(patient.webhook_url, json=body, headers=headers)


def _message(patient: _Patient, kind: str, **fields: Any) -> dict[str, Any]:
    told = {"type": kind, "timestamp": time.time_ns() // 1_000_000, "call": _call(patient), **fields}
    return {"message": {**told, "customer": {"number": CALLER}}}


def _call(patient: _Patient) -> dict[str, Any]:
    return {"id": patient.call_id, "type": "inboundPhoneCall", "customer": {"number": CALLER}}


async def _ask(patient: _Patient, *, breaks_off: bool = False) -> Taken:
    """One request of a turn, read as it comes; broken off at the first frame on demand."""
    body = _chat(patient)
    headers = {"Authorization": f"Bearer {patient.key}"} if patient.key else {}
    began_at = now()
    async with patient.http.stream("POST", patient.model_url, json=body, headers=headers) as answer:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip()
        taken = Taken(answer.status_code, kind)
        try:
            async with asyncio.timeout(LIMIT_S):
                async for line in answer.aiter_lines():
                    if line.startswith("data:"):
                        taken.take((now() - began_at) * 1000, line.removeprefix("data:").strip())
                        if breaks_off:
                            break
        except TimeoutError:
            taken.problem = taken.problem or f"the stream was still open after {LIMIT_S:.0f} s"
    return taken


def _chat(patient: _Patient) -> dict[str, Any]:
    """The request of a turn: the conversation so far. The same again asks for the same turn."""
    counts = {role: sum(one["role"] == role for one in patient.said) for role in ("assistant", "user")}
    return {
        "model": "offhook",
        "stream": True,
        "temperature": 0,
        "max_tokens": 250,
        "messages": list(patient.said),
        "call": _call(patient),
        "customer": {"number": CALLER},
        "metadata": {"numAssistantTurns": counts["assistant"], "numUserTurns": counts["user"]},
        "timestamp": time.time_ns() // 1_000_000,
    }


def _table(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        found = answer.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
