"""A group without low latency gathers while many messages come, and only then."""

from __future__ import annotations

import pytest

from app.domain.fetch_policy import should_gather

#: Seconds from one fetch to the next: without and with gathering.
PROMPT, GATHERED = 0.012, 0.2


def ends_up(rate: float, *, already: bool) -> bool:
    """Whether it should_gather after a while of so many messages a second."""
    for _ in range(10):
        already = should_gather(round(rate * (GATHERED if already else PROMPT)), already=already)
    return already


@pytest.mark.parametrize("already", [False, True])
@pytest.mark.parametrize(("rate", "gathering"), [(1, False), (200, False), (1000, True)])
def test_it_gathers_at_a_high_rate_alone(rate: float, gathering: bool, already: bool) -> None:
    assert ends_up(rate, already=already) is gathering


@pytest.mark.parametrize("rate", [400, 500, 600])
def test_between_them_it_stays_as_it_is(rate: float) -> None:
    assert ends_up(rate, already=True)
    assert not ends_up(rate, already=False)


def test_a_lone_message_ends_it() -> None:
    assert not should_gather(1, already=True)
