"""`chat.deployment`: the deployment's identity, and what has begun anew since it was made."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.json import Decoder

from app.events.codec import Natural, decoded


class DeploymentMade(Struct, frozen=True, kw_only=True, tag="deployment.made", tag_field="kind"):
    """The deployment got its id, by which its cursors are known in every Kafka cluster."""

    id: str
    at_ms: Natural


class EpochBegun(Struct, frozen=True, kw_only=True, tag="epoch.begun", tag_field="kind"):
    """A partition of `chat.log` began an epoch: `start` is the first `pos` in it.

    What an earlier epoch had at `start` and beyond is no part of the log any more.
    """

    partition: Natural
    epoch: Natural
    start: Natural
    at_ms: Natural
    why: str


class OriginBegun(Struct, frozen=True, kw_only=True, tag="origin.begun", tag_field="kind"):
    """A partition of a topic is another than it was: its offsets have a new origin.

    The records from offset `start` on are of this origin.
    """

    topic: str
    partition: Natural
    origin: Natural
    start: Natural
    at_ms: Natural
    why: str


class DeploymentMoved(Struct, frozen=True, kw_only=True, tag="deployment.moved", tag_field="kind"):
    """The deployment goes on in another Kafka cluster, at the broker `to`, and no more in this."""

    to: str
    at_ms: Natural


class DeploymentKept(Struct, frozen=True, kw_only=True, tag="deployment.kept", tag_field="kind"):
    """The move was given up: the deployment goes on in this cluster."""

    at_ms: Natural


class HomesGiven(Struct, frozen=True, kw_only=True, tag="homes.given", tag_field="kind"):
    """Each partition of the log got its home: the name of the region that orders its rooms."""

    homes: tuple[str, ...]
    at_ms: Natural


class KeysDerived(Struct, frozen=True, kw_only=True, tag="keys.derived", tag_field="kind"):
    """Edges that start at `from_ms` or later sign with a key for each purpose.

    Until then they sign in the first form: edges of earlier versions may run beside them.
    """

    from_ms: Natural


AnyBeginning = (
    DeploymentMade
    | EpochBegun
    | OriginBegun
    | DeploymentMoved
    | DeploymentKept
    | HomesGiven
    | KeysDerived
)

_beginnings: Final[Decoder[AnyBeginning]] = Decoder(AnyBeginning)


def decode_beginning(value: bytes | None) -> AnyBeginning:
    """A `chat.deployment` record; raises `Malformed` with the reason."""
    return decoded(_beginnings, value)
