"""The process of `parley mirror`: it keeps MirrorMaker running for the regions that answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from app.embedded.jars import MIRROR, have_jars
from app.errors import ParleyError, Unreachable
from app.kafka.admin import provision
from app.local.supervisor import Supervisor
from app.mirror.mirror import Mirror
from app.mirror.regions import mirrored_there
from app.settings import Settings
from app.topics import mirrored_topics

_TICK_SECONDS: Final = 0.2
#: Seconds between two looks at a region.
_LOOK_SECONDS: Final = 5.0


class MirrorRun:
    """MirrorMaker under supervision; `say` prints a line.

    A region is mirrored from when it has answered once: before that its topics may not fit, and
    MirrorMaker would change the topics here.
    """

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._mirror = Mirror(settings, settings.data / "mirror")
        self._mirror.regions = ()
        self._supervisor = Supervisor(say)
        self._answering: set[str] = set()
        self._misfit: ParleyError | None = None

    async def until(self, stop: asyncio.Event) -> None:
        """Mirror until `stop` is set.

        Raises `Unreachable` where this region's broker does not answer at the start, and
        `ParleyError` where topics have another number of partitions in another region.
        """
        settings = self._settings
        await provision(settings, mirrored_topics(settings.other_regions))
        looks = [asyncio.create_task(self._look_at(region)) for region in settings.other_regions]
        try:
            while not stop.is_set() and self._misfit is None:
                await self._step()
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _TICK_SECONDS)
        finally:
            for look in looks:
                look.cancel()
            await asyncio.gather(*looks, return_exceptions=True)
            await self._supervisor.stop()
        if self._misfit is not None:
            raise self._misfit

    async def _step(self) -> None:
        known = tuple(name for name in self._settings.other_regions if name in self._answering)
        if known != self._mirror.regions:
            await self._begin(known)
        if failed := self._mirror.failure():
            self._say(f"A connector of MirrorMaker has failed: {failed}")
            self._mirror.kill()
        await self._supervisor.tick()

    async def _begin(self, regions: tuple[str, ...]) -> None:
        self._mirror.regions = regions
        if not self._supervisor.empty:
            await self._mirror.stop()
            await self._mirror.start()
        else:
            if not have_jars(MIRROR):
                self._say("Fetching MirrorMaker by Maven (40 MB, once) …")
            await self._supervisor.start("MirrorMaker", self._mirror)
        self._say(f"Mirroring {', '.join(regions)} into {self._settings.region}.")

    async def _look_at(self, region: str) -> None:
        """Look at a region now and then: whether it answers, and whether its topics fit."""
        away = False
        while True:
            try:
                await mirrored_there(self._settings, region)
            except Unreachable as error:
                if not away:
                    self._say(f"The region {region} is away, and is tried on: {error}")
                away = True
            except ParleyError as error:
                self._misfit = error
                return
            else:
                if away:
                    self._say(f"The region {region} answers again.")
                away = False
                self._answering.add(region)
            await asyncio.sleep(_LOOK_SECONDS)
