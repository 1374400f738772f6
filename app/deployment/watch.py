"""Noticing that the log has begun an epoch, and that the deployment has moved."""

from __future__ import annotations

from collections.abc import Callable

from app.deployment.followed import FollowedDeployment
from app.deployment.preparation import moved_away
from app.domain.deployment import Deployment
from app.settings import Settings
from app.topics import LOG


class DeploymentWatch:
    """Follows `chat.deployment`, and calls `changed` with what a process can't go on after.

    That is that the deployment has moved to another cluster, or that the log has begun an epoch
    with which the process can't go on: `adopt` gets each new state, and says whether it can.
    """

    def __init__(
        self,
        settings: Settings,
        known: Deployment,
        changed: Callable[[str], None],
        *,
        adopt: Callable[[Deployment], bool] = lambda _: True,
    ) -> None:
        self._known = known
        self._changed = changed
        self._adopt = adopt
        self._followed = FollowedDeployment(settings, self._look)

    async def start(self) -> None:
        """Begin to follow the topic."""
        await self._followed.start()

    async def stop(self) -> None:
        """Stop following."""
        await self._followed.stop()

    def _look(self) -> None:
        now = self._followed.now
        if now.moved_to:
            self._changed(moved_away(now.moved_to))
        elif self._adopt(now):
            self._known = now
        elif len(now.epochs) > len(self._known.epochs):
            one = now.epochs[len(self._known.epochs)]
            place = f"partition {one.partition} of {LOG}"
            self._changed(f"{place} has begun epoch {one.epoch}: {one.why}")
