"""Where requests to URLs of others may go: to public addresses, and to hosts that are allowed.

The name of a host may stand for an address of the inner network, and for another one a second
later. So addresses are checked where a connection is made, and the connection goes to the very
address that was checked.
"""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from typing import Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

#: An IPv4 address within an IPv6 address (RFC 6052): a gateway sends there.
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

#: Numbers that systems resolve as IPv4 addresses, such as 2130706433, 0x7f.1 and 0177.0.0.1.
_NUMBER: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?", re.ASCII)

#: The most characters of a URL.
_LONGEST: Final = 2_000

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AddressForbidden(OSError):
    """The host's address is none that requests may go to."""


class OutsideAddresses:
    """The addresses to which requests may go, with further hosts and networks by comma."""

    def __init__(self, allowed: str = "") -> None:
        self._hosts: set[str] = set()
        self._networks: list[Network] = []
        for one in filter(None, map(str.strip, allowed.split(","))):
            try:
                self._networks.append(ipaddress.ip_network(one, strict=False))
            except ValueError:
                self._hosts.add(one.lower())

    def flaw(self, url: str) -> str | None:
        """Why no request may go to a URL, as far as its text tells; `None`: it may."""
        if len(url) > _LONGEST:
            return f"a URL has at most {_LONGEST} characters"
        if not url.isascii() or not url.isprintable() or " " in url:
            return "a URL has visible ASCII characters alone"
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            return "this is no URL"
        if parts.scheme not in {"http", "https"} or not host:
            return "a URL begins with https:// or http:// and has a host"
        if parts.username is not None or parts.password is not None:
            return "a URL has no user and password: requests are signed"
        if port == 0:
            return "there is no port 0"
        address = _address(host)
        if address is None and _NUMBER.fullmatch(host):
            return f"{host} is no host: an IPv4 address is four numbers of 0 to 255"
        if address is not None and not self.may(host, address):
            return (
                f"requests do not go to {host}: it is no public address, and none that"
                " PARLEY_WEBHOOK_HOSTS allows"
            )
        return None

    def may(self, host: str, address: Address) -> bool:
        """Whether requests to the host may go to this address of it."""
        if host.lower() in self._hosts:
            return True
        inner = _inner(address)
        if any(one in network for one in (address, inner) for network in self._networks):
            return True
        return inner.is_global and not inner.is_multicast


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, or else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


class CheckedResolver(AbstractResolver):
    """Resolves hosts to those of their addresses to which requests may go.

    An address that stands in a URL itself is not resolved: `OutsideAddresses.flaw` tells of it.
    """

    def __init__(self, addresses: OutsideAddresses) -> None:
        self._addresses = addresses
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The allowed addresses; raises `AddressForbidden` where there is none."""
        found = await self._resolver.resolve(host, port, family)
        allowed = [
            one
            for one in found
            if self._addresses.may(host, ipaddress.ip_address(one["host"].partition("%")[0]))
        ]
        if found and not allowed:
            why = f"requests do not go to {host}: it has no public address"
            raise AddressForbidden(errno.EACCES, why)
        return allowed

    async def close(self) -> None:
        """Close the resolver."""
        await self._resolver.close()
