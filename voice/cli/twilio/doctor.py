"""`offhook doctor twilio`: is our server found, believed and heard, as Twilio would try it?

A signed call is begun at the running server, through its webhook and its socket, and ended. Where a signature
is refused, every URL that may have been meant is signed and tried, so that the answer names what to
set. Then the number's URLs at Twilio, and what of Twilio's the server has refused lately. No token is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import httpx

from handlers.twilio.unsigned import VISIT
from voice.cli.checks import Check, State
from voice.cli.twilio.numbers import number_checks
from voice.cli.twilio.patient import Patient, address_of, key_of
from voice.cli.twilio.why import Operator, explained
from voice.cli.vapi.doctor import Consultation, Said
from voice.clock import now
from voice.errors import BadRequest
from voice.settings import Settings
from voice.settings.platforms import is_before_the_doors
from voice.simulate.twilio.socket import OpenSocket, open_socket
from voice.simulate.twiml import Connect, Gather, Say, Verb, read_twiml

LIMIT_S = 15.0  # Twilio's own, on every request
SLOW_MS = 3000  # of silence before a greeting; people hang up
WRONG = "offhook-doctor-wrong-signature"
LOCAL = ("127.0.0.1", "localhost", "::1")


async def consult(settings: Settings, url: str | None, *, sockets: OpenSocket = open_socket) -> Consultation:
    """Try the server at `url`, or the one of this machine. Never raises for what it finds."""
    found = Consultation()
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    base = (url or f"http://{host}:{settings.port}").rstrip("/")
    base = base if "://" in base else f"http://{base}"
    found.checks += _setting_checks(settings)
    try:
        is_before_the_doors(base)
    except ValueError as exc:
        found.checks.append(Check("url", "broken", f"{base} {exc}"))
        return found
    async with httpx.AsyncClient(timeout=LIMIT_S, trust_env=False) as http:
        is_here = url is None or urlsplit(base).hostname in LOCAL
        public = address_of(settings.public_url if is_here and settings.public_url else base)
        account = settings.twilio_account_sid or "AC" + "0" * 32
        patient = Patient(http, base, public, key_of(settings), account, sockets)
        try:
            await _examine(patient, settings, found)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            to_do = "look at the tunnel, the proxy and the address" if url else "run `offhook serve`"
            found.checks.append(Check("reach", "broken", f"{base}: {type(exc).__name__}", to_do))
    found.checks += await number_checks(settings)
    return found


def _setting_checks(settings: Settings) -> Iterator[Check]:
    public = settings.public_url
    if not settings.guards_twilio:
        says = "no TWILIO_AUTH_TOKEN: the doors answer to this machine only"
        yield Check("signatures", "warn", says, "set TWILIO_AUTH_TOKEN")
    elif not settings.twilio_auth_token and not settings.twilio_shared_keys:
        says = "only Telnyx's key is set: Twilio's requests are refused, and so are this doctor's"
        yield Check("signatures", "warn", says, "for calls at Twilio, too, set TWILIO_AUTH_TOKEN")
    if public is not None and urlsplit(public).path.endswith("/vapi"):
        says = f"{public}: Twilio's doors are looked for at {public}/twilio/…"
        yield Check("public url", "warn", says, "set OFFHOOK_PUBLIC_URL to what stands before /vapi")
    if public is None:
        says = "OFFHOOK_PUBLIC_URL is not set: signatures are made over whatever host a proxy asks for"
        yield Check("public url", "warn", says, "set it to the URL that Twilio asks")
    elif not public.startswith("https://"):
        state: State = "broken" if settings.twilio_mode == "relay" else "warn"
        says = f"{public} is not https: Twilio opens no socket to it, and calls go through <Gather>"
        yield Check("public url", state, says, "set OFFHOOK_PUBLIC_URL to an https:// URL")
    if settings.twilio_mode == "relay" and public is None:
        says = "OFFHOOK_TWILIO_MODE=relay, and no URL for the socket"
        yield Check("mode", "broken", says, "set OFFHOOK_PUBLIC_URL to an https:// URL")


async def _examine(patient: Patient, settings: Settings, found: Consultation) -> None:
    lately = await Operator.of(patient, settings).lately()  # before this visit adds to them
    began_at = now()
    answer = await patient.post("/twilio/voice")
    took_ms = round((now() - began_at) * 1000)
    if answer.status_code in (401, 403):
        found.checks += [await explained(patient, settings)]
    elif answer.status_code != 200:
        says = f"answered {answer.status_code}: the caller hears an application error"
        found.checks.append(Check("webhook", "broken", says, "the URL is …/twilio/voice; see the log"))
    else:
        await _answered(patient, answer, took_ms, found)
        ended = await patient.post("/twilio/status", CallStatus="completed", CallDuration="1")
        state: State = "ok" if ended.is_success else "broken"
        found.checks.append(Check("status callback", state, f"answered {ended.status_code}"))
    found.checks += await _strangers(patient)
    found.checks += lately


async def _answered(patient: Patient, answer: httpx.Response, took_ms: int, found: Consultation) -> None:
    """What the first document says and does."""
    try:
        verbs = read_twiml(answer.headers.get("content-type", ""), answer.content)
    except BadRequest as exc:
        found.checks.append(Check("webhook", "broken", str(exc), "Twilio would end the call"))
        return
    slow = took_ms > SLOW_MS
    says = f"believed, and answered after {took_ms} ms"
    found.checks.append(Check("webhook", "warn" if slow else "ok", says))
    found.heard.append(Said("", _words(verbs), took_ms))
    relay = next((verb for verb in verbs if isinstance(verb, Connect)), None)
    if relay is not None:
        found.checks.append(await _socket(patient, relay.relay.url))
    elif any(isinstance(verb, Gather) for verb in verbs):
        found.checks.append(Check("door", "ok", "the call goes through <Gather>"))
    else:
        says = "the document listens to nobody: the call ends after it"
        found.checks.append(Check("door", "warn", says, "see who answers this number"))


def _words(verbs: list[Verb]) -> str:
    """All that is said before somebody must speak."""
    lines: list[str] = []
    for verb in verbs:
        match verb:
            case Say():
                lines.append(verb.text)
            case Gather():
                lines += [say.text for say in verb.says]
            case Connect():
                lines.append(verb.relay.greeting or "")
    return " ".join(filter(None, lines))


async def _socket(patient: Patient, url: str) -> Check:
    """Open the relay's socket as Twilio would, and close it."""
    path = urlsplit(url).path
    own = f"wss://{patient.public.host}{patient.public.target}"
    if not url.startswith(own):
        says = f"the document sends Twilio to {url.removesuffix(path)}, not to {own}"
        return Check(
            "socket", "broken", says, f"set OFFHOOK_PUBLIC_URL={replace(patient.public, scheme='https')}"
        )
    target = "ws" + (patient.base + url.removeprefix(own)).removeprefix("http")
    try:
        async with asyncio.timeout(LIMIT_S):
            opened = await patient.sockets(target, patient.key.headers(url, []))
            await opened.close()
    except (BadRequest, OSError, TimeoutError) as exc:
        to_do = "let the proxy pass WebSockets on, with their path and the header X-Twilio-Signature"
        return Check("socket", "broken", f"not opened: {exc or type(exc).__name__}", to_do)
    return Check("socket", "ok", "opened with a signature over wss://")


async def _strangers(patient: Patient) -> list[Check]:
    """Whether somebody who signs nothing, or signs wrongly, is kept out."""
    is_here = urlsplit(patient.base).hostname in LOCAL
    if patient.key.secret is None and is_here:
        return []
    wrong = {"X-Twilio-Signature": WRONG}
    for what, headers in (("no signature", {}), ("a wrong signature", wrong)):
        fields = {"CallSid": patient.call_id, "CallStatus": "ringing", VISIT: "1"}
        answer = await patient.http.post(f"{patient.base}/twilio/status", data=fields, headers=headers)
        if answer.status_code not in (401, 403):
            if not answer.is_success:  # nothing of ours is there, or it is broken: nobody leads a call by it
                return [Check("stranger", "warn", f"{what} is answered {answer.status_code}, not 403")]
            says = f"{what} is let in ({answer.status_code}): anybody may lead calls"
            return [Check("stranger", "broken", says, "set TWILIO_AUTH_TOKEN at the server")]
    return [Check("stranger", "ok", "no signature and a wrong one are refused")]
