"""Which addresses a symbol server may have."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

import pytest

from cairn.servers.addresses import MOST, addresses_of
from cairn.symbols.sources.records import FetchError, FetchStatus


def leading_to(*addresses: str) -> Any:
    """A look-up of names that always finds these."""

    def resolve(_host: str, port: int, **_: Any) -> Sequence[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "192.0.0.8",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:a00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2001:0:5ef5:79fb::1",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%lo",
        "fec0::1",
        "ff02::1",
        "100::1",
    ],
)
def test_what_is_inside_is_refused(address: str) -> None:
    with pytest.raises(FetchError, match="no public address") as refusal:
        addresses_of("symbols.example", 443, resolve=leading_to(address))
    assert refusal.value.status is FetchStatus.REFUSED


def test_what_is_outside_is_called_by_its_address_and_ipv4_first() -> None:
    found = leading_to("2600:9000::1", "93.184.215.14", "::ffff:8.8.8.8", "93.184.215.14")
    assert addresses_of("symbols.example", 443, resolve=found) == ["93.184.215.14", "2600:9000::1", "::ffff:808:808"]


def test_one_address_inside_spoils_the_name() -> None:
    with pytest.raises(FetchError, match=r"10\.0\.0\.1"):
        addresses_of("symbols.example", 443, resolve=leading_to("93.184.215.14", "10.0.0.1"))


def test_what_is_near_must_be_said_to_be() -> None:
    near = [ip_network("127.0.0.0/8")]
    assert addresses_of("here", 80, near, leading_to("127.0.0.1")) == ["127.0.0.1"]
    with pytest.raises(FetchError):
        addresses_of("here", 80, near, leading_to("10.0.0.1"))


@pytest.mark.parametrize("host", ["localhost", "127.1", "0x7f000001", "2130706433", "017700000001", "::1"])
def test_other_spellings_of_this_machine_are_this_machine(host: str) -> None:
    with pytest.raises(FetchError) as refusal:
        addresses_of(host, 80)
    assert refusal.value.status in (FetchStatus.REFUSED, FetchStatus.FAILED), "FAILED where there is no IPv6"


@pytest.mark.parametrize("host", ["nobody.invalid", "", "a" * 300, ".."])
def test_a_name_that_is_not_known_is_a_failure(host: str) -> None:
    def unknown(name: str, port: int, **_: Any) -> Sequence[tuple[Any, ...]]:
        if name == "nobody.invalid":
            raise socket.gaierror(-2, "Name or service not known")
        return socket.getaddrinfo(name or "a..b", port)

    with pytest.raises(FetchError) as failure:
        addresses_of(host, 80, resolve=unknown)
    assert failure.value.status is FetchStatus.FAILED


def test_few_of_many_addresses_are_tried() -> None:
    many = [f"93.184.215.{number}" for number in range(100)]
    assert len(addresses_of("symbols.example", 443, resolve=leading_to(*many))) == MOST
