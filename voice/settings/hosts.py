"""Hosts as settings name them: neither URLs nor patterns."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def are_hosts(value: tuple[str, ...]) -> tuple[str, ...]:
    """The same hosts in small letters. Raises ValueError, which says what to write in place of a URL."""
    return tuple(_host(one) for one in value)


def _host(one: str) -> str:
    if HOST.fullmatch(one) or _is_address(one):
        return one.lower()
    if one.startswith(("*.", ".")) and HOST.fullmatch(bare := one.lstrip("*.")):
        raise ValueError(f"{one}: hosts below a host are meant, too: write {bare}")
    meant = _host_in(one)
    raise ValueError(f"{one} is no host" + (f": write {meant}" if meant else ", such as vapi.ai"))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _host_in(text: str) -> str | None:
    """The host of what was written as a URL, or with a port or a path."""
    try:
        return urlsplit(text if "://" in text else f"//{text}").hostname
    except ValueError:
        return None
