"""The settings, and the one place that reads the environment."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_type_hints
from urllib.parse import quote

from msgspec import Meta

from app.errors import SettingError
from app.setting_checks import flaws
from app.setting_names import from_elsewhere, nearest
from app.setting_values import (
    Count,
    Factor,
    Port,
    Replicas,
    Seconds,
    SecondsOrNone,
    Share,
    from_text,
    require,
)

_PREFIX: Final = "PARLEY_"
#: What the settings of agents of one's own begin with.
_AGENT_PREFIX: Final = "PARLEY_AGENT_"

#: More would not fit a cursor into 128 bytes of URL: see docs/decisions/cursor.md.
MAX_PARTITIONS = 24


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
    """Signs tokens; the keys of tickets, cursors and hooks come from it: 32 characters or more."""
    secret_other: str = ""
    """A second secret, which is accepted and signs nothing: the next one, or the one before."""
    hs256: Literal["on", "off", "unless_jwks"] = "unless_jwks"
    """Whether tokens signed with the secret are taken: `on`, `off`, or `unless_jwks` is set."""
    jwks: str = ""
    """URL or file of a JSON Web Key Set of your own issuer, whose tokens are taken then."""
    issuer: str = ""
    """Required `iss` of the issuer's tokens; `PARLEY_JWKS` needs it."""
    audience: str = ""
    """Required `aud` of the issuer's tokens; `PARLEY_JWKS` needs it."""
    token_type: str = ""
    """Required `typ` of the issuer's tokens, such as `at+jwt`; empty: `JWT`, `at+jwt` or none."""
    admin_claim: str = "parley_admin"
    """Claim that makes an admin: `NAME`, if it is true, or `NAME=VALUE`, if it has this value."""

    partitions: Annotated[int, Meta(ge=1, le=MAX_PARTITIONS)] = 8
    """Partitions of every room-keyed topic. Never change it once there is data."""
    replication: Replicas = 1
    """Replication factor of the topics that Parley creates."""
    min_insync: Replicas = 1
    """`min.insync.replicas` of the topics that Parley creates."""

    region: str = ""
    """This region's name, one of `PARLEY_REGIONS`; empty: the deployment has one region alone."""
    regions: str = ""
    """All regions with their brokers, the same everywhere: `eu=kafka://a:9092 us=kafka://b:9092`."""

    prometheus_port: Port = 0
    """Port of `/metrics`, of a worker or an edge, which is not for the public; 0: none."""
    prometheus_host: str = "127.0.0.1"
    """Address that `/metrics` listens on, or `unix:` and a path."""

    otlp: str = ""
    """URL of an OpenTelemetry collector (OTLP by HTTP) that gets traces; empty: no traces."""
    trace_sample: Share = 0.01
    """Share of the commands of which a trace begins here, 0 to 1; traced requests are followed."""

    worker: str = ""
    """This worker's name, stable over its restarts; empty: the host's name."""
    agents: str = ""
    """Folder with agents of your own, one file each; empty: none."""
    agents_memory: Annotated[int, Meta(ge=128, le=2**20)] = 1024
    """MiB of memory that the process of an agent of your own may have."""
    agents_show: bool = False
    """Log each event that an agent of your own handles, and what it does."""
    only: str = ""
    """Consumer groups that this worker runs, by comma; empty: all."""
    health_port: Port = 0
    """Port of a worker's `/healthz` and `/readyz`; 0: none."""
    stall: Seconds = 60.0
    """Seconds without progress of a consumer group after which the worker ends, to be restarted."""
    blocked_words: str = ""
    """File of blocked words and phrases, one a line, until a rule set is activated."""
    rules: str = ""
    """Folder with moderation rules of your own, one file each; empty: none."""
    upload_hook: str = ""
    """URL of the upload hook, which says where a file goes; empty: messages carry no files."""
    webhook_hosts: str = ""
    """Hosts and networks inside that subscriptions may send to, by comma: `10.0.0.0/8`, `hooks`."""
    webhook_life: Seconds = 259_200.0
    """How long an event is tried that the endpoint of a subscription does not take."""
    push_key: str = ""
    """Private key of Web Push (VAPID), from `parley push-key`; empty: no browser is called."""
    push_contact: str = ""
    """Where operators of push services reach you: `mailto:` or `https:`; some require it."""
    push_text: bool = True
    """Whether a push has sender and text; `off`: only that there is something."""
    push_wait: SecondsOrNone = 10.0
    """How long a push waits: reading the message, or coming back, meanwhile withdraws it."""
    push_gateway: str = ""
    """URL of a gateway of yours, which calls devices in other ways; empty: none."""
    text_limit: Count = 4000
    """Longest message, in characters."""
    reactions: str = ""
    """Texts besides emojis that members may react with, by comma; `*`: any of 32 characters."""

    host: str = "127.0.0.1"
    """Address that the edge listens on."""
    port: Port = 8080
    """Port that the edge listens on."""
    wait: SecondsOrNone = 3.0
    """How long a send waits for its number, unless the request has `Prefer: wait=`."""
    ping: Seconds = 15.0
    """Interval of `ping` events on a stream."""
    retry_ms: Annotated[int, Meta(ge=0)] = 2000
    """Milliseconds after which a browser reconnects a stream."""
    presence: Literal["everyone", "rooms", "nobody"] = "rooms"
    """Visibility of presence: `everyone`, users of shared `rooms`, or `nobody`."""
    ticket_life: Seconds = 600.0
    """How long a stream ticket opens streams."""
    window: Count = 1000
    """Log events of a room that Valkey keeps for resuming streams."""
    buffer_events: Count = 256
    """Events that may wait for a slow client before its stream is ended."""
    buffer_bytes: Count = 512 * 1024
    """Bytes that may wait for a slow client before its stream is ended."""
    send_buffer: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 16 * 1024
    """Bytes of a connection's send buffer in the kernel, which doubles it; 0: the system's own."""
    native: bool = True
    """Whether the edge uses its parts in C, where they were built; `off`: Python alone."""
    streams: Count = 20
    """Streams that one user may have open at an edge."""
    stream_life: Seconds = 1800.0
    """How long a stream lasts, give or take a tenth, before its client is told to reconnect."""
    body_limit: Count = 64 * 1024
    """Largest request body."""
    origins: str = "*"
    """Origins that may call from a browser (CORS), by comma."""

    proxies: str = ""
    """Networks of proxies whose `PARLEY_PROXY_HEADER` is believed, by comma; empty: none."""
    proxy_header: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    """Header in which proxies say who asks: `x-forwarded-for`, or `forwarded` (RFC 7239)."""
    limits: Factor = 1.0
    """Factor for all rates below, `requests/seconds` or `off`; 0: no rate has a limit."""
    limit_address: str = "2000/5"
    """Requests of one address, before its tokens are looked at."""
    limit_failed: str = "20/60"
    """Requests of one address whose tokens are refused."""
    limit_read: str = "120/30"
    """Reading rooms, members, history and counts, by person."""
    limit_search: str = "40/40"
    """Searches, syncs of many rooms, and presence, of which 20 names count as one, by person."""
    limit_send: str = "60/30"
    """Messages, edits and deletions, by person."""
    limit_send_room: str = "20/20"
    """The same, by person and room."""
    limit_state: str = "120/60"
    """Reactions, receipts, typing and one's own presence, by person."""
    limit_state_room: str = "60/60"
    """The same, by person and room."""
    limit_manage: str = "60/120"
    """Changes of rooms, members and roles, sanctions, reports, uploads, by person."""
    limit_open: str = "20/1200"
    """Rooms opened, by person."""
    limit_direct: str = "50/86400"
    """Direct rooms opened, by person."""
    limit_added: str = "100/3600"
    """Rooms to which others add a person, by the person who is added."""
    limit_connect: str = "60/60"
    """Streams and stream tickets, by person."""
    limit_poll: str = "200/5"
    """Polls, by person."""
    connections: Annotated[int, Meta(ge=0)] = 1000
    """Connections of one address at an edge, and at most a quarter of all; 0: no such limit."""
    polls: Count = 20
    """Polls of one person that may wait at an edge."""
    rooms: Count = 2000
    """Rooms of which one person may be a member."""
    members: Count = 10_000
    """Members that a room may have."""
    answer_bytes: Annotated[int, Meta(ge=64 * 1024)] = 1024 * 1024
    """Bytes of events in one answer, beyond which the rest comes with the next."""
    window_bytes: Annotated[int, Meta(ge=64 * 1024)] = 2 * 1024 * 1024
    """Bytes of a room's window in Valkey, whatever `PARLEY_WINDOW` says."""

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from the environment (by default the process's own).

        Raises `SettingError`, which names the variable, what it holds and what it takes.
        """
        settings, faults = cls._read(os.environ if environ is None else environ)
        if faults:
            raise faults[0]
        return settings

    @classmethod
    def faults(cls, environ: Mapping[str, str] | None = None) -> list[SettingError]:
        """Everything that is wrong with the environment's values, in the order of the fields."""
        return cls._read(os.environ if environ is None else environ)[1]

    @classmethod
    def _read(cls, source: Mapping[str, str]) -> tuple[Settings, list[SettingError]]:
        given: dict[str, Any] = {}
        faults: list[SettingError] = []
        for field in fields(cls):
            try:
                if raw := _raw(field.name, source):
                    given[field.name] = from_text(_variable(field.name), _kinds()[field.name], raw)
            except SettingError as error:
                faults.append(error)
        settings = cls(**given)
        wrong = {error.variable.removesuffix("_FILE") for error in faults}
        faults += (flaw for flaw in settings.every_flaw() if flaw.variable not in wrong)
        return settings, faults

    def checked(self) -> Settings:
        """The settings themselves. Raises `SettingError` for a value that a field does not take."""
        for flaw in self.every_flaw():
            raise flaw
        return self

    def every_flaw(self) -> Iterator[SettingError]:
        """What the fields do not take; after a value of another kind no more is looked at."""
        for field in fields(self):
            try:
                require(_variable(field.name), _kinds()[field.name], getattr(self, field.name))
            except SettingError as error:
                yield error
                return
        yield from flaws({_variable(f.name): getattr(self, f.name) for f in fields(self)})

    @property
    def takes_hs256(self) -> bool:
        """Whether tokens signed with the secret are taken."""
        return self.hs256 == "on" or (self.hs256 == "unless_jwks" and not self.jwks)

    @property
    def bootstrap(self) -> list[str]:
        """The broker's addresses as aiokafka takes them."""
        return self.broker.removeprefix("kafka://").split(",")

    @property
    def region_brokers(self) -> dict[str, str]:
        """The broker of each region, by name, in the order of the setting; empty: one region."""
        pairs = (one.partition("=") for one in self.regions.split())
        return {name: broker for name, _, broker in pairs}

    @property
    def other_regions(self) -> tuple[str, ...]:
        """The names of all regions but this one."""
        return tuple(name for name in self.region_brokers if name != self.region)

    @property
    def region_rank(self) -> int | None:
        """The place of this region in `PARLEY_REGIONS`; `None` in a deployment of one region."""
        return list(self.region_brokers).index(self.region) if self.region else None

    @property
    def history_url(self) -> str:
        """The history store's URL, SQLite in the data folder where none is set."""
        folder = quote(str(self.data.absolute()))  # a `?` would begin the URL's parameters
        return self.history or f"sqlite+aiosqlite:///{folder}/history.db"

    @property
    def worker_name(self) -> str:
        """This worker's name in its consumer groups and of its data folder."""
        return self.worker or socket.gethostname()

    def environ(self) -> dict[str, str]:
        """The variables that make another process read the same settings.

        Defaults are among them: the other process may inherit variables that say otherwise. So are
        empty names of files.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        said = {
            _variable(name): str(int(value) if isinstance(value, bool) else value)
            for name, value in values.items()
        }
        return said | dict.fromkeys(map(_file_variable, FROM_FILES), "")


#: Fields that may hold a secret. Each may be the content of the file that `PARLEY_<FIELD>_FILE`
#: names: a variable is shown to every child process, and by many tools.
FROM_FILES: Final = (
    *("broker", "history", "jwks", "push_gateway", "push_key", "redis"),
    *("secret", "secret_other", "upload_hook"),
)


def _variable(field: str) -> str:
    return f"{_PREFIX}{field.upper()}"


def _file_variable(field: str) -> str:
    return f"{_variable(field)}_FILE"


def _raw(field: str, source: Mapping[str, str]) -> str:
    """The text of a field: of its variable, or of the file that the other variable names.

    Line breaks around the content of a file are not part of it. Raises `SettingError` where both
    are set, and where the file can't be read or has nothing.
    """
    raw = source.get(_variable(field), "")
    variable = _file_variable(field)
    file = source.get(variable, "") if field in FROM_FILES else ""
    if not file:
        return raw
    if raw:
        raise SettingError(variable, file, f"nothing where {_variable(field)} is set, too")
    try:
        content = Path(file).read_text("utf-8").strip("\r\n")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SettingError(variable, file, f"a file that can be read: {why}") from None
    if not content:
        raise SettingError(variable, file, "a file with the value")
    return content


@cache
def _kinds() -> dict[str, Any]:
    """Each field's type, with its limits."""
    return get_type_hints(Settings, include_extras=True)


def named(environ: Mapping[str, str] | None = None) -> frozenset[str]:
    """The fields that the environment sets, even to their defaults."""
    source = os.environ if environ is None else environ
    return frozenset(
        f.name
        for f in fields(Settings)
        if source.get(_variable(f.name))
        or (f.name in FROM_FILES and source.get(_file_variable(f.name)))
    )


def unknown(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables that begin with `PARLEY_` and are not a setting, in alphabetical order.

    Each with the setting whose name is nearest, or nothing where none is near. Variables that
    Kubernetes names after a service `parley` are not among them, and neither are those of agents.
    """
    source = os.environ if environ is None else environ
    known = [_variable(field.name) for field in fields(Settings)]
    known += map(_file_variable, FROM_FILES)
    found = sorted(
        name
        for name, value in source.items()
        if name.startswith(_PREFIX) and name not in known and not _of_agent(name)
        if not from_elsewhere(name, value)
    )
    return {name: nearest(name.upper(), known) for name in found}


def _of_agent(name: str) -> bool:
    """Whether this is a setting of an agent: the agent's name and the setting's are both in it."""
    return name.startswith(_AGENT_PREFIX) and "_" in name.removeprefix(_AGENT_PREFIX).strip("_")


def agent_variable(agent: str, name: str) -> str:
    """The variable of a setting of an agent of one's own."""
    return f"{_AGENT_PREFIX}{agent}_{name}".upper().replace("-", "_")


def agent_setting(agent: str, name: str) -> str:
    """A setting of an agent of one's own; empty where it is not set."""
    return os.environ.get(agent_variable(agent, name), "")


def java_home() -> str:
    """`JAVA_HOME`, or nothing."""
    return os.environ.get("JAVA_HOME", "")


def inherited(extra: Mapping[str, str]) -> dict[str, str]:
    """A child process's environment: this process's own with `extra` over it."""
    return {**os.environ, **extra}


def fill_in(extra: Mapping[str, str]) -> None:
    """Set variables that the environment lacks, for this process and its children.

    A variable is not lacking where another one names a file with its value. Those that are not a
    setting are left out: another version of Parley may have announced them.
    """
    foreign = unknown(extra)
    for variable, value in extra.items():
        if variable in foreign:
            continue
        if not os.environ.get(f"{variable}_FILE"):
            os.environ[variable] = os.environ.get(variable) or value
