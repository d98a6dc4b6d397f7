"""The connections to all model hosts: which are kept, how a new one is made, what is tried again.

A kept connection dies silently between two turns. So a question that a host hung up on without a word is
sent once more over a new connection; later than that nothing is tried again. There is no limit to how
many are open: each belongs to a caller who waits.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import Awaitable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import httpx
from aiohappyeyeballs import AddrInfoType, start_connection

from voice.clock import now
from voice.models.addresses import Addresses
from voice.models.wire import Answer, HungUp, Wire

KEEP_S = 90.0  # callers speak for 5 to 20 s: a connection outlives a few turns
NEXT_ADDRESS_S = 0.25  # until a host's next address is tried, too (RFC 8305)
PORTS: Mapping[str, int] = {"http": 80, "https": 443}
MAX_PORT = 65_535


class Place(NamedTuple):
    """Where a question goes."""

    scheme: str
    host: str
    port: int


class Asked(NamedTuple):
    """A URL, taken apart once: `target` is what the request line names, `head` its first header lines."""

    place: Place
    target: bytes
    head: bytes


@lru_cache(maxsize=256)
def asked_at(url: str) -> Asked:
    """A URL as it is asked. Raises httpx.InvalidURL, or UnsupportedProtocol where it is none of HTTP."""
    found = httpx.URL(url)
    lines = [b"Host: " + found.netloc]
    if found.userinfo:
        lines.append(
            b"Authorization: Basic " + b64encode(found.username.encode() + b":" + found.password.encode())
        )
    return Asked(place_of(found), found.raw_path, b"\r\n".join(lines) + b"\r\n")


def place_of(url: httpx.URL) -> Place:
    """Where a URL leads. Raises httpx.UnsupportedProtocol."""
    port = PORTS.get(url.scheme, 0) if url.port is None else url.port
    if url.scheme not in PORTS or not url.raw_host or not 0 < port <= MAX_PORT:
        raise httpx.UnsupportedProtocol("a model host is asked by http:// or https://")
    return Place(url.scheme, url.raw_host.decode("ascii"), port)


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Headers as they are sent. Raises httpx.LocalProtocolError where one cannot be."""
    try:
        return lines_of([f"{name}: {value}".encode() for name, value in headers.items()])
    except UnicodeEncodeError:  # which holds the whole of it: it may be a key
        raise httpx.LocalProtocolError("a header is no text") from None


def lines_of(parts: Sequence[bytes]) -> bytes:
    """Lines of a head. Raises httpx.LocalProtocolError where one would end before its end."""
    lines = b"".join(part + b"\r\n" for part in parts)
    if lines.count(b"\n") != len(parts) or lines.count(b"\r") != len(parts) or b"\0" in lines:
        raise httpx.LocalProtocolError("a header holds a line's end")
    return lines


class Wires:
    """The connections of one process. `tls` is how hosts show who they are, `addresses` where they are."""

    def __init__(self, tls: ssl.SSLContext, addresses: Addresses | None = None) -> None:
        self._tls, self._addresses = tls, addresses or Addresses()
        self._is_closed = False
        self._kept: dict[Place, list[Wire]] = {}  # the newest last
        self._open: dict[Wire, Place] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    async def ask(self, place: Place, question: bytes) -> Answer:
        """Send a whole request; return when the head of its answer is there.

        Raises an httpx.TransportError. There are no time limits here: who asks knows how long is left.
        """
        wire = self._take_kept(place) or await self._dial(place)
        try:
            return await wire.ask(question)
        except HungUp:
            wire = await self._dial(place)
        return await wire.ask(question)

    def post(self, url: str, head: bytes, body: bytes) -> Awaitable[Answer]:
        """Post a body. `head` are the header lines beside Host and Content-Length. Raises as `ask`."""
        place, target, lines = asked_at(url)
        length = b"Content-Length: %d\r\n\r\n" % len(body)
        return self.ask(place, b"".join((b"POST ", target, b" HTTP/1.1\r\n", lines, head, length, body)))

    def close(self) -> None:
        """Hang up everywhere, and connect to nobody any more. What is in flight ends with a NetworkError."""
        self._is_closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for wire in list(self._open):
            wire.close()
        self._kept.clear()

    # Kept connections

    def _take_kept(self, place: Place) -> Wire | None:
        kept = self._kept.get(place)
        while kept:
            wire = kept.pop()
            if wire.is_open and now() - wire.free_since < KEEP_S:
                return wire
            wire.close()
        return None

    def _free(self, wire: Wire) -> None:
        wire.free_since = now()
        self._kept.setdefault(self._open[wire], []).append(wire)
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(KEEP_S, self._sweep)

    def _lost(self, wire: Wire) -> None:
        place = self._open.pop(wire, None)
        kept = self._kept.get(place) if place is not None else None
        if kept and wire in kept:
            kept.remove(wire)

    def _sweep(self) -> None:
        """Hang up what nobody has used for long. Ticks only while something is kept."""
        self._sweeping = None
        for kept in self._kept.values():
            for wire in [one for one in kept if now() - one.free_since >= KEEP_S]:
                kept.remove(wire)
                wire.close()
        if any(self._kept.values()):
            self._sweeping = asyncio.get_running_loop().call_later(KEEP_S / 4, self._sweep)

    # New connections

    async def _dial(self, place: Place) -> Wire:
        """A new connection. Raises httpx.ConnectError."""
        try:
            addresses, is_old = await self._addresses.of(place.host, place.port)
            try:
                return await self._connect(place, addresses)
            except OSError:
                if not is_old:
                    raise
            # Perhaps it has moved.
            return await self._connect(place, await self._addresses.anew(place.host, place.port))
        except (OSError, UnicodeError) as exc:  # the latter: a name that is none
            raise httpx.ConnectError(f"{type(exc).__name__} on the way to a host") from exc

    async def _connect(self, place: Place, addresses: list[AddrInfoType]) -> Wire:
        if self._is_closed:
            raise ConnectionError("closed")
        loop = asyncio.get_running_loop()
        plug = await start_connection(addresses, happy_eyeballs_delay=NEXT_ADDRESS_S, loop=loop)
        try:
            # A question of two segments would else wait for the first one's ACK: 40 ms.
            plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            is_tls = place.scheme == "https"
            _, wire = await loop.create_connection(
                lambda: Wire(self._free, self._lost),
                sock=plug,
                ssl=self._tls if is_tls else None,
                server_hostname=place.host if is_tls else None,
            )
        except BaseException:
            plug.close()
            raise
        self._begin(wire, place)
        return wire

    def _begin(self, wire: Wire, place: Place) -> None:
        if self._is_closed:
            wire.close()
        elif wire.is_open:  # else it is lost already, and nobody would forget it
            self._open[wire] = place
