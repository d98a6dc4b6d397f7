"""Which control URLs may be asked: those on the platform's own hosts.

A control URL comes out of a message, and whoever writes the message would choose whom this server asks.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

from voice.types import CallId

log = logging.getLogger(__name__)

MAX_URL_CHARS = 500
MAX_HOST_CHARS = 100  # of one that is told in the log
NAME_HOST = "Name its host in OFFHOOK_VAPI_CONTROL_HOSTS."
ONLY_HTTPS = "Its host is listed: let the platform name a plain https URL there."
MAX_TOLD = 2_000  # refusals that are remembered; the oldest goes first


class ControlHosts:
    """The hosts that may be asked, and those that were not."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self._hosts = hosts
        self._told: dict[tuple[CallId, str], str] = {}  # and why

    def url_in(self, call_id: CallId, call: object, known: str | None = None) -> str | None:
        """The control URL that a `call` names, if it may be asked; `known` is one that may."""
        monitor = call.get("monitor") if isinstance(call, dict) else None
        # One sample of Vapi's documentation wraps the URL in angle brackets.
        url = str(monitor.get("controlUrl") or "").strip("<> ") if isinstance(monitor, dict) else ""
        if not url:
            return None
        if url == known or may_ask(url, self._hosts):
            return url
        self._tell_refused(call_id, url)
        return None

    def refused(self, call_id: CallId) -> str | None:
        """Why the URL that was named last for a call is not asked; None: none was refused."""
        return next((why for (one, _), why in reversed(self._told.items()) if one == call_id), None)

    def _tell_refused(self, call_id: CallId, url: str) -> None:
        """Say once for each call which host is not asked: the platform names it in every message."""
        host = _host_in(url)
        if (call_id, host) in self._told:
            return
        self._told[call_id, host] = _why_not(host[:MAX_HOST_CHARS], self._hosts)
        if len(self._told) > MAX_TOLD:
            del self._told[next(iter(self._told))]
        to_do = ONLY_HTTPS if _is_among(host, self._hosts) else NAME_HOST
        log.warning("vapi.control_url_refused", extra={"host": host[:MAX_HOST_CHARS], "to_do": to_do})


def may_ask(url: str, hosts: Sequence[str]) -> bool:
    """Whether a control URL names a host that is allowed, or one below it; http for this machine only."""
    if len(url) > MAX_URL_CHARS or not (url.isascii() and url.isprintable()) or set(url) & set("\\ "):
        return False
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").lower()
        is_plain = parts.username is None and parts.password is None and parts.port != 0
    except ValueError:
        return False
    if not is_plain or not _is_among(host, hosts):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))


def _is_among(host: str, hosts: Sequence[str]) -> bool:
    return any(host == one or host.endswith(f".{one}") for one in hosts if one)


def _why_not(host: str, hosts: Sequence[str]) -> str:
    if _is_among(host, hosts):
        return f"it is not a plain https URL at {host}."
    return f"its host {host!r} is not among {', '.join(hosts) or 'none'} (OFFHOOK_VAPI_CONTROL_HOSTS)."


def _host_in(url: str) -> str:
    """The host of whatever was sent as a URL; "": nobody can tell."""
    try:
        return urlsplit(url[:MAX_URL_CHARS]).hostname or ""
    except ValueError:
        return ""


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
