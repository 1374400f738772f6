from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT

FOLDER = ROOT / "docs" / "decisions"
INDEX = FOLDER / "README.md"
PAGES = sorted(page for page in FOLDER.glob("*.md") if page != INDEX)

#: A row of the index: the page, and its status.
_ROW = re.compile(r"^\| \[[\w-]+\]\(([\w-]+\.md)\) \| .+ \| (.+) \|$", re.MULTILINE)

#: The line below a page's title: its status, and perhaps the date of the decision.
_STATUS = re.compile(
    r"\A# .+\n\nStatus: (accepted|superseded by \[[\w-]+\]\([\w-]+\.md\))(?:, \d{4}-\d\d-\d\d)?\n"
)


def test_the_index_has_every_page_once_in_alphabetical_order() -> None:
    listed = [page for page, _ in _ROW.findall(INDEX.read_text())]
    assert listed == [page.name for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_the_status_that_the_index_shows(page: Path) -> None:
    status = _STATUS.match(page.read_text())
    assert status is not None, "no status below the title"
    assert dict(_ROW.findall(INDEX.read_text()))[page.name] == status[1]
