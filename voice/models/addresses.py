"""Where model hosts are: looked up once for all who ask at the same time, and before it is needed again.

A name server that does not answer holds one of the few threads that look names up for ten seconds. Did each
caller look up for themselves, one such host would keep all other hosts from being found.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohappyeyeballs import AddrInfoType

from voice.clock import now

FRESH_S = 60.0  # a lookup costs up to 100 ms; hosts move seldom
STALE_S = 600.0  # for so long after that they are used while they are looked up again

LookUp = Callable[[str, int], Awaitable[list[AddrInfoType]]]


class Found(NamedTuple):
    """The addresses of a host, and until when they count as they are."""

    addresses: list[AddrInfoType]
    until: float


class Addresses:
    """The addresses of all hosts. `look_up` asks the system; it raises OSError or UnicodeError."""

    def __init__(self, look_up: LookUp | None = None) -> None:
        self._look_up = look_up or system
        self._found: dict[tuple[str, int], Found] = {}
        self._looking: dict[tuple[str, int], asyncio.Task[list[AddrInfoType]]] = {}

    async def of(self, host: str, port: int) -> tuple[list[AddrInfoType], bool]:
        """Where a host is, and whether that was found some time ago. Raises OSError, or UnicodeError."""
        found = self._found.get((host, port))
        if found is None or now() >= found.until + STALE_S:
            return await self.anew(host, port), False
        if now() >= found.until:
            self._begin(host, port)
        return found.addresses, True

    async def anew(self, host: str, port: int) -> list[AddrInfoType]:
        """Where a host is now. Raises OSError, or UnicodeError for a name that is none."""
        return await asyncio.shield(self._begin(host, port))  # others wait for it, too

    def _begin(self, host: str, port: int) -> asyncio.Task[list[AddrInfoType]]:
        task = self._looking.get((host, port))
        if task is None:
            task = asyncio.create_task(self._find(host, port), name=f"look up {host}")
            task.add_done_callback(_noticed)
            self._looking[host, port] = task
        return task

    async def _find(self, host: str, port: int) -> list[AddrInfoType]:
        try:
            addresses = await self._look_up(host, port)
        finally:
            del self._looking[host, port]
        self._found[host, port] = Found(addresses, now() + FRESH_S)
        return addresses


def _noticed(task: asyncio.Task[list[AddrInfoType]]) -> None:
    if not task.cancelled():
        task.exception()  # who waited has it; when nobody did, the old addresses are used on


async def system(host: str, port: int) -> list[AddrInfoType]:
    """Ask the system where a host is."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, kind, proto, name, address) for family, kind, proto, name, address in found]
