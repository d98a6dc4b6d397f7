"""Under which URL was a request made? What stands on the wire tells only what the last proxy asked for."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from handlers.twilio.signing import Address
from voice.settings import Settings

SECURE = {"https": "wss", "wss": "wss", "http": "ws", "ws": "ws"}  # the socket's scheme for a page's


def signed_url(asked: HTTPConnection, settings: Settings) -> Address:
    """The URL as the platform requested it, which is what it has signed.

    The public URL says how it begins. Without one the request's own host counts, or what a listed proxy
    forwards: from anybody else a forwarded host would let a signature pass that was made for another
    site. User and password are dropped, as before signing.
    """
    scope = asked.scope
    if settings.public_url is not None:
        scheme, host, before = _parts(settings.public_url)
        return Address(scheme, host, before + raw_target(asked))
    host, scheme = asked.headers.get("host", ""), str(scope.get("scheme", "http"))
    if _is_trusted(scope.get("client"), settings.trusted_proxies):
        host = forwarded(asked, "x-forwarded-host") or host
        scheme = forwarded(asked, "x-forwarded-proto").lower() or scheme
    return Address(scheme if scheme in SECURE else "http", host, raw_target(asked))


def raw_target(asked: HTTPConnection) -> str:
    """Path and query as they stand on the wire, not decoded."""
    raw_path: bytes = asked.scope.get("raw_path") or asked.url.path.encode()
    query: bytes = asked.scope.get("query_string", b"")
    return (raw_path + b"?" + query if query else raw_path).decode("latin-1")


def forwarded(asked: HTTPConnection, name: str) -> str:
    """The first entry of a forwarded header: what the outermost proxy was asked."""
    return asked.headers.get(name, "").partition(",")[0].strip()


@lru_cache(maxsize=4)
def _parts(public_url: str) -> tuple[str, str, str]:
    """Scheme, host with port, and path of the public URL."""
    parts = urlsplit(public_url)
    return parts.scheme, parts.netloc.rpartition("@")[2], parts.path


def _is_trusted(client: tuple[str, int] | None, proxies: tuple[str, ...]) -> bool:
    """Whether the peer is one of our proxies."""
    if client is None or not proxies:
        return False
    try:
        peer = ip_address(client[0].partition("%")[0])
    except ValueError:
        return False
    peer = getattr(peer, "ipv4_mapped", None) or peer
    return any(peer in ip_network(one, strict=False) for one in proxies)
