"""Server-sent events, as model hosts send them: bytes cut anywhere become JSON values.

Tolerant where hosts differ: `data:` with or without a space, every kind of line end, comments
that keep a connection alive, one JSON value over several lines, no blank line between two values.
"""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Callable
from typing import Final

import orjson

from voice.types import Json

MAX_TRIES: Final = 32  # lines of one value; of more, only a blank line tells the end: each try reads it all
DONE: Final = "[DONE]"  # given as it is; no host sends it as a JSON text


class DamagedEvent(ValueError):
    """An event that is not JSON. `before` are the values that were whole until then."""

    def __init__(self, before: list[Json]) -> None:
        super().__init__("an event is not JSON")
        self.before = before


class EventReader:
    """Reads one stream. Feed it every piece, then `end`."""

    __slots__ = ("_data", "_line", "_name", "_tries", "is_between")

    def __init__(self) -> None:
        self.is_between = True  # the next byte is the first of an event
        self._line: list[bytes] = []  # the beginning of a line whose end has not come
        self._data = bytearray()  # of an event that is not whole
        self._tries = 0  # to read it
        self._name = b""  # of the event, where the host gives one

    def feed(self, some: bytes) -> list[Json]:
        """The values that are whole now. Raises DamagedEvent."""
        if self._line:
            if b"\n" not in some and b"\r" not in some and not self._line[-1].endswith(b"\r"):
                self._line.append(some)  # put together once: a line may be long, and its pieces short
                return []
            some = b"".join((*self._line, some))
        if b"\r" in some:
            # A CR that is the last byte so far may be the half of CR LF: it stays for the next piece.
            kept = b"\r" if some.endswith(b"\r") else b""
            some = some.removesuffix(kept).replace(b"\r\n", b"\n").replace(b"\r", b"\n") + kept
        *lines, rest = some.split(b"\n")
        self._line = [rest] if rest else []
        values: list[Json] = []
        for line in lines:
            if not (self._data or self._name):
                if not line:
                    continue
                if line.startswith(b"data: {"):  # an event of its own, as nearly every line is
                    try:
                        values.append(orjson.loads(line[6:]))
                        continue
                    except orjson.JSONDecodeError:
                        pass  # it goes on in the next line, or is no JSON
                elif line == b"data: [DONE]":
                    values.append(DONE)
                    continue
            self._take(line.removeprefix(BOM_UTF8), values)
        self.is_between = not (rest or self._data or self._name)
        return values

    def end(self) -> list[Json]:
        """The last values, of a host that does not end its last line."""
        return self.feed(b"\n\n")

    def _take(self, line: bytes, values: list[Json]) -> None:
        if not line:
            if self._data:
                self._read(values, _anyhow)
            if self._data:
                raise DamagedEvent(values)
            self._name = b""
        elif line.startswith(b"data:"):
            self._data += line[5:].strip() + b"\n"
            self._tries += 1
            if self._tries <= MAX_TRIES:
                self._read(values, orjson.loads)
        elif line.startswith(b"event:"):
            self._name = line[6:].strip()

    def _read(self, values: list[Json], loads: Callable[[bytes], Json]) -> None:
        """Take the event, if it is whole."""
        data = bytes(self._data).strip()
        if data == DONE.encode():
            values.append(DONE)
        elif data:
            try:
                value = loads(data)
            except ValueError:
                return  # perhaps it goes on in the next line
            is_error = self._name == b"error" and not (isinstance(value, dict) and "error" in value)
            values.append({"error": value} if is_error else value)
        self._data.clear()
        self._tries = 0


def _anyhow(data: bytes) -> Json:
    """What orjson refuses and others take: half of a character, what is no number. Raises ValueError."""
    try:
        value = json.loads(data, parse_constant=lambda _: None)
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError as exc:
        raise ValueError("too deep") from exc
    whole: Json = json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return whole
