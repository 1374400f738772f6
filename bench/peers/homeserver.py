"""Synapse as a program: from PyPI into an environment of its own, and its configuration."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson

from app.errors import ParleyError
from app.local.supervisor import ROOT

_VERSION = "1.163.2"
_PACKAGES = (f"matrix-synapse=={_VERSION}", "psycopg2-binary")
_VENV = ROOT / ".cache" / "peers" / f"synapse-{_VERSION}"
_LIMITS = ("message", "registration", "joins_per_room")
_SECRETS = ("registration_shared_secret", "macaroon_secret_key", "form_secret")
_NO_LIMIT = {"per_second": 1e6, "burst_count": 1000000}


def installed() -> Path:
    """The environment's Python; made where there is none, which takes a minute."""
    python = _VENV / "bin" / "python"
    if not (_VENV / "ready").exists():
        print(f"Installing Synapse {_VERSION} (once)", flush=True)
        made: list[str | Path] = [sys.executable, "-m", "venv", _VENV]
        filled: list[str | Path] = [python, "-m", "pip", "install", "--quiet"]
        for command in (made, [*filled, *_PACKAGES]):
            done = subprocess.run(command, capture_output=True, text=True, timeout=600)
            if done.returncode:
                raise ParleyError(f"Synapse can't be installed: {done.stderr.strip()[-500:]}")
        (_VENV / "ready").touch()
    return python


def configured(folder: Path, port: int, secret: str, database: dict[str, Any]) -> Path:
    """Writes its configuration: no rate limits, federation or presence, the rest as it comes."""
    folder.mkdir(parents=True)
    listener = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "type": "http",
        "resources": [{"names": ["client"]}],
    }
    config = {
        "server_name": "peer.test",
        "report_stats": False,
        "pid_file": str(folder / "pid"),
        "signing_key_path": str(folder / "key"),
        "media_store_path": str(folder / "media"),
        "log_config": str(folder / "log.yaml"),
        "listeners": [listener],
        "database": database,
        "trusted_key_servers": [],
        "federation_domain_whitelist": [],
        "presence": {"enabled": False},
        "bcrypt_rounds": 4,
        **dict.fromkeys(_SECRETS, secret),
        **{f"rc_{name}": _NO_LIMIT for name in _LIMITS},
        "rc_joins": {"local": _NO_LIMIT},
        "rc_room_creation": _NO_LIMIT,
    }
    log = {"version": 1, "handlers": {"out": {"class": "logging.StreamHandler"}}}
    root = {"root": {"level": "WARNING", "handlers": ["out"]}, "disable_existing_loggers": False}
    (folder / "log.yaml").write_bytes(orjson.dumps(log | root))  # JSON is YAML
    (folder / "synapse.yaml").write_bytes(orjson.dumps(config))
    return folder / "synapse.yaml"
