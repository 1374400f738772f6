from __future__ import annotations

import pytest

from tests.docs.markdown import ROOT, steps
from tests.docs.terminal import Terminal

PAGE = ROOT / "docs" / "api-description.md"


@pytest.mark.timeout(60)
async def test_the_documents_are_where_the_page_says(terminal: Terminal) -> None:
    await terminal.follow(steps(PAGE))
