from __future__ import annotations

import re

from tests.docs.markdown import ROOT, blocks, links

PAGE = ROOT / "docs" / "architecture.md"


def test_every_station_of_the_picture_is_a_file_that_the_page_links() -> None:
    (picture,) = blocks(PAGE, "mermaid")
    stations = set(re.findall(r"(?:agents|app|web)/[\w/]+\.(?:py|lua)", picture))
    linked = {link.removeprefix("../") for link in links(PAGE)}
    assert len(stations) > 15
    assert stations <= linked
