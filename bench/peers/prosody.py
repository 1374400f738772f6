"""Prosody, an XMPP server in Lua, with its group chat: Debian's own build."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from app.embedded.child import Child
from app.embedded.ports import free_port, listens
from app.errors import ParleyError
from app.local.supervisor import ROOT
from bench.peers.load import SENDER, Load, Tally
from bench.peers.xmpp import HOST, ROOMS, Person, person

_UNPACKED = ROOT / ".cache" / "peers" / "prosody"
_PACKAGES = (
    "prosody",
    *("lua5.4", "lua-bitop", "lua-expat", "lua-filesystem", "lua-sec", "lua-socket"),
)
#: Every message is kept in the archive, as Parley and Synapse keep theirs.
_CONFIG = """
run_as_root = true
pidfile = "{folder}/pid"
data_path = "{folder}/data"
modules_enabled = {{ "saslauth" }}
modules_disabled = {{ "s2s" }}
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
c2s_interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ }}
storage = "internal"
storage_archive_item_limit = 100000000
log = {{ warn = "*stdout" }}
VirtualHost "{host}"
Component "{rooms}" "muc"
  modules_enabled = {{ "muc_mam" }}
  muc_room_locking = false
  muc_room_default_persistent = true
"""


@asynccontextmanager
async def prosody(folder: Path, load: Load, tally: Tally) -> AsyncIterator[Prosody]:
    """A Prosody with its rooms and readers, data in `folder`."""
    root = _installed()
    port = free_port()
    child = _child(root, folder, port)
    _write_accounts(folder / "data", load)
    try:
        await child.up("Prosody", lambda: listens(port), 30, child.tail)
        async with Prosody(port, child.pid, load, tally) as peer:
            yield peer
    finally:
        await child.stop()


class Prosody:
    """One process; a message counts as accepted when the room returns it."""

    name = "Prosody"

    def __init__(self, port: int, pid: int, load: Load, tally: Tally) -> None:
        self.pids = {"prosody": pid}
        self._port = port
        self._load = load
        self._tally = tally
        self._people: list[Person] = []
        self._readers: list[asyncio.Task[None]] = []
        self._waiting: dict[int, asyncio.Future[None]] = {}

    async def __aenter__(self) -> Self:
        """Make the rooms, and bring in sender and readers, each with a connection."""
        self._sender = await person(self._port, SENDER)
        self._people.append(self._sender)
        for room in range(self._load.rooms):
            await self._sender.join(f"r-{room}", SENDER)
            await self._sender.admit(f"r-{room}", self._load.others(room))
        for room in range(self._load.rooms):
            for name in self._load.live(room):
                reader = await person(self._port, name)
                self._people.append(reader)
                await reader.join(f"r-{room}", name)
                self._readers.append(asyncio.create_task(reader.listen(self._tally.heard)))
        self._readers.append(asyncio.create_task(self._sender.listen(self._accepted)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for reader in self._readers:
            reader.cancel()
        for each in self._people:
            each.close()

    async def send(self, room: int, index: int) -> None:
        """Send on the sender's connection."""
        self._waiting[index] = asyncio.get_running_loop().create_future()
        self._sender.say(f"r-{room}", index)
        await self._waiting[index]

    def _accepted(self, index: int, _: int) -> None:
        waiting = self._waiting.pop(index)
        if not waiting.done():  # cancelled, where time was over
            waiting.set_result(None)


def _installed() -> Path:
    """The root under which Prosody is: the machine's, or where its packages are unpacked."""
    if Path("/usr/bin/prosody").exists():
        return Path("/")
    if not (_UNPACKED / "ready").exists():
        if shutil.which("apt-get") is None:
            raise ParleyError("Prosody is not installed, and this is no Debian to take it from")
        print("Unpacking Debian's Prosody (once; nothing is installed)", flush=True)
        _UNPACKED.mkdir(parents=True, exist_ok=True)
        _run("apt-get", "download", "-q", *_PACKAGES)
        for package in _UNPACKED.glob("*.deb"):
            _run("dpkg", "-x", package.name, ".")
        (_UNPACKED / "ready").touch()
    return _UNPACKED


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=_UNPACKED, capture_output=True, text=True, timeout=300)
    if done.returncode:
        hint = "`apt-get update` may help, or `apt-get install prosody`"
        raise ParleyError(f"Prosody can't be fetched; {hint}: {done.stderr.strip()[-500:]}")


def _child(root: Path, folder: Path, port: int) -> Child:
    """Prosody's own program, told where its parts are."""
    folder.mkdir(parents=True)
    places = {
        "/usr/lib/prosody": str(root / "usr/lib/prosody"),
        "/var/lib/prosody": str(folder / "data"),
        "/etc/prosody": str(folder),
    }
    program = (root / "usr/bin/prosody").read_text()
    for before, after in places.items():
        program = program.replace(before, after)
    (folder / "prosody.lua").write_text(program)
    config = folder / "prosody.cfg.lua"
    config.write_text(_CONFIG.format(folder=folder, port=port, host=HOST, rooms=ROOMS))
    lua = f"{root}/usr/share/lua/5.4"
    compiled = next((root / "usr/lib").glob("*/lua/5.4"), root)
    environ = {"LUA_PATH": f"{lua}/?.lua;{lua}/?/init.lua;;", "LUA_CPATH": f"{compiled}/?.so;;"}
    command: list[str | Path] = [root / "usr/bin/lua5.4", folder / "prosody.lua"]
    command += ["--config", config, "-F"]
    return Child(command, folder / "prosody.log", environ)


def _write_accounts(data: Path, load: Load) -> None:
    accounts = data / HOST.replace(".", "%2e") / "accounts"
    accounts.mkdir(parents=True)
    for name in [SENDER, *(name for room in range(load.rooms) for name in load.live(room))]:
        encoded = name.replace("-", "%2d")
        (accounts / f"{encoded}.dat").write_text(f'return {{ ["password"] = "{name}" }};\n')
