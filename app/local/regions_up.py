"""`parley up --regions eu,us`: a whole deployment for each region on this machine, kept in step.

Each region is one `parley up` with all that it starts, so that it can be killed whole.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from app.embedded.child import tail
from app.embedded.ports import free_port, is_free
from app.errors import ParleyError
from app.local.console import Console
from app.local.data_folder import held, kept_push_key, kept_secret
from app.local.demo_room import PEOPLE, address, link
from app.local.metrics_ports import free_ports
from app.local.supervisor import Command
from app.settings import Settings

#: Seconds in which a region has to be ready; the first start fetches Kafka by Maven.
_READY_SECONDS: Final = 600.0
_LOOK_SECONDS: Final = 0.2
#: Processes of a region that have metrics: a worker and an edge.
_PROCESSES: Final = 2


def run(settings: Settings, names: Sequence[str], *, fresh: bool) -> None:
    """Run a region for each name until Ctrl-C or SIGTERM; blocks. Raises `ParleyError`."""
    settings = replace(settings, data=settings.data.absolute())
    with held(settings.data, fresh):
        asyncio.run(_Regions(settings, names).run_until_signal())


class _Regions:
    def __init__(self, settings: Settings, names: Sequence[str]) -> None:
        brokers = {name: f"kafka://127.0.0.1:{free_port()}" for name in names}
        regions = " ".join(f"{name}={broker}" for name, broker in brokers.items())
        self._console = Console()
        self._settings: dict[str, Settings] = {}
        port, metrics = settings.port, self._metrics_port(settings, len(names))
        for index, name in enumerate(names):
            port = next((one for one in range(port, port + 100) if is_free(one)), 0) or free_port()
            self._settings[name] = replace(
                settings,
                region=name,
                regions=regions,
                port=port,
                prometheus_port=metrics and metrics + _PROCESSES * index,
                data=settings.data / name,
                secret=settings.secret or kept_secret(settings.data),
                push_key=settings.push_key or kept_push_key(settings.data),
            ).checked()
            port += 1
        self._parts = {name: self._part(one) for name, one in self._settings.items()}

    def _metrics_port(self, settings: Settings, regions: int) -> int:
        """The first region's first one: the regions start at once, and would take the same."""
        return settings.prometheus_port or free_ports(
            _PROCESSES * regions, settings.prometheus_host
        )

    def _part(self, settings: Settings) -> Command:
        environ = {
            "PARLEY_REGION": settings.region,
            "PARLEY_REGIONS": settings.regions,
            "PARLEY_DATA": str(settings.data),
            "PARLEY_PORT": str(settings.port),
            "PARLEY_PROMETHEUS_PORT": str(settings.prometheus_port),
            "PARLEY_SECRET": settings.secret,
            "PARLEY_PUSH_KEY": settings.push_key,
        }
        return Command(["up"], self._log(settings.region), environ)

    def _log(self, name: str) -> Path:
        return self._settings[name].data.with_suffix(".log")

    async def run_until_signal(self) -> None:
        """Serve until a signal."""
        loop = asyncio.get_running_loop()
        serving = asyncio.ensure_future(self._serve())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, serving.cancel)
        try:
            await serving
        except asyncio.CancelledError:
            self._console.say("Stopped.")

    async def _serve(self) -> None:
        try:
            for name, part in self._parts.items():
                self._log(name).unlink(missing_ok=True)
                await part.start()
            for name, part in self._parts.items():
                with self._console.step(f"Region {name}"):
                    await self._ready(name, part)
            self._say_ready()
            running = dict(self._parts)
            while True:
                for name in [name for name, part in running.items() if not part.child.running]:
                    del running[name]
                    self._say_ended(name)
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            self._console.say("\nStopping …")
            await asyncio.gather(*(part.stop() for part in self._parts.values()))

    async def _ready(self, name: str, part: Command) -> None:
        latest = time.monotonic() + _READY_SECONDS
        while "Ready in" not in _said(self._log(name)):
            if not part.child.running or time.monotonic() > latest:
                how = "is not ready" if part.child.running else "has ended"
                said = tail(self._log(name), 12)
                raise ParleyError(f"the region {name} {how}; its `parley up` says:\n{said}")
            await asyncio.sleep(_LOOK_SECONDS)

    def _say_ready(self) -> None:
        for name, settings in self._settings.items():
            self._console.say(f"\n{name}: {address(settings)}/  (its data: {settings.data})\n")
            if settings.takes_hs256:
                for user in PEOPLE:
                    self._console.say(f"  {user}:  {link(settings, user)}\n")
        for name, part in self._parts.items():
            self._console.say(f"kill -9 {part.child.pid}  kills {name} whole, and {name} alone")
        data = next(iter(self._settings.values())).data
        self._console.say(
            f"PARLEY_DATA={data} parley regions status  shows homes and what is missing"
        )
        self._console.say("Ctrl-C stops everything.")

    def _say_ended(self, name: str) -> None:
        one = self._settings[name]
        other = next(there for there in self._settings.values() if there is not one)
        self._console.say(
            f"\nThe region {name} has ended. {other.region} takes its rooms over by this:\n"
            f"  PARLEY_DATA={other.data} parley regions failover --from {name}\n"
            "This starts it again:\n"
            f"  PARLEY_REGION={name} PARLEY_REGIONS='{one.regions}' PARLEY_SECRET=$(cat"
            f" {one.data.parent}/secret) parley up --data {one.data} --port {one.port}"
        )


def _said(log: Path) -> str:
    return log.read_text("utf-8", "replace") if log.exists() else ""
