"""Ending the process where it is in doubt; its successor begins at the last commit."""

from __future__ import annotations

import os

import structlog
from mode.supervisors import SupervisorStrategy

log = structlog.get_logger()

#: sysexits.h: EX_SOFTWARE. The supervisor starts the process again whatever the code.
EXIT_FAIL_STOP = 70


def fail_stop(what: str, error: BaseException | None) -> None:
    """End the process at once and without a commit, saying why."""
    log.critical(f"{what}, the process ends", exc_info=error)
    os._exit(EXIT_FAIL_STOP)


class FailStopSupervisor(SupervisorStrategy):
    """Ends the process where an agent fails, at once and without a commit."""

    def wakeup(self) -> None:
        """Called by Faust when an agent has raised."""
        for service in self._services:
            if service.crashed:
                fail_stop(f"agent {service} failed", service.crash_reason)
