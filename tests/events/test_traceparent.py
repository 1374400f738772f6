from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.events import Traceparent, trace_of, traceparent_of

HEADER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
HEX = "0123456789abcdef"


def ids(length: int) -> st.SearchStrategy[str]:
    return st.text(HEX, min_size=length, max_size=length).filter(lambda text: text.strip("0"))


places = st.builds(Traceparent, ids(32), ids(16), st.booleans())


@given(places)
def test_what_is_written_is_read_again_as_text_and_as_bytes(place: Traceparent) -> None:
    assert traceparent_of(str(place)) == traceparent_of(str(place).encode()) == place


@given(st.one_of(st.text(), st.binary(), st.text(HEX + "-", min_size=50, max_size=60)))
def test_whatever_comes_is_a_span_or_none(text: str | bytes) -> None:
    place = traceparent_of(text)
    assert place is None or traceparent_of(str(place)) == place


@given(places, st.integers(0, 54), st.characters(exclude_characters=HEX + "-"))
def test_a_character_that_does_not_belong_there_makes_it_none(
    place: Traceparent, index: int, wrong: str
) -> None:
    text = str(place)
    assert traceparent_of(text[:index] + wrong + text[index + 1 :]) is None


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", b"", HEADER[:-1], HEADER + "-", HEADER + "0", HEADER.upper(), " " + HEADER),
        *(HEADER.replace("00-", "ff-", 1), "01" + HEADER[2:] + "0", HEADER + "\n", HEADER * 100),
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
        HEADER.encode() + b"\xff",
    ],
)
def test_a_malformed_header_counts_as_none(text: str | bytes | None) -> None:
    assert traceparent_of(text) is None


def test_a_later_version_may_have_more_behind_a_dash() -> None:
    assert traceparent_of("cc" + HEADER[2:] + "-what-comes") == traceparent_of(HEADER)


def test_the_flags_say_whether_it_is_sampled() -> None:
    flags = {flag: traceparent_of(HEADER[:-2] + flag) for flag in ("00", "01", "02", "03")}
    assert [place.sampled for place in flags.values() if place] == [False, True, False, True]


def test_the_field_of_an_event_is_found_only_where_it_is_the_events_own_last_one() -> None:
    assert str(trace_of(f'{{"text":"x","trace":"{HEADER}"}}'.encode())) == HEADER
    for other in (
        f'{{"meta":{{"trace":"{HEADER}"}}}}',
        f'{{"text":"\\",\\"trace\\":\\"{HEADER}"}}',
        f'{{"trace":"{HEADER}","text":"x"}}',
        '{"text":"x"}',
        "",
    ):
        assert trace_of(other.encode()) is None
