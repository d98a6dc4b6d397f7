"""A stand-in for Twilio's REST API on loopback: it takes orders for calls, and plays whoever is called.

    async with TwilioStandIn(webhooks_at="http://127.0.0.1:8000").served() as twilio:
        …TWILIO_BASE_URL=twilio.url, TWILIO_ACCOUNT_SID=twilio.account_sid, TWILIO_AUTH_TOKEN=twilio.token…

Requests are checked as Twilio checks them, callbacks are signed and come in Twilio's order. What it
leaves out: money, rate limits by account, everything but calls, their recordings and numbers.

Source: Twilio's OpenAPI description `twilio_api_v2010` (Call, IncomingPhoneNumber, Recording), its
pages on status callbacks and answering machine detection, its error pages 20003, 20404, 21201 to 21220.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs

import httpx

from voice.simulate.loopback import Receive, Scope, Send, serving
from voice.simulate.twilio.callee import Callee, PlacedCall, Talks, play
from voice.types import E164

ACCOUNT_SID = "AC" + "0" * 32
TOKEN = "standin-token"  # signs our own loopback requests; nobody else's
NUMBER = "+12025550199"
MAX_TWIML_CHARS = 4_000
CUT, SILENT = 0, 1  # in place of a status
ENDED = {"completed", "busy", "failed", "no-answer", "canceled"}

Form = Mapping[str, list[str]]


@dataclass(frozen=True)
class _Answer:
    """A status and a JSON body; CUT is a connection that ends before a word, SILENT one without a word."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


class _Transport(httpx.AsyncBaseTransport):
    def __init__(self, answer: Callable[[str, str, str, bytes], _Answer]) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.decode()
        shown, body = request.headers.get("authorization", ""), await request.aread()
        answer = self._answer(request.method, target, shown, body)
        if answer.status == SILENT:
            await asyncio.Event().wait()
        if answer.status == CUT:
            raise httpx.ReadError("cut", request=request)
        return httpx.Response(answer.status, headers=answer.headers, json=answer.body)


