"""Fail-stop: a process that can't tell what Kafka has ends, and its successor begins anew."""

from __future__ import annotations

import os

import structlog
from mode.supervisors import SupervisorStrategy

log = structlog.get_logger()

#: sysexits.h: EX_SOFTWARE. Supervisors start the process again whatever the code.
EXIT_FAIL_STOP = 70


def fail_stop(reason: str, error: BaseException | None = None, **context: object) -> None:
    """Log the reason and end the process at once, without a commit."""
    log.critical(f"{reason}, the process ends", exc_info=error, **context)
    os._exit(EXIT_FAIL_STOP)


class FailStopSupervisor(SupervisorStrategy):
    """Ends the process when an agent fails."""

    def wakeup(self) -> None:
        """Called by Faust when an agent has raised."""
        for service in self._services:
            if service.crashed:
                fail_stop(f"agent {service} failed", service.crash_reason)
