"""Finding free ports, and ports that a server listens on."""

from __future__ import annotations

import asyncio
import random
import socket

from app.runtime.addresses import ANY_IPV6, bound_to_any

#: Below the range of outgoing connections on Linux and macOS, so that no client takes the port
#: between the check and the start of the server.
_LOWEST, _HIGHEST = 15_000, 30_000

#: Its own: with the seed of a test, two processes at once would be given the same ports.
_random = random.SystemRandom()


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on the port."""
    try:
        if host == ANY_IPV6:
            bound_to_any(port).close()
            return True
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port that is free on 127.0.0.1, from a range that is rarely used."""
    while True:
        port = _random.randrange(_LOWEST, _HIGHEST)
        if is_free(port):
            return port


async def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server accepts connections on the port."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True
