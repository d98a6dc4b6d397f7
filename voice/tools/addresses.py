"""Which network addresses the outside world has: a tool must not reach into the house it runs in."""

from __future__ import annotations

import ipaddress

_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # an IPv4 address in IPv6 clothes
# What the standard library of Python 3.11 still takes for public.
_SPECIAL = tuple(
    ipaddress.ip_network(one) for one in ("192.0.0.0/24", "192.88.99.0/24", "2002::/16", "2001::/23")
)


def is_public(text: str) -> bool:
    """Whether an address, as the resolver gives it, belongs to the public internet.

    An IPv6 address that leads to an IPv4 one is judged by that; tunnels (6to4, Teredo) are not public.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # with a scope ("fe80::1%eth0"), or none at all
        return False
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(str(address.ipv4_mapped))
        if address in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
    is_special = any(address in one for one in _SPECIAL if one.version == address.version)
    return address.is_global and not address.is_multicast and not is_special
