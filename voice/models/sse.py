"""Server-sent events, as model hosts send them: bytes cut anywhere become JSON values.

Tolerant where hosts differ: `data:` with or without a space, every kind of line end, comments
that keep a connection alive, one JSON value over several lines, no blank line between two values.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import Final

import orjson

from voice.types import Json

DONE: Final = "[DONE]"  # given as it is; no host sends it as a JSON text


class DamagedEvent(ValueError):
    """An event that is not JSON. `before` are the values that were whole until then."""

    def __init__(self, before: list[Json]) -> None:
        super().__init__("an event is not JSON")
        self.before = before


class EventReader:
    """Reads one stream. Feed it every piece, then `end`."""

    def __init__(self) -> None:
        self._line = b""  # the beginning of a line whose end has not come
        self._data = b""  # of an event that is not whole
        self._name = b""  # of the event, where the host gives one

    def feed(self, some: bytes) -> list[Json]:
        """The values that are whole now. Raises DamagedEvent."""
        some = self._line + some
        if b"\r" in some:
            # A CR that is the last byte so far may be the half of CR LF: it stays for the next piece.
            kept = b"\r" if some.endswith(b"\r") else b""
            some = some.removesuffix(kept).replace(b"\r\n", b"\n").replace(b"\r", b"\n") + kept
        *lines, self._line = some.split(b"\n")
        values: list[Json] = []
        for line in lines:
            self._take(line.removeprefix(BOM_UTF8), values)
        return values

    def end(self) -> list[Json]:
        """The last values, of a host that does not end its last line."""
        return self.feed(b"\n\n")

    def _take(self, line: bytes, values: list[Json]) -> None:
        if not line:
            if self._data:
                raise DamagedEvent(values)
            self._name = b""
        elif line.startswith(b"data:"):
            self._data += line[5:].strip() + b"\n"
            self._try(values)
        elif line.startswith(b"event:"):
            self._name = line[6:].strip()

    def _try(self, values: list[Json]) -> None:
        data = self._data.strip()
        if data == DONE.encode():
            values.append(DONE)
        elif data:
            try:
                value: Json = orjson.loads(data)
            except orjson.JSONDecodeError:
                return  # perhaps it goes on in the next line
            is_error = self._name == b"error" and not (isinstance(value, dict) and "error" in value)
            values.append({"error": value} if is_error else value)
        self._data = b""
