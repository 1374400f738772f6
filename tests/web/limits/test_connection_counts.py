from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from web.limits.connection_counts import RESERVED, ConnectionCounts

PROXY = "10.0.0.1"


def counts(most: int, open_files: int) -> ConnectionCounts:
    return ConnectionCounts(most, open_files, lambda peer: peer == PROXY)


def test_one_address_has_no_more_than_it_may() -> None:
    these = counts(100, 10_000)
    assert sum(these.enter("1.2.3.4") for _ in range(500)) == 100
    assert these.enter("1.2.3.5")
    these.leave("1.2.3.4")
    assert these.enter("1.2.3.4")
    assert not these.enter("1.2.3.4")


def test_one_address_leaves_three_quarters_of_the_open_files_to_others() -> None:
    these = counts(1_000, 256)
    assert sum(these.enter("1.2.3.4") for _ in range(400)) == (256 - RESERVED) // 4
    assert these.enter("1.2.3.5")


def test_no_number_of_addresses_takes_the_files_that_the_edge_needs() -> None:
    these = counts(1_000, 256)
    taken = sum(these.enter(f"1.2.3.{number}") for number in range(250) for _ in range(40))
    assert taken == 256 - RESERVED


def test_without_a_limit_one_address_may_have_them_all() -> None:
    these = counts(0, 1_000)
    assert sum(these.enter("1.2.3.4") for _ in range(2_000)) == 1_000 - RESERVED


def test_a_proxy_has_the_connections_of_all_its_clients() -> None:
    these = counts(10, 1_000)
    assert all(these.enter(PROXY) for _ in range(500))


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["1.1.1.1", "2.2.2.2", PROXY]))))
def test_what_has_entered_and_left_is_forgotten(steps: list[tuple[bool, str]]) -> None:
    these, there = counts(5, RESERVED + 80), Counter[str]()
    for enters, peer in steps:
        if enters and these.enter(peer):
            there[peer] += 1
        elif not enters and there[peer]:
            these.leave(peer)
            there[peer] -= 1
        assert there["1.1.1.1"] <= 5
    for peer, number in there.items():
        for _ in range(number):
            these.leave(peer)
    assert sum(these.enter("1.1.1.1") for _ in range(10)) == 5
