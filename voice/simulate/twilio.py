"""Twilio's side of a <Gather> call, played against a running server.

Signed webhooks, Redirects and action URLs followed, TwiML read as strictly as Twilio reads
it, a status callback at the end. Speaking takes no time here unless the line's voice is given a
pace, so every wait that is measured is one of ours.

Source: Twilio's pages on TwiML, Gather and security.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote, urldefrag, urljoin
from uuid import uuid4

import httpx

from voice.clock import now
from voice.errors import BadRequest
from voice.simulate.aloud import Aloud
from voice.simulate.caller import CALLER
from voice.simulate.report import TurnReport, milliseconds
from voice.simulate.twiml import Gather, Hangup, Redirect, Say, Verb, read_twiml

ACCOUNT_SID = "AC" + "0" * 32
CALLED = "+12025550199"
LIMIT_S = 15.0  # Twilio's own, on every request
MAX_DOCUMENTS = 40  # of one turn; a loop without a Gather would go on for ever
BUDGET_S = 4.0  # of silence before words come: an agent's gather_hop_ms

Fields = Sequence[tuple[str, str]]


@dataclass(slots=True)
class _Reply:
    """What came back in one turn, and when."""

    asked_at: float
    words: list[str] = field(default_factory=list)
    first_at: float | None = None
    last_at: float = 0.0
    gap_ms: float = 0.0
    hops: int = 0

    def add(self, says: Sequence[Say]) -> None:
        if not says:
            return
        at = now()
        if self.first_at is None:
            self.first_at = at
        else:
            self.gap_ms = max(self.gap_ms, milliseconds(self.last_at, at))
        self.last_at = at
        self.words += [say.text for say in says]

    def was_said(self) -> None:
        """Everything that came has been spoken: the silence begins now."""
        self.last_at = now()

    def report(self, said: str, budget_s: float) -> TurnReport:
        first = None if self.first_at is None else milliseconds(self.asked_at, self.first_at)
        total = milliseconds(self.asked_at, now())
        heard = " ".join(self.words)
        return TurnReport(said, heard, first, total, budget_s * 1000, self.gap_ms, self.hops)


class TwilioLine:
    """One call through the Gather door of the server at `base_url`.

    `public_url` is the URL that Twilio would know the server by, where it differs; signatures are made
    over it. Without an `auth_token` nothing is signed. A client that is handed in is not closed.

    Whoever cancels `say()` while a <Gather> speaks, speaks over the agent: `cut` then holds what came of
    that turn. `aloud` is the voice; with a pace, a Redirect and `say()` wait until everything is said.
    """

    door = "gather"

    def __init__(
        self,
        base_url: str,
        *,
        auth_token: str | None = None,
        account_sid: str = ACCOUNT_SID,
        caller: str = CALLER,
        agent: str | None = None,
        public_url: str | None = None,
        budget_s: float = BUDGET_S,
        call_id: str | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self.call_id = call_id or f"CA{uuid4().hex}"
        self.is_over = False
        self.aloud = Aloud()
        self.cut: TurnReport | None = None
        self._base = base_url.rstrip("/")
        self._public = (public_url or base_url).rstrip("/")
        self._token, self._account, self._caller = auth_token, account_sid, caller
        self._first = "/twilio/voice" + (f"?agent={quote(agent)}" if agent else "")
        self._budget_s = budget_s
        self._http = http or httpx.AsyncClient(timeout=LIMIT_S, trust_env=False)
        self._owns_http = http is None
        self._url = ""  # of the document that runs now
        self._gather: Gather | None = None  # what it waits for
        self._after: list[Verb] = []  # what follows when nothing is heard
        self._has_hung_up = False
        self._began_at: float | None = None

    async def dial(self) -> str:
        """Ring, and hear the greeting. Raises BadRequest when Twilio would end the call."""
        self._began_at = now()
        reply = _Reply(now())
        await self._run(await self._fetch(self._public + self._first, (), reply), reply)
        await self.aloud.end()
        return " ".join(reply.words)

    async def say(self, text: str) -> TurnReport:
        """Speak, and hear the reply; blank text is silence."""
        if not text.strip():
            return await self._answer("", ())
        return await self._answer(
            text, (("SpeechResult", text), ("Confidence", "0.9234"), ("Language", "en-US"))
        )

    async def press(self, keys: str) -> TurnReport:
        """Press keys instead of speaking."""
        return await self._answer(keys, (("Digits", keys), ("FinishedOnKey", "")))

    async def hang_up(self) -> None:
        """Put the receiver down; Twilio tells our status door, once."""
        if self._has_hung_up:
            return
        self._has_hung_up = self.is_over = True
        try:
            if self._began_at is not None:
                await self._tell_end(now() - self._began_at)
        finally:
            if self._owns_http:
                await self._http.aclose()

    async def _answer(self, said: str, result: Fields) -> TurnReport:
        gather = self._gather
        if gather is None:
            raise BadRequest("nobody listens: the call is over")
        reply = _Reply(now())
        self.aloud.start()
        try:
            if result or gather.on_empty:
                url = urljoin(self._url, gather.action) if gather.action else self._url
                verbs = await self._fetch(url, result, reply)
            else:
                verbs = self._after
            await self._run(verbs, reply)
            report = reply.report(said, self._budget_s)
            await self.aloud.end()
        except asyncio.CancelledError:
            report = reply.report(said, self._budget_s)
            self.cut = replace(report, heard=self.aloud.stop(), cut=True)
            raise
        return report

    async def _run(self, verbs: list[Verb], reply: _Reply) -> None:
        """Do what the document says, until it listens or hangs up."""
        self._gather, speaks = None, False
        while verbs:
            verb, verbs = verbs[0], verbs[1:]
            match verb:
                case Say():
                    self._hear(reply, [verb])
                    speaks = True
                case Gather():
                    self._hear(reply, verb.says)
                    self._gather, self._after = verb, verbs
                    return
                case Redirect():
                    if speaks:
                        await self.aloud.end()
                        reply.was_said()
                    speaks = False
                    verbs = await self._fetch(urljoin(self._url, verb.url), (), reply)
                case Hangup():
                    break
        self.is_over = True  # a document that has run out ends the call, too

    def _hear(self, reply: _Reply, says: Sequence[Say]) -> None:
        reply.add(says)
        for say in says:
            self.aloud.add(say.text)

    async def _fetch(self, url: str, result: Fields, reply: _Reply) -> list[Verb]:
        reply.hops += 1
        if reply.hops > MAX_DOCUMENTS:
            raise BadRequest(f"{MAX_DOCUMENTS} documents in one turn, and still no <Gather>")
        self._url = urldefrag(url).url
        answer = await self._post(self._url, [*self._fields("in-progress"), *result])
        if answer.status_code != 200:
            raise BadRequest(f"Twilio error 11200: {answer.request.url.path} answered {answer.status_code}")
        return read_twiml(answer.headers.get("content-type", ""), answer.content)

    async def _post(self, url: str, fields: Fields) -> httpx.Response:
        target = str(
            httpx.URL(self._base + url.removeprefix(self._public) if url.startswith(self._public) else url)
        )
        headers = {"I-Twilio-Idempotency-Token": str(uuid4()), "User-Agent": "TwilioProxy/1.1"}
        if self._token is not None:
            public = self._public + target.removeprefix(self._base)
            headers["X-Twilio-Signature"] = signature(self._token, public, fields)
        request = self._http.build_request("POST", target, data=_form(fields), headers=headers)
        try:
            return await self._http.send(request)
        except httpx.ConnectError:  # the one failure that Twilio tries again by default
            return await self._http.send(request)

    async def _tell_end(self, lasted_s: float) -> None:
        told = (
            ("CallDuration", str(round(lasted_s))),
            ("CallbackSource", "call-progress-events"),
            ("SequenceNumber", "3"),
            ("Timestamp", format_datetime(datetime.now(UTC))),
        )
        answer = await self._post(f"{self._public}/twilio/status", [*self._fields("completed"), *told])
        if not answer.is_success:
            raise BadRequest(f"the status callback was answered {answer.status_code}")

    def _fields(self, status: str) -> Fields:
        """What every request carries; real ones have blanks, too."""
        return (
            ("CallSid", self.call_id),
            ("AccountSid", self._account),
            ("ApiVersion", "2010-04-01"),
            ("CallStatus", status),
            ("Direction", "inbound"),
            ("From", self._caller),
            ("To", CALLED),
            ("Caller", self._caller),
            ("Called", CALLED),
            ("FromCity", ""),
            ("FromState", ""),
            ("FromCountry", "US"),
        )


def signature(token: str, url: str, fields: Fields) -> str:
    """X-Twilio-Signature: base64 of HMAC-SHA1 over the URL and each distinct field, sorted."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def _form(fields: Fields) -> dict[str, list[str]]:
    form: dict[str, list[str]] = {}
    for name, value in fields:
        form.setdefault(name, []).append(value)
    return form
