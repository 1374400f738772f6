from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.history.store import History
from tests.history.room import entries, messages_of

ROOM = entries("lobby", 40)
WHOLE = messages_of(ROOM)
SEQ = st.integers(-2, 43)
# All examples share one store; to fill it again changes nothing.
many = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def filled(history: History) -> History:
    await history.append([*ROOM, *entries("another", 40)])
    return history


@many
@given(limit=st.integers(1, 45))
async def test_pages_backwards_put_together_are_the_whole(history: History, limit: int) -> None:
    store = await filled(history)
    page = await store.page("lobby", limit=limit)
    together = page
    while page:
        first = len(WHOLE) - len(together) + 1
        page = await store.page("lobby", before_seq=first, limit=limit)
        assert len(page) == min(limit, first - 1)
        together = page + together
    assert together == WHOLE


@many
@given(limit=st.integers(1, 45))
async def test_pages_forwards_put_together_are_the_whole(history: History, limit: int) -> None:
    store = await filled(history)
    together: list[bytes] = []
    while page := await store.page("lobby", after_seq=len(together), limit=limit):
        together += page
    assert together == WHOLE


@many
@given(after=st.none() | SEQ, before=st.none() | SEQ, limit=st.integers(0, 45))
async def test_page_is_the_end_of_the_range_that_was_asked_for(
    history: History, after: int | None, before: int | None, limit: int
) -> None:
    store = await filled(history)
    low = 0 if after is None else after
    high = len(WHOLE) + 1 if before is None else before
    within = [event for seq, event in enumerate(WHOLE, 1) if low < seq < high]
    wanted = within[:limit] if after is not None else within[max(0, len(within) - limit) :]
    assert await store.page("lobby", after_seq=after, before_seq=before, limit=limit) == wanted
