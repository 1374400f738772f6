"""Refusals: replies by which Valkey turns a command down that it may take later.

The codes stand here alone. Both clients of Valkey raise `Refused` for them, which is one of the
errors that `app/runtime/retry.py` lists as away.
"""

from __future__ import annotations

from typing import Any, Final

from redis.asyncio.connection import DefaultParser
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import ExecAbortError

from app.errors import Unreachable

#: The code with which the reply begins, and when Valkey sends it.
REFUSALS: Final = {
    "BUSY": "a script or function of another client runs for too long",
    "CLUSTERDOWN": "the cluster has no owner of a slot",
    "LOADING": "the data are being loaded at the start",
    "MASTERDOWN": "the link of a replica to its primary is down",
    "MISCONF": "the disk can't be written, and writes are stopped",
    "NOREPLICAS": "too few replicas are connected for a write",
    "OOM": "the memory limit is reached",
    "READONLY": "the server is a replica, perhaps since a moment ago",
    "TRYAGAIN": "a slot of the cluster is being moved",
    "UNBLOCKED": "the server has changed its role",
}

#: How a transaction says which refusal it is about.
_BECAUSE: Final = "because of: "


class Refused(ConnectionLost, Unreachable):
    """Valkey is there, and does not take the command now.

    For redis-py it is a lost connection, so the connection is not used again: behind the same
    address a new one may reach the server that has taken over.
    """


def refusal(reply: str) -> Refused | None:
    """The error for a refusal; `None` for a reply that means a mistake."""
    code = reply.split(" ", 1)[0]
    if code == "EXECABORT" and _BECAUSE in reply:
        return refusal(reply.split(_BECAUSE, 1)[1])
    return Refused(f"Valkey: {reply}") if code in REFUSALS else None


class RefusingParser(DefaultParser):  # type: ignore[misc, valid-type]
    """redis-py's parser, which has types of their own for some refusals and none for others."""

    @classmethod
    def parse_error(cls, response: str) -> Any:
        """The exception for an error reply."""
        code = response.split(" ", 1)[0]
        if (refused := refusal(response)) is not None:
            return refused
        found = super().parse_error(response)
        # The text behind the code is all that a plain `ExecAbortError` keeps.
        return ExecAbortError(response) if code == "EXECABORT" else found
