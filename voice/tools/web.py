"""Asks a host over HTTP on behalf of a tool, and only where it may: the address decides, not the name.

A name is looked up here, each address is checked, and the connection goes to exactly that address: a
name that leads elsewhere a moment later changes nothing. Redirects, proxies and cookies are not used.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from voice.tools.addresses import is_public
from voice.tools.http_answer import Answer, Trouble

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 65_536  # of an answer of which a model reads 1,500 characters
MAX_ADDRESSES = 3  # of one name that are tried
CONNECT_S = 1.0  # for each of them: a second address must have its chance within a turn's time


class Web:
    """The way out for all tools. Open while the product runs; `close` lets go.

    No connection is kept: a tool is used a few times in a call, and one that died in between would
    leave nobody knowing whether the request was done. `tls` says which certificates are good; None: those
    that everybody takes. `connect_s` is how long one address may take to pick up.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, *, connect_s: float = CONNECT_S) -> None:
        self._http = httpx.AsyncClient(
            verify=tls or httpx.create_ssl_context(trust_env=False),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(None, connect=connect_s),  # for the rest, whoever asks has a clock
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": "offhook", "Accept-Encoding": "identity"},
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, is_private: bool
    ) -> Answer | Trouble:
        """What a host answers. `is_private`: its address need not be public."""
        asked = httpx.URL(url)
        host = asked.raw_host.decode("ascii")
        port = asked.port or (443 if asked.scheme == "https" else 80)
        try:
            addresses = await _addresses(host, port)
        except OSError as exc:
            log.warning("tool.no_address", extra={"host": host, "error": type(exc).__name__})
            return Trouble.UNREACHED
        if not is_private and not all(is_public(one) for one in addresses):
            log.error("tool.address_refused", extra={"host": host})
            return Trouble.FORBIDDEN
        for address in addresses[:MAX_ADDRESSES]:
            request = self._http.build_request(
                method,
                asked.copy_with(host=address),
                headers={**headers, "Host": asked.netloc.decode("ascii")},
                content=body,
                extensions={"sni_hostname": host},  # the certificate is the name's, not the address's
            )
            try:
                return await self._send(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as exc:  # nothing was sent yet
                log.warning("tool.not_reached", extra={"host": host, "error": type(exc).__name__})
            except httpx.HTTPError as exc:
                log.warning("tool.broke", extra={"host": host, "error": type(exc).__name__})
                return Trouble.LOST
        return Trouble.UNREACHED

    async def _send(self, request: httpx.Request) -> Answer:
        response = await self._http.send(request, stream=True)
        try:
            body, is_whole = bytearray(), True
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    is_whole = False
                    break
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if response.headers.get("content-encoding", "identity") != "identity":
                kind = "application/octet-stream"  # it was asked for plain text: nobody unpacks this
            return Answer(response.status_code, kind, bytes(body[:MAX_BODY_BYTES]), is_whole)
        finally:
            await response.aclose()


async def _addresses(host: str, port: int) -> list[str]:
    """Every address of a name, best first. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[4][0]) for place in found))
