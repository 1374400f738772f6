"""The deployment and the Kafka cluster that a data folder was last used with.

A server on a usual port may be another installation's on the same machine. Kafka has the
deployment's id in `chat.deployment`, Valkey in a key, the history store in a table, and an edge in
its `/healthz`; the data folder has it in a file.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

_FILE: Final = "deployment.json"


class Installation(NamedTuple):
    """The ids of a deployment and of its Kafka cluster; empty where they are not known."""

    deployment: str = ""
    cluster: str = ""


def recorded(data: Path) -> Installation:
    """What the data folder was last used with."""
    try:
        found = json.loads((data / _FILE).read_text("utf-8"))
        return Installation(str(found["deployment"]), str(found["cluster"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Installation()


def record(data: Path, now: Installation) -> str:
    """Note what the data folder is used with; whose it was before, where that is another's.

    Several processes may do this at once. A folder that can't be written stays as it is: a process
    that needs it says so itself.
    """
    before = recorded(data)
    if before != now:
        with suppress(OSError):
            data.mkdir(parents=True, exist_ok=True)
            part = data / f"{_FILE}.{os.getpid()}"
            part.write_text(json.dumps(now._asdict(), indent=1), "utf-8")
            part.replace(data / _FILE)
    return foreign(now.deployment, before.deployment)


def foreign(found: str, own: str) -> str:
    """Whose something is that has the deployment `found`; empty where it is one's own.

    Also empty where either is not known.
    """
    if not found or not own or found == own:
        return ""
    return f"another installation's (deployment {found}, this one is {own})"
