"""Where `offhook doctor vapi` finds Vapi's doors, from whichever URL somebody pastes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from voice.agents.vapi_assistant import vapi_door
from voice.cli.checks import Check
from voice.cli.doors import SHOWN, UNSIGNED, refuses_turns
from voice.cli.vapi.stream import PATH
from voice.settings import Settings, secrets_in

WEBHOOK = re.compile(r"/webhook/?(\?.*)?$")  # people paste the one URL or the other
HIDDEN = "…"  # in place of what may be a key


def door_at(url: str | None, settings: Settings) -> tuple[str | None, list[Check]]:
    """The door at `url`, or at this machine's server, without anything behind it; and what is wrong with it.

    None: there is nothing that can be called.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)
    base = WEBHOOK.sub("", url or f"http://{host}:{settings.port}").rstrip("/")
    checks = list(_checks(base, settings))
    if url is not None and WEBHOOK.search(url) and _parts(base) is not None:
        says = "this is the server's URL; as the model's URL it would be wrong: that ends without /webhook"
        checks.append(Check("url", "ok", says))
    parts = _parts(base)
    if parts is None:
        return None, checks
    door = parts._replace(query="", fragment="").geturl().rstrip("/").removesuffix("/chat/completions")
    if urlsplit(door).path.strip("/"):
        return door, checks
    keys = () if secrets_in(settings.vapi_secret) else secrets_in(settings.vapi_path_key)
    return vapi_door(door, next(iter(keys), None)), checks


def with_key(door: str, key: str) -> str:
    """The same door with another part behind /vapi, where a key may stand."""
    parts = urlsplit(door)
    before, vapi, behind = parts.path.partition("/vapi/")
    return parts._replace(path=f"{before}{vapi}{key}").geturl() if behind else door


def shown_door(door: str) -> str:
    """A door for a reader: no key in its path, no password."""
    parts = urlsplit(with_key(door, HIDDEN))
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _checks(base: str, settings: Settings) -> Iterator[Check]:
    parts = _parts(base)
    if parts is None:
        bare = base.partition("?")[0].rpartition("@")[2]  # no password, no key
        yield Check("url", "broken", f"{bare!r} is no URL", "write https://voice.example.com")
        return
    if parts.path.endswith("/chat/completions"):
        yield Check("url", "warn", "Vapi would double this path", PATH)
    if parts.query:
        yield Check("url", "broken", "Vapi appends /chat/completions behind the query", "a key in the path")
    if refuses_turns(settings):
        yield Check("model door", "broken", UNSIGNED, f"set {SHOWN}")
    shown = (settings.vapi_secret, settings.vapi_path_key)
    if settings.guards_vapi and not any(secrets_in(one) for one in shown):
        says = "requests must be signed (HMAC) or bring a token, and the doctor has neither"
        yield Check("secret", "warn", says, "set VAPI_SECRET for the time of the visit")


def _parts(url: str) -> SplitResult | None:
    """The parts of a URL that can be called; None: it is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError for one that is no number
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None
