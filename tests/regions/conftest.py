"""Two regions, for all tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.regions.two_regions import Region, two_regions


@pytest.fixture(scope="package")
async def regions(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Region]]:
    """Regions `eu` and `us`, which every test leaves in step; the last one leaves all to `us`."""
    async with two_regions(tmp_path_factory.mktemp("regions")) as found:
        yield found
