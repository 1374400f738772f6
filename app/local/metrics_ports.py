"""The ports of `/metrics` of several processes on one machine: one after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.embedded.ports import is_free
from app.settings import Settings

#: The first port that `parley up` tries; Prometheus' own is 9090.
USUAL: Final = 9464


def with_metrics_port(settings: Settings, index: int) -> Settings:
    """The settings of the process of this index, from 0; without a port, none has one."""
    first = settings.prometheus_port
    return replace(settings, prometheus_port=first + index if first else 0)


def free_ports(count: int, host: str) -> int:
    """The first of so many free ports in a row from the usual one on; 0 where there are none."""
    starts = range(USUAL, USUAL + 100)
    return next((s for s in starts if all(is_free(s + i, host) for i in range(count))), 0)
