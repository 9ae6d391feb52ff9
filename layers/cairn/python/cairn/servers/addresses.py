"""From the name of a server to the address that is called: looked up once, and checked before anything is sent.

A symbol server is on the internet. What a name or a redirect leads to inside (loopback, private networks, the metadata
services of clouds) is not called, so that nobody can look around there through Cairn.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from ipaddress import IPv4Network as Network4
from ipaddress import IPv6Network as Network6
from typing import Any, TypeAlias

from cairn.symbols.sources.records import FetchError, FetchStatus

Network: TypeAlias = Network4 | Network6
Resolve: TypeAlias = Callable[..., Sequence[tuple[Any, ...]]]

MOST = 4
"""Addresses of a name that are tried."""

GLOBAL_UNICAST = Network6("2000::/3")
PROTOCOLS = (Network4("192.0.0.0/24"), Network4("192.88.99.0/24"), Network6("2001::/23"), Network6("2002::/16"))
"""Set apart for protocols and tunnels (IANA's special-purpose registries). Versions of Python differ in what of these
they call global."""


def addresses_of(
    host: str, port: int, near: Sequence[Network] = (), resolve: Resolve = socket.getaddrinfo
) -> list[str]:
    """The addresses of a host, those of IPv4 first, since functions reach no others as a rule.

    All must be public, or in one of the networks ``near``: a name that leads outside and inside is up to no good.
    Raises ``FetchError``: ``refused``, or ``failed`` for a name that is not known.
    """
    try:
        found = [ip_address(entry[4][0]) for entry in resolve(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError, ValueError) as error:
        raise FetchError(FetchStatus.FAILED, f"the name {host} leads nowhere: {error}") from error
    for address in found:
        if not is_public(address) and not any(address in network for network in near):
            raise FetchError(FetchStatus.REFUSED, f"{host} is {address}, which is no public address")
    ordered = sorted(dict.fromkeys(found), key=lambda address: address.version)
    return [str(address) for address in ordered[:MOST]]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the internet. Those of IPv6 that stand for one of IPv4 are taken as that, and the
    tunnels 6to4 and Teredo, which could lead anywhere, are none."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return is_public(address.ipv4_mapped)
    if any(address in network for network in PROTOCOLS):
        return False
    if isinstance(address, IPv6Address):
        return address.is_global and address in GLOBAL_UNICAST
    return address.is_global and not address.is_multicast and not address.is_reserved
