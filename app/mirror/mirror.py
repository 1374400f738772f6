"""MirrorMaker 2 in a child JVM, in its dedicated mode."""

from __future__ import annotations

import asyncio
from pathlib import Path

from app.embedded.archive import Archive
from app.embedded.child import Child
from app.embedded.jars import MIRROR, classpath, fetch_jars
from app.embedded.java import Java, find_java
from app.embedded.jvm import java_command
from app.embedded.server import Server
from app.mirror.failure_watch import FailureWatch
from app.mirror.mirror_properties import mirror_properties
from app.settings import Settings

_MAIN = "org.apache.kafka.connect.mirror.MirrorMaker"
#: One that is killed copies a few records twice, and one whose source is away takes its time.
_STOP_SECONDS = 10.0


class Mirror(Server):
    """The mirror of this process's region, with its properties and logs in `folder`.

    It listens on no port. How far it is, is in the cluster: its folder can be deleted.
    """

    name = "MirrorMaker"

    def __init__(self, settings: Settings, folder: Path, java: Java | None = None) -> None:
        super().__init__(folder, 0)
        #: The regions that are mirrored from the next start on.
        self.regions = settings.other_regions
        self._settings = settings
        self._java = java
        self._archive: Archive | None = None
        self._failures = FailureWatch(self.log)

    @property
    def log(self) -> Path:
        """MirrorMaker's log file."""
        return self.folder / "mirrormaker.log"

    async def start(self) -> None:
        """Start MirrorMaker, which waits for its brokers itself; first fetch its jars.

        Raises `ParleyError` where there is no Java, or where the jars can't be fetched.
        """
        if self._java is None:
            self._java = await asyncio.to_thread(find_java)
        jars = await fetch_jars(self._java, MIRROR)
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        config = self.folder / "mirror.properties"
        config.write_text(mirror_properties(self._settings, self.regions), "ascii")
        self._archive = Archive(self._java, jars)
        self._failures = FailureWatch(self.log)
        command = [*java_command(self._java, self.log.name), *self._archive.writing()]
        environ = {"CLASSPATH": classpath(jars), "LC_ALL": "C.UTF-8"}
        output = self.folder / "mirrormaker.out"
        self._child = Child([*command, _MAIN, config.name], output, environ, folder=self.folder)
        self._child.start()

    async def stop(self) -> None:
        """Stop MirrorMaker in order, and kill it after 10 s."""
        if self._child and await self._child.stop(grace=_STOP_SECONDS) and self._archive:
            self._archive.adopt()

    def failure(self) -> str:
        """Why a connector has failed since the last call; empty where none has.

        MirrorMaker runs on then and mirrors nothing: it has to be started again.
        """
        return self._failures.look()
