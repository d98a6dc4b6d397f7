"""What Twilio signs, and how: the URL it asked for, then each distinct field, sorted.

Written out here rather than taken from Twilio's library, which fails where it must not: it knows no
port 443 for `wss`, cuts IPv6 hosts in half, and raises on what it does not expect. The tests hold both
side by side wherever the library is right.

The scheme puts no mark between a field's name, its value and the next name, so a letter that
moves over such a border is not noticed. That is Twilio's; over https nobody is in between.

Source: Twilio's "Security" and "Webhook shared keys" pages, `twilio.request_validator` 9.13.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

Algorithm = Literal["HMAC_SHA1", "HMAC_SHA256"]
HASHES: dict[Algorithm, str] = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
PORTS = {"https": "443", "wss": "443", "http": "80", "ws": "80"}


@dataclass(frozen=True, slots=True)
class Address:
    """A URL as it was asked for. `host` may carry a port; `target` is path and query as they were written."""

    scheme: str
    host: str
    target: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}{self.target}"

    def with_and_without_port(self) -> Iterator[Address]:
        """Twilio signs https without the port, http with it, and does not promise either."""
        name, _, port = self.host.rpartition(":")
        if name and port.isascii() and port.isdigit():
            yield from (self, replace(self, host=name))
        else:
            yield from (self, replace(self, host=f"{self.host}:{PORTS[self.scheme]}"))

    def with_and_without_slash(self) -> Iterator[Address]:
        """Twilio advises to try both where a WebSocket is opened."""
        path, mark, query = self.target.partition("?")
        other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
        yield from (self, replace(self, target=f"{other}{mark}{query}"))


def tail(fields: Iterable[tuple[str, str]]) -> str:
    """What follows the URL: every distinct field, by code point; blanks count."""
    return "".join(name + value for name, value in sorted(set(fields)))


def sign(key: str, text: str, algorithm: Algorithm = "HMAC_SHA1") -> str:
    """The signature of a URL with its fields: base64, as it stands in the header."""
    raw = hmac.digest(key.encode("utf-8", "replace"), text.encode("utf-8", "replace"), HASHES[algorithm])
    return base64.b64encode(raw).decode("ascii")


def is_signed(shown: str, keys: Iterable[str], texts: Iterable[str], algorithm: Algorithm) -> bool:
    """Whether one of the keys has signed one of the texts. Every pair is compared: time tells nothing."""
    given, texts = shown.encode("latin-1", "replace"), tuple(texts)
    made = (sign(key, text, algorithm).encode() for key in keys for text in texts)
    return sum(hmac.compare_digest(one, given) for one in made) > 0
