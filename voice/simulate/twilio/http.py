"""How Twilio asks for a document: signed, within 15 seconds, and again where it was told to.

By default a request is repeated once, and only when no connection was made. A URL may ask for more in
its fragment: `#rc=2&rp=rt` repeats a slow one, too. Cookies are kept for the call. A redirect by 301,
302 or 303 loses the form.

Source: Twilio's pages on security, TwiML ("redirects", "cookies") and connection overrides, and its
error pages 11200, 11205 and 11215.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, urldefrag, urlencode, urljoin
from uuid import uuid4

import httpx

from voice.clock import now
from voice.errors import BadRequest
from voice.simulate.twiml import Verb, read_twiml

LIMIT_S = 15.0  # Twilio's own, on every request
CONNECT_S = 5.0
MAX_RETRIES = 5
MAX_REDIRECTS = 10
UNSIGNED = "; is TWILIO_AUTH_TOKEN the server's, and OFFHOOK_PUBLIC_URL?"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
LOSE_THE_FORM = {301, 302, 303}
KEEP_THE_FORM = {307, 308}

Fields = Sequence[tuple[str, str]]
Failure = Literal["ct", "rt", "4xx", "5xx"]
"""Why a request came to nothing: no connection, no answer in time, a bad status."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What a URL's fragment asks for: seconds, how often a request is repeated, and after what."""

    connect_s: float = CONNECT_S
    read_s: float = LIMIT_S
    total_s: float = LIMIT_S
    retries: int = 1
    after: frozenset[str] = frozenset({"ct"})

    @classmethod
    def read(cls, fragment: str) -> Overrides:
        """Raises BadRequest for a value that Twilio does not take."""
        given = dict(parse_qsl(fragment))
        after = frozenset(given.get("rp", "ct").split(","))
        return cls(
            _within("ct", given.get("ct"), CONNECT_S, 0.1, 10.0),
            _within("rt", given.get("rt"), LIMIT_S, 0.1, LIMIT_S),
            _within("tt", given.get("tt"), LIMIT_S, 0.1, LIMIT_S),
            round(_within("rc", given.get("rc"), 1, 0, MAX_RETRIES, unit=1)),
            frozenset({"ct", "rt", "4xx", "5xx"}) if "all" in after else after,
        )


def _within(name: str, text: str | None, usual: float, least: float, most: float, unit: int = 1000) -> float:
    """A number of the fragment; milliseconds unless `unit` is 1."""
    if text is None:
        return usual
    if not text.isdigit() or not least <= int(text) / unit <= most:
        raise BadRequest(f"the connection override {name}={text} is not taken")
    return int(text) / unit


@dataclass(frozen=True, slots=True)
class Document:
    """TwiML as it came, and the URL that its own links are relative to."""

    url: str
    verbs: list[Verb]


