"""The address of a client behind proxies, from the header that trusted proxies write.

A header can be trusted from its end alone: each proxy appends the address that it saw, and what a
client wrote itself stands before that. So the client's address is the last one that is no trusted
proxy's (RFC 7239, section 8.1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: Bits of an IPv6 address that count: a customer has a /64 at least, and may use all of it.
_IPV6_PREFIX: Final = 64

#: Characters of a header that are read, from its end.
_LONGEST: Final = 2048

_PAIR: Final = re.compile(r'\s*([A-Za-z0-9-]+)=("(?:[^"\\]|\\.)*"|[^";,\s]*)\s*')


def networks(text: str) -> tuple[Network, ...]:
    """Networks and addresses, separated by commas. Raises `ValueError`."""
    return tuple(ip_network(one.strip(), strict=False) for one in text.split(",") if one.strip())


def parse(text: str) -> Address | None:
    """An address, perhaps in brackets, with a port or a zone; `None` where it is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


@lru_cache(4096)
def bucket_name(address: str) -> str:
    """The name under which an address is limited: itself, or the /64 of an IPv6 address."""
    found = parse(address)
    if found is None:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    return str(IPv6Network((found, _IPV6_PREFIX), strict=False).network_address) + "/64"


def forwarded_for(header: str) -> list[str]:
    """The `for` of each element of a `Forwarded` header (RFC 7239); empty where one has none.

    Commas in quotes divide, too: no address has one, and a quote that a client has opened must not
    hide what the proxies wrote behind it.
    """
    return [_value(element, "for") for element in header[-_LONGEST:].split(",")]


def client_of(peer: str, chain: Sequence[str], trusted: Sequence[Network]) -> str:
    """The client's address, where `peer` is connected and `chain` is what the header lists.

    Where something in the chain is no address, the last trusted proxy before it is the client:
    nobody can say more.
    """
    client = peer
    for hop in reversed(chain):
        if not is_trusted(client, trusted):
            break
        found = parse(hop)
        if found is None:
            break
        client = str(found)
    return client


@lru_cache(4096)
def _is_trusted(address: str, trusted: tuple[Network, ...]) -> bool:
    found = parse(address)
    return found is not None and any(found in one for one in trusted)


def is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    """Whether the address is one of a trusted proxy."""
    return bool(trusted) and _is_trusted(address, tuple(trusted))


def hops(header: str) -> list[str]:
    """The addresses of an `X-Forwarded-For` header."""
    return header[-_LONGEST:].split(",")


def forwarded_proto(header: str) -> str:
    """The `proto` of the last element of a `Forwarded` header: how the last proxy was asked."""
    return _value(header[-_LONGEST:].rpartition(",")[2], "proto").lower()


def _value(element: str, wanted: str) -> str:
    for name, value in _PAIR.findall(element):
        if name.lower() == wanted:
            return str(value)
    return ""
