"""One client for every model host, and foreign errors translated.

Above this line nobody knows httpx. A client of a model host works like this:

    http = open_http()                                  # one for all routes; closed by whoever opened it
    host = Host("runpod", key="RUNPOD_API_KEY", place="RUNPOD_ENDPOINT_ID")
    async with asyncio.timeout_at(deadline.reply_at):   # the client has no time limits of its own
        with translated(host):                          # httpx errors become ModelErrors
            async with http.stream("POST", url, json=body, headers=…) as response:
                await check(response, host)             # 401, 404, 429, 5xx … become ModelErrors
                async for piece in response.aiter_bytes(): …

A reply that is streamed is asked for past httpx, at the connections themselves (`http.wires`): a request
costs 0.1 ms there in place of 0.5, a piece of the answer nearly nothing (docs/performance.md).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final, Protocol

import httpx

from voice.errors import ModelError, ReplyBroken, RouteBusy, RouteDown, RouteRefused
from voice.models.wire import Answer, HungUp, Take
from voice.models.wires import Wires, header_lines, lines_of, place_of
from voice.types import Json

MAX_BODY_BYTES = 8_000_000  # of one answer: a spoken reply is a few KB, a whole one with all its frames 1 MB
NO_CAPACITY = "no workers available"  # RunPod's load balancer says so with a 400
CHUNKED: Final = b"transfer-encoding"
PORTION = 4096  # of a compressed body, decoded at once: it may become a thousand times as long
OURS: Final[Mapping[str, str]] = {"User-Agent": "offhook", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Host:
    """Whom a route asks, and which settings to look at when it refuses."""

    route: str
    key: str = "the route's key"
    place: str = "the route's URL"


class Answered(Protocol):
    """An answer whose head is there: httpx's, or a wire's own."""

    @property
    def status_code(self) -> int: ...

    @property
    def is_success(self) -> bool: ...

    @property
    def headers(self) -> httpx.Headers: ...

    def aiter_bytes(self) -> AsyncIterator[bytes]: ...


class Http(httpx.AsyncClient):
    """A client without pool limits, time limits, proxies from the environment, redirects or cookies.

    Compression is refused: whoever compresses a stream holds back its first token.
    """

    def __init__(self) -> None:
        self.wires = Wires(httpx.create_ssl_context(trust_env=False))
        super().__init__(
            transport=_Transport(self.wires),
            timeout=None,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers=OURS,
        )

    def build_request(self, *args: Any, **kwargs: Any) -> httpx.Request:
        """As httpx does. Raises httpx.LocalProtocolError for a header that cannot be sent."""
        try:
            return super().build_request(*args, **kwargs)
        except UnicodeEncodeError:  # which holds the whole of it: it may be a key
            raise httpx.LocalProtocolError("a header is no text") from None


def open_http() -> Http:
    """The client of all model hosts; to be closed by whoever opened it."""
    return Http()


class _Transport(httpx.AsyncBaseTransport):
    """The same connections behind httpx's interface, for all that is no streamed reply."""

    def __init__(self, wires: Wires) -> None:
        self._wires = wires

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        place, body = place_of(request.url), await request.aread()
        if request.method == "HEAD":  # its answer tells of a body that does not come
            raise httpx.UnsupportedProtocol("a model host is not asked for a head alone")
        lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
        headers = [(name, value) for name, value in request.headers.raw if name.lower() != CHUNKED]
        if len(headers) != len(request.headers.raw):  # it is whole, so it goes in one piece
            headers.append((b"Content-Length", b"%d" % len(body)))
        lines += [name + b": " + value for name, value in headers]
        return as_httpx(await self._wires.ask(place, lines_of(lines) + b"\r\n" + body))

    async def aclose(self) -> None:
        self._wires.close()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for some in self._answer.aiter_bytes():
            if self._answer.is_plain:
                yield some
                continue
            for begin in range(0, len(some), PORTION):
                yield some[begin : begin + PORTION]

    async def aclose(self) -> None:
        self._answer.close()
        del self._answer  # an httpx.Response and its stream are a ring, which nothing of ours may hang on


def posting(
    http: httpx.AsyncClient, url: str, headers: Mapping[str, str], body: bytes
) -> AbstractAsyncContextManager[Answered]:
    """Post a body whose answer is read while it comes: past httpx, unless `http` is another client of its."""
    if isinstance(http, Http):
        return _Posting(http.wires, url, headers, body)
    return http.stream("POST", url, content=body, headers=headers)


async def each(answer: Answered, take: Take) -> None:
    """Give a body to `take` as it comes, to its end. What `take` raises is raised here."""
    if isinstance(answer, Answer):
        if answer.is_plain:
            await answer.each(take)
            return
        answer = as_httpx(answer)
    async for some in answer.aiter_bytes():
        take(some)


