"""Which network addresses the outside world has: a tool must not reach into the house it runs in."""

from __future__ import annotations

import ipaddress

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # an IPv4 address in IPv6 clothes
_GLOBAL = ipaddress.IPv6Network("2000::/3")  # all that has ever been given out to the public
# What the standard library of Python 3.11 still takes for public.
_SPECIAL_4 = tuple(ipaddress.IPv4Network(one) for one in ("192.0.0.0/24", "192.88.99.0/24"))
_SPECIAL_6 = tuple(ipaddress.IPv6Network(one) for one in ("2001::/23", "2001:db8::/32", "3fff::/20"))


def is_public(text: str) -> bool:
    """Whether an address, as the resolver gives it, belongs to the public internet.

    An IPv6 address that leads to an IPv4 one (mapped, NAT64, 6to4) is judged by that; Teredo is not public.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # with a scope ("fe80::1%eth0"), or none at all
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return _is_public_4(address)
    if (inner := _within(address)) is not None:
        return _is_public_4(inner)
    is_special = any(address in one for one in _SPECIAL_6)
    return address in _GLOBAL and address.is_global and not is_special


def _is_public_4(address: ipaddress.IPv4Address) -> bool:
    is_special = any(address in one for one in _SPECIAL_4)
    return address.is_global and not address.is_multicast and not is_special


def _within(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