class Webhooks:
    """One call's requests to the server at `base_url`, which Twilio knows as `public_url`.

    Signatures are made over the public URL, with the account's `token`, else with a shared key (its id and
    its secret), else not at all. A client that is handed in is not closed.
    """

    def __init__(
        self,
        base_url: str,
        public_url: str | None,
        token: str | None,
        http: httpx.AsyncClient | None,
        shared_key: tuple[str, str] | None = None,
    ) -> None:
        self._base = str(httpx.URL(base_url)).rstrip("/")
        self.public = (public_url or self._base).rstrip("/")
        self._token, self._shared_key = token, shared_key
        self._http = http or httpx.AsyncClient(timeout=LIMIT_S, trust_env=False)
        self._owns_http = http is None
        self._cookies = httpx.Cookies()
        self._given_up: set[asyncio.Task[httpx.Response]] = set()

    async def close(self) -> None:
        """Let go of the requests that nobody waits for any more, and of our own client."""
        for request in self._given_up:
            request.cancel()
        if self._owns_http:
            await self._http.aclose()

    async def document(self, url: str, fields: Fields, method: str = "POST") -> Document:
        """The TwiML at a URL. Raises BadRequest, with Twilio's error number, where it would give up."""
        answer, url = await self.ask(url, fields, method)
        if answer.status_code != 200:
            path, hint = httpx.URL(url).path, UNSIGNED if answer.status_code == 403 else ""
            raise BadRequest(f"Twilio error 11200: {path} answered {answer.status_code}{hint}")
        return Document(url, read_twiml(answer.headers.get("content-type", ""), answer.content))

    async def tell(self, url: str, fields: Fields, method: str = "POST") -> None:
        """A callback, whose answer is not read. Raises BadRequest unless it was a good one."""
        answer, url = await self.ask(url, fields, method)
        if not answer.is_success:
            raise BadRequest(f"the callback {httpx.URL(url).path} was answered {answer.status_code}")

    async def ask(self, url: str, fields: Fields, method: str = "POST") -> tuple[httpx.Response, str]:
        """The answer, and the URL that gave it, redirects followed."""
        token = str(uuid4())  # the same for each repetition, so that a receiver can tell
        for _ in range(MAX_REDIRECTS + 1):
            url, fragment = urldefrag(url)
            answer = await self._repeated(url, fields, method, Overrides.read(fragment), token)
            self._cookies.extract_cookies(answer)
            if answer.status_code not in LOSE_THE_FORM | KEEP_THE_FORM:
                return answer, url
            url = urljoin(url, answer.headers.get("location", ""))
            if answer.status_code in LOSE_THE_FORM:
                method, fields = "GET", ()
        raise BadRequest(f"Twilio error 11215: more than {MAX_REDIRECTS} redirects, the last one to {url}")

    def signature(self, url: str, fields: Fields = ()) -> dict[str, str]:
        """The headers over a public URL."""
        if self._token:
            return {"X-Twilio-Signature": signature(self._token, url, fields)}
        if self._shared_key is None:
            return {}
        key, secret = self._shared_key
        return {
            "X-Twilio-Signature": signature(secret, url, fields, "sha256"),
            "X-Twilio-Webhooks-Signature-Settings": f"key={key},algorithm=HMAC_SHA256",
        }

    def target(self, url: str) -> tuple[str, str]:
        """Where a public URL is really asked, and how it is spelled in the signature."""
        if not url.startswith(self.public):
            return url, url
        target = str(httpx.URL(self._base + url.removeprefix(self.public)))
        return target, self.public + target.removeprefix(self._base)

    def socket(self, url: str) -> tuple[str, str]:
        """The same for a wss:// URL."""
        public = "wss" + self.public.removeprefix("https").removeprefix("http")
        if not url.startswith(public):
            return url, url
        return "ws" + (self._base + url.removeprefix(public)).removeprefix("http"), url

    async def _repeated(
        self, url: str, fields: Fields, method: str, how: Overrides, token: str
    ) -> httpx.Response:
        ends_at = now() + how.total_s
        for left in range(how.retries, -1, -1):
            answer, failure = await self._once(self._request(url, fields, method, how, token), how, ends_at)
            may = failure in how.after and left and now() < ends_at
            if answer is not None and not may:
                return answer
            if not may:
                break
        path = httpx.URL(url).path
        if failure == "ct":
            raise BadRequest(f"Twilio error 11205: nobody answers at {self.target(url)[0]}")
        raise BadRequest(f"Twilio error 11200: {path} gave no answer within {how.read_s:.0f} s")

    async def _once(
        self, request: httpx.Request, how: Overrides, ends_at: float
    ) -> tuple[httpx.Response | None, Failure | None]:
        asking = asyncio.create_task(self._http.send(request))
        try:
            await asyncio.wait({asking}, timeout=min(how.read_s, ends_at - now()))
        except asyncio.CancelledError:
            asking.cancel()
            raise
        if not asking.done():
            # Our side goes on with it: whoever answers slowly answers the first request and the second one.
            self._given_up.add(asking)
            asking.add_done_callback(_forgotten)
            return None, "rt"
        try:
            answer = asking.result()
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return None, "ct"
        except httpx.HTTPError as exc:
            raise BadRequest(
                f"Twilio error 11200: {request.url.path} broke off ({type(exc).__name__})"
            ) from exc
        kinds: dict[int, Failure] = {4: "4xx", 5: "5xx"}
        return answer, kinds.get(answer.status_code // 100)

    def _request(self, url: str, fields: Fields, method: str, how: Overrides, token: str) -> httpx.Request:
        """Built without the client, whose cookies may be another call's."""
        is_get = method == "GET"
        if is_get and fields:
            url += ("&" if "?" in url else "?") + urlencode(list(fields))
        target, public = self.target(url)
        headers = {
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
            **self.signature(public, () if is_get else fields),
        }
        if not is_get:
            headers["Content-Type"] = FORM
        patience = httpx.Timeout(LIMIT_S, connect=how.connect_s)
        request = httpx.Request(
            method,
            target,
            headers=headers,
            content=None if is_get else urlencode(list(fields)),
            extensions={"timeout": patience.as_dict()},
        )
        self._cookies.set_cookie_header(request)
        return request


def _forgotten(request: asyncio.Task[httpx.Response]) -> None:
    """Whatever becomes of it, nobody hears of it."""
    if not request.cancelled():
        request.exception()


def signature(secret: str, url: str, fields: Fields, algorithm: Literal["sha1", "sha256"] = "sha1") -> str:
    """X-Twilio-Signature: base64 of an HMAC over the URL and each distinct field, sorted."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), algorithm).digest()).decode()
