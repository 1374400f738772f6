"""The addresses that requests come from, also behind trusted proxies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog
from multidict import MultiMapping

from app.domain.client_address import (
    bucket_name,
    client_of,
    forwarded_for,
    forwarded_proto,
    hops,
    is_trusted,
    networks,
)
from app.settings import Settings

log: structlog.stdlib.BoundLogger = structlog.get_logger()

#: The headers by the setting that chooses them. A proxy writes one of them and passes the other on
#: as the client wrote it, so only one may be believed.
HEADERS: Final = {"x-forwarded-for": "X-Forwarded-For", "forwarded": "Forwarded"}


_PROTO: Final = "X-Forwarded-Proto"


class ClientAddresses:
    """Tells clients apart by address."""

    def __init__(self, settings: Settings) -> None:
        self._proxies = networks(settings.proxies)
        #: The header that names the client.
        self.header = HEADERS[settings.proxy_header]
        self._told = False

    def is_proxy(self, peer: str) -> bool:
        """Whether a trusted proxy is connected."""
        return is_trusted(peer, self._proxies)

    def is_secure(self, peer: str, headers: MultiMapping[str]) -> bool:
        """Whether the client spoke TLS with the trusted proxy that is connected."""
        if not self.is_proxy(peer):
            return False
        if self.header == HEADERS["forwarded"]:
            return forwarded_proto(",".join(headers.getall(self.header, ()))) == "https"
        given = headers.getall(_PROTO, ("",))
        return given[-1].rpartition(",")[2].strip().lower() == "https"

    def owner(self, peer: str, given: Sequence[str]) -> str:
        """The name of the client's bucket; `given` are the lines of the header, in their order."""
        if not given:
            return bucket_name(peer)
        if not self.is_proxy(peer):
            self._tell_once(peer)
            return bucket_name(peer)
        text = ",".join(given)
        chain = hops(text) if self.header == HEADERS["x-forwarded-for"] else forwarded_for(text)
        return bucket_name(client_of(peer, chain, self._proxies))

    def _tell_once(self, peer: str) -> None:
        """Log that a proxy may have been forgotten; or a client has written the header itself."""
        if not self._told:
            self._told = True
            log.warning(
                "if this is a proxy of yours, its clients count as one address: PARLEY_PROXIES",
                address=peer,
                header=self.header,
            )
