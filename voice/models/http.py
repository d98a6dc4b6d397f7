"""One pool of connections to every model host, and foreign errors translated.

Above this line nobody knows httpx. A client of a model host works like this:

    http = open_http()                                  # one for all routes; closed by whoever opened it
    host = Host("runpod", key="RUNPOD_API_KEY", place="RUNPOD_ENDPOINT_ID")
    async with asyncio.timeout_at(deadline.reply_at):   # the pool has no time limits of its own
        with translated(host):                          # httpx and aiohttp errors become ModelErrors
            async with http.stream("POST", url, json=body, headers=…) as response:
                await check(response, host)             # 401, 404, 429, 5xx … become ModelErrors
                async for piece in response.aiter_bytes(): …

A connection that breaks before the host's first byte is tried once more on a fresh one: a kept
connection dies silently between two turns. Later than that nothing is retried here.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from voice.errors import ModelError, ReplyBroken, RouteBusy, RouteDown, RouteRefused
from voice.types import Json

KEEP_S = 90.0  # callers speak for 5 to 20 s: a connection outlives a few turns
DNS_S = 60  # a lookup costs up to 100 ms; hosts move seldom
MAX_BODY_BYTES = 8_000_000  # of one answer: a spoken reply is a few KB, a whole one with all its frames 1 MB
NO_CAPACITY = "no workers available"  # RunPod's load balancer says so with a 400


@dataclass(frozen=True, slots=True)
class Host:
    """Whom a route asks, and which settings to look at when it refuses."""

    route: str
    key: str = "the route's key"
    place: str = "the route's URL"


def open_http() -> httpx.AsyncClient:
    """A client without pool limits, time limits, proxies from the environment, redirects or cookies.

    Compression is refused: whoever compresses a stream holds back its first token.
    """
    return httpx.AsyncClient(
        transport=_FreshOnce(),
        timeout=None,
        trust_env=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        headers={"User-Agent": "offhook", "Accept-Encoding": "identity"},
    )


class _FreshOnce(httpx.AsyncBaseTransport):
    """Sends a request over a kept connection; when that is broken, once more over a new one."""

    def __init__(self) -> None:
        tls = httpx.create_ssl_context(trust_env=False)
        self._kept = AiohttpTransport(verify=tls, client=lambda: _session(tls, keep=True))
        self._fresh = AiohttpTransport(verify=tls, client=lambda: _session(tls, keep=False))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._kept.handle_async_request(request)
        except httpx.TransportError as exc:
            if _timed_out(exc) or isinstance(exc, httpx.UnsupportedProtocol):
                raise
        return await self._fresh.handle_async_request(request)

    async def aclose(self) -> None:
        await self._kept.aclose()
        await self._fresh.aclose()


def _session(tls: ssl.SSLContext, *, keep: bool) -> aiohttp.ClientSession:
    if keep:
        connector = aiohttp.TCPConnector(ssl=tls, limit=0, ttl_dns_cache=DNS_S, keepalive_timeout=KEEP_S)
    else:
        connector = aiohttp.TCPConnector(ssl=tls, limit=0, ttl_dns_cache=DNS_S, force_close=True)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        trust_env=False,
    )


def _timed_out(exc: BaseException) -> bool:
    # httpx-aiohttp calls every connection error a ConnectTimeout; its cause tells the truth.
    return isinstance(exc.__cause__, TimeoutError)


@contextmanager
def translated(host: Host) -> Iterator[None]:
    """Turns what httpx and aiohttp raise inside into a ModelError that names the route.

    Nothing of the answer or of the prompt gets into the message.
    """
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, aiohttp.ClientError) as exc:
        ours, words = next((ours, words) for kind, ours, words in _TRANSLATIONS if isinstance(exc, kind))
        if _timed_out(exc):
            ours, words = RouteDown, "did not answer in time"
        raise ours(f"route {host.route!r} {words}") from exc


_TRANSLATIONS: tuple[tuple[type[Exception], type[ModelError], str], ...] = (
    (httpx.InvalidURL, RouteRefused, "has a URL that cannot be used"),
    (httpx.UnsupportedProtocol, RouteRefused, "has a URL that cannot be used"),
    (httpx.ConnectError, RouteDown, "cannot be reached"),
    (httpx.ConnectTimeout, RouteDown, "cannot be reached, or hung up before it answered"),
    (httpx.TimeoutException, RouteDown, "did not answer in time"),
    (httpx.ReadError, ReplyBroken, "broke off in the middle of its answer"),
    (httpx.StreamError, ReplyBroken, "broke off in the middle of its answer"),
    (httpx.DecodingError, ReplyBroken, "sent an answer that cannot be decoded"),
    (Exception, RouteDown, "does not speak HTTP as it should"),
)


async def check(response: httpx.Response, host: Host) -> None:
    """Raises the ModelError that fits a status other than 2xx."""
    if response.is_success:
        return
    body = b""
    if response.status_code == httpx.codes.BAD_REQUEST:
        body = await body_of(response, host)
    raise refusal(response.status_code, host, body)


async def body_of(response: httpx.Response, host: Host) -> bytes:
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
