"""Everything that can be set, and the one place that reads the environment."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from app.errors import SettingError

#: More would not fit a cursor into 128 bytes of URL: see docs/decisions/cursor.md.
MAX_PARTITIONS = 24


PRESENCE = ("everyone", "rooms", "nobody")


@dataclass(frozen=True)
class Settings:
    """One process's settings; each field is set by `PARLEY_<FIELD>` in capitals.

    Durations are seconds, sizes bytes, unless a name says otherwise.
    """

    broker: str = "kafka://127.0.0.1:9092"
    """Kafka's bootstrap servers: `kafka://host:port,host:port`."""
    redis: str = "redis://127.0.0.1:6379/0"
    """Valkey or Redis 7 and newer."""
    history: str = ""
    """SQLAlchemy URL of the history store; empty: SQLite in the data folder."""
    data: Path = Path("data")
    """Folder for everything kept on this machine."""
    secret: str = ""
    """Signs development tokens, stream tickets and cursors: 32 characters or more."""
    jwks: str = ""
    """URL or file of a JSON Web Key Set; set: RS256 tokens of your own issuer are taken too."""
    issuer: str = ""
    """Required `iss` of RS256 tokens; empty: any."""
    audience: str = ""
    """Required `aud` of RS256 tokens; empty: any."""

    partitions: int = 8
    """Partitions of every room-keyed topic. Never change it once there is data."""
    replication: int = 1
    """Replication factor of the topics that Parley creates."""
    min_insync: int = 1
    """`min.insync.replicas` of the topics that Parley creates."""

    worker: str = ""
    """This worker's name, stable over its restarts; empty: the host's name."""
    agents: str = ""
    """Folder with agents of your own, one file each; empty: none."""
    only: str = ""
    """Consumer groups that this worker runs, by comma; empty: all."""
    health_port: int = 0
    """Port on which a worker says how it is, at `/healthz` and `/readyz`; 0: none."""
    stall: float = 60.0
    """Seconds that a group may stand still before the worker ends, to be started afresh."""
    blocked_words: str = ""
    """File of blocked words and phrases, one a line, until a rule set is put in force."""
    rules: str = ""
    """Folder with moderation rules of your own, one file each; empty: none."""
    upload_hook: str = ""
    """URL that is asked where a file of a message goes; empty: messages carry no files."""
    text_limit: int = 4000
    """Longest message, in characters."""

    host: str = "127.0.0.1"
    """Address that the edge listens on."""
    port: int = 8080
    """Port that the edge listens on."""
    wait: float = 3.0
    """How long a send waits for its number where the request does not say `Prefer: wait=`."""
    ping: float = 15.0
    """Interval of `ping` events on a stream."""
    retry_ms: int = 2000
    """Milliseconds that a browser waits before it reconnects a stream."""
    presence: str = "rooms"
    """Who sees whether somebody is there: `everyone`, who shares `rooms`, or `nobody`."""
    ticket_life: float = 600.0
    """How long a stream ticket can be used to connect."""
    window: int = 1000
    """Log events of a room that Valkey keeps for resuming streams."""
    buffer_events: int = 256
    """Events waiting for a slow reader before it is let go."""
    buffer_bytes: int = 512 * 1024
    """Bytes waiting for a slow reader before it is let go."""
    send_buffer: int = 16 * 1024
    """Bytes of a connection's send buffer in the kernel, which doubles it; 0: the system's own."""
    native: bool = True
    """Whether the edge delivers by its parts in C, where they were built; `off`: in Python."""
    streams: int = 20
    """Streams that one person may have open at an edge."""
    stream_life: float = 1800.0
    """How long a stream lasts, give or take a tenth, before it is told to reconnect."""
    body_limit: int = 64 * 1024
    """Largest request body."""
    origins: str = "*"
    """Origins that may call from a browser (CORS), by comma."""

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from the environment (by default the process's own).

        Raises `SettingError`, which names the variable, what it holds and what it takes.
        """
        source = os.environ if environ is None else environ
        given: dict[str, Any] = {}
        for field in fields(cls):
            raw = source.get(f"PARLEY_{field.name.upper()}")
            if raw:
                given[field.name] = _parse(field.name, str(field.type), raw)
        return cls(**given).checked()

    def checked(self) -> Settings:
        """Itself, or `SettingError` where values can't work together."""
        if not 1 <= self.partitions <= MAX_PARTITIONS:
            raise SettingError("PARLEY_PARTITIONS", self.partitions, f"1 to {MAX_PARTITIONS}")
        if self.secret and len(self.secret) < 32:
            raise SettingError("PARLEY_SECRET", "…", "at least 32 characters")
        if self.presence not in PRESENCE:
            raise SettingError("PARLEY_PRESENCE", self.presence, " or ".join(PRESENCE))
        if not self.broker.startswith("kafka://"):
            raise SettingError("PARLEY_BROKER", self.broker, "kafka://host:port")
        return self

    @property
    def bootstrap(self) -> list[str]:
        """The broker's addresses as aiokafka takes them."""
        return self.broker.removeprefix("kafka://").split(",")

    @property
    def history_url(self) -> str:
        """The history store's URL, SQLite in the data folder where none is set."""
        return self.history or f"sqlite+aiosqlite:///{self.data.absolute()}/history.db"

    @property
    def worker_name(self) -> str:
        """This worker's name in its consumer groups and of its data folder."""
        return self.worker or socket.gethostname()

    def environ(self) -> dict[str, str]:
        """The variables that make another process read the same settings.

        Defaults are among them: the other process may inherit variables that say otherwise.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            f"PARLEY_{name.upper()}": str(int(value) if isinstance(value, bool) else value)
            for name, value in values.items()
        }


def _parse(name: str, kind: str, raw: str) -> Any:
    variable = f"PARLEY_{name.upper()}"
    try:
        if kind == "int":
            return int(raw)
        if kind == "float":
            return float(raw)
    except ValueError:
        raise SettingError(variable, raw, "a number") from None
    if kind == "bool":
        return raw.lower() in {"1", "true", "yes", "on"}
    return Path(raw) if kind == "Path" else raw


def named(environ: Mapping[str, str] | None = None) -> frozenset[str]:
    """The fields that the environment sets, whether or not to something new."""
    source = os.environ if environ is None else environ
    return frozenset(f.name for f in fields(Settings) if source.get(f"PARLEY_{f.name.upper()}"))


def java_home() -> str:
    """`JAVA_HOME`, or nothing."""
    return os.environ.get("JAVA_HOME", "")


def inherited(extra: Mapping[str, str]) -> dict[str, str]:
    """A child process's environment: this process's own with `extra` over it."""
    return {**os.environ, **extra}


def fill_in(extra: Mapping[str, str]) -> None:
    """Set what the environment does not, for all of this process and its children."""
    for variable, value in extra.items():
        os.environ[variable] = os.environ.get(variable) or value
