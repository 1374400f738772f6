"""Addresses of servers: in URLs, and to listen on."""

from __future__ import annotations

import socket
from typing import Final

#: All addresses of a machine, those of IPv4 among them.
ANY_IPV6: Final = "::"
_ANY: Final = frozenset({"0.0.0.0", ANY_IPV6, ""})


def url_of(host: str, port: int) -> str:
    """The URL of a server that listens on a host; an IPv6 address is in brackets."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def local_url(host: str, port: int) -> str:
    """The URL, for clients on this machine, of a server that may listen on all addresses."""
    return url_of("127.0.0.1" if host in _ANY else host, port)


def bound_to_any(port: int, *, shared: bool = False) -> socket.socket:
    """A socket that is bound to all addresses, of IPv6 and of IPv4.

    asyncio would bind `::` for IPv6 alone. `shared`: other processes may listen on the port, too.
    Raises `OSError` where the port is taken.
    """
    found = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        found.bind((ANY_IPV6, port))
    except OSError:
        found.close()
        raise
    return found
