"""The one exception to what is asked: networks that a machine is in, for the Cairn that runs on it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_network

from cairn.servers.addresses import Network

NEAR_VARIABLE = "CAIRN_NEAR_SYMBOL_SERVERS"
"""Set by the template of the local run and by nothing else: a deployment has no such setting."""


def near_networks(environment: Mapping[str, str] = os.environ) -> tuple[Network, ...]:
    """The networks beside the public ones in which symbol servers may be. Raises ``ValueError`` for what is none."""
    return tuple(ip_network(text) for text in environment.get(NEAR_VARIABLE, "").split(",") if text)
