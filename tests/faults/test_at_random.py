"""Faults that coincide lose nothing either."""

from __future__ import annotations

import random
import sys

import pytest

from tests.faults.frail import Frail, kept_running
from tests.faults.load import FULL, Load
from tests.faults.mischief import Mischief

pytestmark = [pytest.mark.faults, pytest.mark.long]

SECONDS = 60.0


@pytest.mark.timeout(600)
async def test_whatever_comes_together_loses_nothing(frail: Frail) -> None:
    chat, mischief = frail.chat, Mischief(frail, random.randrange(sys.maxsize))
    await frail.second_worker()
    await chat.start_edge()
    try:
        async with (
            kept_running(*chat.workers, *chat.edges),
            Load(chat, FULL, patience=240.0) as load,
        ):
            await load.steady(2)
            await mischief.go_on(SECONDS)
            await frail.back(load, f"{len(mischief.done) - 1} faults at random")
            await load.steady(4)
        await frail.unharmed(load)
    except BaseException:
        print("\n".join(mischief.done))
        raise
