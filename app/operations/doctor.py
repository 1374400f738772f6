"""`parley doctor`: what is missing, and what to do about it."""

from __future__ import annotations

import asyncio

from app.operations.check_machine import check_machine
from app.operations.check_services import check_services
from app.operations.findings import State, table
from app.settings import Settings


def run(settings: Settings, named: frozenset[str]) -> bool:
    """Print a table of what was found; False where something is missing.

    `named` are the settings that somebody gave: a broker of theirs has to answer, while the
    one that `parley up` would start may be off.
    """
    findings = list(check_machine(settings, own_broker="broker" not in named))
    findings += asyncio.run(check_services(settings, named))
    print(table(findings))
    return all(finding.state is not State.MISSING for finding in findings)
