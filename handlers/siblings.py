"""The processes that serve together, and which of them owns a call.

A call's owner follows from its id, so every process knows it without asking. Each has two Unix sockets in
a folder that only this user can open: one takes the requests that others hand on, at the other it is asked
to let go of a call (asked.py). While the owner is away the next place in line takes its calls; once a place
has changed hands, whoever picks up a call asks the others to let go of it first. One that is speaking on it
keeps it, and gets its requests, until its turn has ended.

    FOLDER/0.http    → 0.7.http    the owner of place 0 is its seventh process
    FOLDER/0.6.http, FOLDER/0.6.asked    the sixth one still ends its turns
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from voice.types import CallId

STRAYS_S = 1800.0  # after a change, for as long as a call lives that nobody speaks on
KEY = "key"  # the file with what they sign with where no secret is set
MOVED = "moved"  # the file that is touched at every change


@dataclass(frozen=True)
class Siblings:
    """This process's place among `of` places. Alone, everything is its own."""

    place: int = 0
    of: int = 1
    generation: int = 1  # the how many-th process of this place
    folder: Path | None = None

    @property
    def http(self) -> Path:
        """Where this process takes what is handed on to it."""
        assert self.folder is not None
        return self.folder / f"{self.place}.{self.generation}.http"

    @property
    def asked(self) -> Path:
        """Where this process is asked to let go of calls."""
        return self.http.with_suffix(".asked")

    def line_of(self, call_id: CallId) -> Iterator[int]:
        """The places that take a call: its owner, then who stands in for it."""
        owner = crc32(call_id.encode(errors="surrogatepass")) % self.of
        return ((owner + step) % self.of for step in range(self.of))

    def owns(self, call_id: CallId) -> bool:
        return self.of == 1 or next(self.line_of(call_id)) == self.place

    def own_call_id(self) -> CallId:
        """An id for a call that no platform has named, such that this process owns it."""
        while not self.owns(call_id := CallId(f"call_{os.urandom(16).hex()}")):
            pass
        return call_id

    def door_of(self, place: int) -> Path:
        """The socket of whoever has this place now."""
        assert self.folder is not None
        return self.folder / f"{place}.http"

    def key(self) -> bytes:
        """What this server signs with where no secret of a platform is set; the same in all its processes."""
        return (self.folder / KEY).read_bytes() if self.folder else secrets.token_bytes(32)

    def take_place(self) -> None:
        """From now on what is handed on to this place comes here."""
        door = self.door_of(self.place)
        fresh = door.with_suffix(f".{self.generation}.next")
        with suppress(FileNotFoundError):
            fresh.unlink()
        fresh.symlink_to(self.http.name)
        fresh.replace(door)  # at once: at no instant is there none

    def has_place(self) -> bool:
        """Whether this process still is the one of its place; while it leaves, another is."""
        try:
            return self.folder is None or self.door_of(self.place).readlink().name == self.http.name
        except OSError:  # nobody has taken it yet
            return True

    def has_moved(self) -> None:
        """A place has changed hands: calls may be live where they do not belong."""
        assert self.folder is not None
        (self.folder / MOVED).touch()

    def may_stray(self) -> bool:
        """Whether a place has changed hands, so long ago that a call of that time may still live."""
        if self.folder is None:
            return False
        try:
            moved_on = (self.folder / MOVED).stat().st_mtime
        except OSError:
            return False
        return time.time() - moved_on < STRAYS_S


ALONE = Siblings()
