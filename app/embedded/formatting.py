"""Formatting the data folder of a broker, by Kafka's own program once for all folders.

That program takes two seconds of a core. It writes `meta.properties`, and the first records of the
metadata log, which are the same for each new cluster: they are kept beside the jars.
"""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from app.embedded.child import Child
from app.errors import ParleyError

_META: Final = "meta.properties"
_RECORDS: Final = "bootstrap.checkpoint"


def random_id() -> str:
    """A random id as Kafka writes one: 16 bytes in URL-safe base64, not beginning with a dash."""
    return "_" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]


async def format_data(
    data: Path,
    config: Path,
    node: int,
    cluster: str,
    kept: Path,
    command: Sequence[str],
    environ: Mapping[str, str],
) -> None:
    """Format the folder `data` for a node of a new cluster, unless it is formatted.

    `config` is in the broker's folder, where `command` runs Kafka's programs; `kept` is where the
    first records are, or will be. Raises `ParleyError` where Kafka's program fails.
    """
    if _is_formatted(data) or _formatted_from(kept, data, node, cluster):
        return
    arguments = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", config.name]
    log = config.with_name("format.log")
    child = Child([*command, *arguments], log, environ, folder=config.parent)
    if await child.run(within=60) != 0:
        raise ParleyError(f"Kafka could not format its folder:\n{child.tail()}")
    _keep(data / _RECORDS, kept)


def _is_formatted(data: Path) -> bool:
    return (data / _META).exists()


def _formatted_from(kept: Path, data: Path, node: int, cluster: str) -> bool:
    """Format the folder with the kept records, where there are any; whether it is done."""
    if not kept.exists():
        return False
    data.mkdir(parents=True, exist_ok=True)
    (data / _RECORDS).write_bytes(kept.read_bytes())
    meta = {"version": 1, "cluster.id": cluster, "node.id": node, "directory.id": random_id()}
    part = data / f"{_META}.part"
    part.write_text("".join(f"{name}={value}\n" for name, value in meta.items()))
    part.rename(data / _META)  # last: with it the folder counts as formatted
    return True


def _keep(records: Path, kept: Path) -> None:
    part = kept.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(records.read_bytes())
    part.rename(kept)