class TwilioStandIn:
    """One account, its numbers and its calls.

    `webhooks_at` is where our server listens; its callbacks go there although their URLs name `public_url`.
    `callees` says who picks up at which number, `callee` at all others. `answers` is what the next
    requests for a call get instead of a yes: a status, "lost" (done, and the connection cut), "hangs"
    (done, and never answered) or "unheard" (neither). `ring_s` passes before somebody picks up, `talk_s`
    before they hang up; a person with `talks` talks instead. Callbacks of the statuses in `loses` never
    arrive: Twilio promises none.
    """

    def __init__(
        self,
        *,
        webhooks_at: str,
        public_url: str | None = None,
        account_sid: str = ACCOUNT_SID,
        token: str = TOKEN,
        number: str = NUMBER,
        callee: Callee = "person",
        callees: Mapping[str, Callee] | None = None,
        ring_s: float = 0.0,
        talk_s: float = 0.0,
        loses: Collection[str] = (),
        talks: Talks | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self.account_sid, self.token, self.number = account_sid, token, number
        self.webhooks_at, self.public_url, self.http = webhooks_at, public_url, http
        self.callee, self.callees = callee, dict(callees or {})
        self.ring_s, self.talk_s, self.loses, self.talks = ring_s, talk_s, frozenset(loses), talks
        self.answers: list[int | str] = []
        self.calls: dict[str, PlacedCall] = {}  # in the order in which they were begun
        self.numbers: dict[str, dict[str, str]] = {number: {}}  # with the URLs that are set for each
        self.asked: list[str] = []  # methods and paths, in order
        self.was_ordered = asyncio.Event()  # set by the first call
        self.url = "https://api.twilio.test"
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        for call in self.calls.values():
            call.gone.set()
        await self._group.__aexit__(None, None, None)

    @asynccontextmanager
    async def served(self, port: int = 0) -> AsyncIterator[Self]:
        """The same on a loopback socket; `url` says where."""
        async with self, serving(self._app, port) as self.url:
            yield self

    def client(self) -> httpx.AsyncClient:
        """A client whose requests come here without a socket, so that played time plays Twilio, too."""
        return httpx.AsyncClient(transport=_Transport(self._answered))

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        shown = dict(scope["headers"]).get(b"authorization", b"")
        target = f"{scope['path']}?{scope['query_string'].decode()}"
        answer = self._answered(scope["method"], target, shown.decode("latin-1"), body)
        while answer.status == SILENT and (await receive())["type"] != "http.disconnect":
            pass
        if answer.status not in (CUT, SILENT):
            headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": json.dumps(answer.body).encode()})

    def _answered(self, method: str, target: str, shown: str, body: bytes) -> _Answer:
        path, _, query = target.partition("?")
        self.asked.append(f"{method} {path}")
        given = parse_qs(body.decode() if method == "POST" else query, keep_blank_values=True)
        root, _, rest = path.partition(f"/Accounts/{self.account_sid}/")
        wanted = base64.b64encode(f"{self.account_sid}:{self.token}".encode()).decode()
        if shown != f"Basic {wanted}" or root != "/2010-04-01":
            return refused(401, 20003, "Authenticate")
        match method, rest.removesuffix(".json").split("/"):
            case "POST", ["Calls"]:
                return self._begin(given)
            case "GET", ["Calls"]:
                return _Answer(200, {"calls": [self._shown(one) for one in self._found(given)], "page": 0})
            case "GET", ["Calls", sid] if sid in self.calls:
                return _Answer(200, self._shown(self.calls[sid]))
            case "POST", ["Calls", sid] if sid in self.calls:
                return self._change(self.calls[sid], given)
            case "GET", ["IncomingPhoneNumbers"]:
                return _Answer(200, {"incoming_phone_numbers": self._numbers(given), "page": 0})
        return refused(404, 20404, f"The requested resource {path} was not found")

    def _begin(self, form: Form) -> _Answer:
        instead = self.answers.pop(0) if self.answers else None
        if isinstance(instead, int):
            said = {"code": 20000 + instead, "message": "Not now", "status": instead}
            return _Answer(instead, said, {"retry-after": "1"})
        if instead == "unheard":
            return _Answer(CUT, {})
        if wrong := self._wrong(form):
            return wrong
        to = form["To"][0]
        call = PlacedCall(form, self.callees.get(to, self.callee))
        self.calls[call.sid] = call
        self.was_ordered.set()
        self._group.create_task(play(call, self))
        if instead is not None:
            return _Answer(CUT if instead == "lost" else SILENT, {})
        return _Answer(201, self._shown(call))

    def _wrong(self, form: Form) -> _Answer | None:
        to, from_ = form.get("To", [""])[0], form.get("From", [""])[0]
        if not to:
            return refused(400, 21201, "No 'To' number is specified")
        if not E164.fullmatch(to) and not to.startswith(("sip:", "sips:", "client:")):
            return refused(400, 21211, f"The phone number you are attempting to call, {to}, is not valid.")
        if from_ not in self.numbers:
            return refused(
                400, 21210, "The source phone number provided is not yet verified for your account."
            )
        if not form.get("Url") and not form.get("Twiml"):
            return refused(400, 21205, "Url parameter is required.")
        if len(form.get("Twiml", [""])[0]) > MAX_TWIML_CHARS:
            return refused(400, 32018, "Twiml parameter is too long")
        return None

    def _change(self, call: PlacedCall, form: Form) -> _Answer:
        if call.status in ENDED:
            return refused(400, 21220, "Call is not in-progress. Cannot redirect.")
        if len(form.get("Twiml", [""])[0]) > MAX_TWIML_CHARS:
            return refused(400, 32018, "Twiml parameter is too long")
        call.change({name: values[0] for name, values in form.items()})
        return _Answer(200, self._shown(call))

    def _found(self, query: Form) -> list[PlacedCall]:
        """The newest first, as far as they are asked for."""
        wanted = {name: values[0] for name, values in query.items() if name in ("To", "From", "Status")}
        shown = [(one, self._shown(one)) for one in reversed(self.calls.values())]
        return [
            one for one, told in shown if all(told[name.lower()] == value for name, value in wanted.items())
        ]

    def _shown(self, call: PlacedCall) -> dict[str, Any]:
        return {"account_sid": self.account_sid, "api_version": "2010-04-01", **call.shown()}

    def _numbers(self, query: Form) -> list[dict[str, str]]:
        wanted = query.get("PhoneNumber", [""])[0]
        return [{"phone_number": one, **urls} for one, urls in self.numbers.items() if wanted in (one, "")]


def refused(status: int, code: int, message: str) -> _Answer:
    """A no, as Twilio says it."""
    info = f"https://www.twilio.com/docs/errors/{code}"
    return _Answer(status, {"code": code, "message": message, "more_info": info, "status": status})
