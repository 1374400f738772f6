"""The deployment as a worker's agents know it: followed once for each process."""

from __future__ import annotations

from typing import Any

from app.deployment.topic import PARTITION
from app.domain.deployment import Deployment, deployment_of
from app.errors import Malformed
from app.events import AnyBeginning, decode_beginning
from app.kafka.broadcast_reader import BroadcastReader
from app.settings import Settings
from app.topics import DEPLOYMENT


class FollowedDeployment:
    """`now` is the deployment according to all that has been read."""

    def __init__(self, settings: Settings) -> None:
        self.now = Deployment()
        self._beginnings: list[AnyBeginning] = []
        self._reader = BroadcastReader(settings, [DEPLOYMENT], self._take)

    async def start(self) -> None:
        """Return when every record has been read that Kafka had at the time of the call."""
        await self._reader.start()

    def _take(self, record: Any) -> None:
        if record.partition != PARTITION:
            return
        try:
            self._beginnings.append(decode_beginning(record.value))
        except Malformed:
            return  # of a later release; other readers have logged it
        self.now = deployment_of(self._beginnings)


_shared: dict[str, FollowedDeployment] = {}


async def followed_deployment(settings: Settings) -> FollowedDeployment:
    """The deployment, followed once for all agents of this process."""
    known = _shared.get(settings.broker)
    if known is None:
        known = FollowedDeployment(settings)
        await known.start()
        known = _shared.setdefault(settings.broker, known)
    return known
