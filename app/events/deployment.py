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


class EpochBegun(
    Struct, frozen=True, kw_only=True, omit_defaults=True, tag="epoch.begun", tag_field="kind"
):
    """A partition of `chat.log` began an epoch: `start` is the first `pos` in it.

    What an earlier epoch had at `start` and beyond is no part of the log any more. In a deployment
    of several regions `home` is the region that began it, which is the partition's home from then
    on, `after` the epoch that it follows, and `origin` that of the home's commands. `lost` is the
    region that it took the partition from; empty: the log has lost its end.
    """

    partition: Natural
    epoch: Natural
    start: Natural
    at_ms: Natural
    why: str
    home: str = ""
    after: Natural = 0
    origin: Natural = 0
    lost: str = ""


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
    """Each partition of the log got its home: the name of the region that orders its rooms.

    `regions` are all regions in their order, from which the numbers of their epochs follow. A
    record of an earlier release has none.
    """

    homes: tuple[str, ...]
    at_ms: Natural
    regions: tuple[str, ...] = ()


class HomeWanted(Struct, frozen=True, kw_only=True, tag="home.wanted", tag_field="kind"):
    """A person wants a partition to be at home in the region `to`.

    The present home then leaves it. With `lost` the present home is that region, which is lost:
    `to` takes the partition over, and begins an epoch. `epoch` and `term` are those of the present
    home: after another change of it the wish is void.
    """

    partition: Natural
    to: str
    epoch: Natural
    term: Natural
    at_ms: Natural
    lost: str = ""


class HomeLeft(Struct, frozen=True, kw_only=True, tag="home.left", tag_field="kind"):
    """The region `by` writes no more events of a partition: `start` is the first `pos` of `to`.

    `term` counts the changes of the home within an epoch; `origin` is that of the last commands.
    """

    partition: Natural
    by: str
    to: str
    epoch: Natural
    term: Natural
    start: Natural
    origin: Natural
    at_ms: Natural


class HomeTaken(Struct, frozen=True, kw_only=True, tag="home.taken", tag_field="kind"):
    """The region `by` has every event of a partition below `start`, and writes the next ones."""

    partition: Natural
    by: str
    epoch: Natural
    term: Natural
    start: Natural
    origin: Natural
    at_ms: Natural


class TailDropped(Struct, frozen=True, kw_only=True, tag="tail.dropped", tag_field="kind"):
    """A person gave up what `region` has of a partition beyond the start of `epoch`."""

    partition: Natural
    region: str
    epoch: Natural
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
    | HomeWanted
    | HomeLeft
    | HomeTaken
    | TailDropped
    | KeysDerived
)

_beginnings: Final[Decoder[AnyBeginning]] = Decoder(AnyBeginning)


def decode_beginning(value: bytes | None) -> AnyBeginning:
    """A `chat.deployment` record; raises `Malformed` with the reason."""
    return decoded(_beginnings, value)