def is_over(answer: Answered) -> bool:
    """Whether all of an answer is known to have come."""
    return isinstance(answer, Answer) and answer.is_over


class _Posting:
    """One question at the wires. Used as a context: leaving it closes what is not read to its end."""

    def __init__(self, wires: Wires, url: str, headers: Mapping[str, str], body: bytes) -> None:
        self._wires, self._url, self._headers, self._body = wires, url, headers, body
        self._answer: Answer | None = None

    async def __aenter__(self) -> Answer:
        asking = self._wires.post(self._url, _head(tuple(self._headers.items())), self._body)
        self._body = b""  # it is sent: nobody holds it while the answer comes
        self._answer = await asking
        return self._answer

    async def __aexit__(self, *_: object) -> None:
        if self._answer is not None:
            self._answer.close()


@lru_cache(maxsize=256)  # the same with every question to a route
def _head(headers: tuple[tuple[str, str], ...]) -> bytes:
    return header_lines({**OURS, **dict(headers)})


def as_httpx(answer: Answer) -> httpx.Response:
    """The same answer as httpx's, which decodes what a host has compressed though it was told not to."""
    return httpx.Response(answer.status_code, headers=answer.raw_headers, stream=_Body(answer))


class translated:  # used as a function: `with translated(host):`
    """Turns what httpx and the wires raise inside into a ModelError that names the route.

    Nothing of the answer or of the prompt gets into the message.
    """

    __slots__ = ("_host",)

    def __init__(self, host: Host) -> None:
        self._host = host

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, exc: BaseException | None, __: object) -> None:
        if isinstance(exc, httpx.HTTPError | httpx.InvalidURL | httpx.StreamError):
            ours, words = next((ours, words) for kind, ours, words in _TRANSLATIONS if isinstance(exc, kind))
            raise ours(f"route {self._host.route!r} {words}") from exc


_TRANSLATIONS: tuple[tuple[type[Exception], type[ModelError], str], ...] = (
    (httpx.InvalidURL, RouteRefused, "has a URL that cannot be used"),
    (httpx.UnsupportedProtocol, RouteRefused, "has a URL that cannot be used"),
    (httpx.LocalProtocolError, RouteRefused, "has a key or a header that cannot be sent"),
    (httpx.ConnectError, RouteDown, "cannot be reached"),
    (HungUp, RouteDown, "cannot be reached, or hung up before it answered"),
    (httpx.TimeoutException, RouteDown, "did not answer in time"),
    (httpx.ReadError, ReplyBroken, "broke off in the middle of its answer"),
    (httpx.StreamError, ReplyBroken, "broke off in the middle of its answer"),
    (httpx.DecodingError, ReplyBroken, "sent an answer that cannot be decoded"),
    (Exception, RouteDown, "does not speak HTTP as it should"),
)


async def check(response: Answered, host: Host) -> None:
    """Raises the ModelError that fits a status other than 2xx."""
    if response.is_success:
        return
    body = b""
    if response.status_code == httpx.codes.BAD_REQUEST:
        body = await body_of(response, host)
    raise refusal(response.status_code, host, body)


async def body_of(response: Answered, host: Host) -> bytes:
    """The body of an answer that is still coming. Raises RouteDown when it does not end."""
    body = bytearray()
    async for some in response.aiter_bytes():
        body += some
        if len(body) > MAX_BODY_BYTES:
            raise RouteDown(f"route {host.route!r} does not end its answer")
    return bytes(body)


def refusal(status: int, host: Host, body: bytes = b"") -> ModelError:
    """The ModelError for a status that is not 2xx.

    Bodies are free text on most hosts: one phrase is looked for, nothing is repeated.
    """
    said = f"route {host.route!r} answered {status}"
    if status in (401, 403):
        return RouteRefused(f"{said}: check {host.key}")
    if status == 404:
        return RouteRefused(f"{said}: check {host.place}")
    if status == 429:
        return RouteBusy(f"{said}: its rate limit is reached")
    if status == 400 and NO_CAPACITY.encode() in body.lower():
        return RouteBusy(f"{said}: it has no worker to give")
    if status >= 500 or status == 408:
        return RouteDown(said)
    if 300 <= status < 400:
        return RouteRefused(f"{said}, a redirect: check {host.place}")
    return RouteRefused(f"{said}: it does not accept the request")


def json_of(body: bytes, host: Host) -> Json:
    """A 2xx answer's body as JSON. A gateway's HTML page and other text raise RouteDown."""
    try:
        parsed: Json = json.loads(body)
    except (ValueError, RecursionError) as exc:
        kind = "an HTML page" if body.lstrip()[:1] == b"<" else "text"
        raise RouteDown(f"route {host.route!r} sent {kind} in place of JSON") from exc
    return parsed
