"""The server as the doctor sees it: where it is asked, how Twilio would spell that, and what signs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from handlers.twilio.signing import Address, Algorithm, sign, tail
from handlers.twilio.unsigned import VISIT
from voice.settings import Settings, secrets_in
from voice.simulate.twilio.socket import OpenSocket

CALLER, CALLED = "+12025550123", "+12025550199"


@dataclass(frozen=True, slots=True)
class Key:
    """What signs, and what Twilio's header says of it; nothing is signed without a secret."""

    secret: str | None = field(repr=False)
    algorithm: Algorithm = "HMAC_SHA1"
    named: str | None = None

    def headers(self, url: str, fields: list[tuple[str, str]]) -> dict[str, str]:
        if self.secret is None:
            return {}
        shown = {"X-Twilio-Signature": sign(self.secret, url + tail(fields), self.algorithm)}
        if self.named is not None:
            named = f"key={self.named},algorithm={self.algorithm}"
            shown["X-Twilio-Webhooks-Signature-Settings"] = named
        return shown


@dataclass(frozen=True, slots=True)
class Patient:
    """The server: where it is asked, and how Twilio would spell its URL."""

    http: httpx.AsyncClient
    base: str
    public: Address
    key: Key
    account: str
    sockets: OpenSocket
    call_id: str = field(default_factory=lambda: f"CA{uuid4().hex}")

    async def post(self, path: str, address: Address | None = None, **more: str) -> httpx.Response:
        """A webhook as Twilio would send it, signed for `address`."""
        fields = self._fields() | more
        headers = self.key.headers(str(address or self.at(path)), [*fields.items()])
        return await self.http.post(self.base + path, data=fields, headers=headers)

    def at(self, path: str) -> Address:
        return replace(self.public, target=self.public.target + path)

    def _fields(self) -> dict[str, str]:
        return {
            "CallSid": self.call_id,
            "AccountSid": self.account,
            "ApiVersion": "2010-04-01",
            "Direction": "inbound",
            "CallStatus": "ringing",
            "From": CALLER,
            "To": CALLED,
            "FromCity": "",
            VISIT: "1",
        }


def key_of(settings: Settings) -> Key:
    """The token that signs, or a shared key where there is none."""
    if token := next(iter(secrets_in(settings.twilio_auth_token)), None):
        return Key(token)
    if shared := next(iter(secrets_in(settings.twilio_shared_keys)), None):
        name, _, key = shared.partition(":")
        return Key(key, "HMAC_SHA256", name)
    return Key(None)


def address_of(url: str) -> Address:
    """A base URL in its parts; user and password are not signed."""
    parts = urlsplit(url)
    return Address(parts.scheme, parts.netloc.rpartition("@")[2], parts.path)


def spellings(patient: Patient, path: str, *also: str | None) -> Iterator[Address]:
    """Other URLs of the same door: scheme, host, port, slash, without the path's prefix.

    `also` are public URLs that the server may go by.
    """
    bases = [patient.public, address_of(patient.base), *(address_of(one) for one in also if one)]
    hosts = dict.fromkeys(one.host for one in bases)
    targets = dict.fromkeys((*(one.target + path for one in bases), path, f"{path}/"))
    known = {str(one) for one in patient.at(path).with_and_without_port()}
    for host in filter(None, hosts):
        for scheme in ("https", "http"):
            for target in targets:
                for one in Address(scheme, host, target).with_and_without_port():
                    if str(one) not in known:
                        known.add(str(one))
                        yield one
