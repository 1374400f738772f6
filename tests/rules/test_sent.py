from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.rules.sent import RING, Sent, find, remember


def sent(number: int) -> Sent:
    return Sent(number, number, str(UUID(int=number)))


@given(st.lists(st.text(min_size=1, max_size=64), unique=True, max_size=3 * RING))
def test_the_last_client_ids_are_found_and_no_others(client_ids: list[str]) -> None:
    ring = b""
    for number, client_id in enumerate(client_ids, 1):
        ring = remember(ring, client_id, sent(number))
    for number, client_id in enumerate(client_ids, 1):
        kept = number > len(client_ids) - RING
        assert find(ring, client_id) == (sent(number) if kept else None)
    assert len(ring) <= 32 * RING


def test_a_client_id_that_looks_like_another_entrys_inside_is_not_found() -> None:
    ring = remember(b"", "a", Sent(1, 1, str(UUID(bytes=b"x" * 16))))
    assert find(ring, "b") is None
