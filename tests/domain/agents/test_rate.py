"""How often an agent may act."""

import pytest

from app.domain.agents.rate import parse
from app.errors import Malformed


@pytest.mark.parametrize("text", ["20/minute", "1/second", "500/hour", "3/day"])
def test_a_rate_reads_as_it_is_written(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", ["", "20", "0/minute", "20/fortnight", "-1/minute", "20 / minute"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="20/minute"):
        parse(text)
