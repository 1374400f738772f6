"""The messages of a page of history."""

from __future__ import annotations

from collections.abc import Mapping


def wanted(head: int, before: int | None, after: int | None, limit: int) -> range:
    """The `seq`s of a page of a room whose newest message is `head`.

    With neither bound the newest `limit`; with `before` the `limit` messages below it; with
    `after` the first `limit` above it; with both the first `limit` between the two.
    """
    low = 1 if after is None else after + 1
    high = head if before is None else min(head, before - 1)
    if after is None:
        low = max(low, high - limit + 1)
    else:
        high = min(high, after + limit)
    return range(low, max(high, low - 1) + 1)


def filled(
    page: range,
    messages: Mapping[int, object],
    *,
    upward: bool,
) -> range:
    """The longest part of `page` without a gap, from the end at which the reader begins.

    That is the low end if the page is read `upward` (after a message), else the high end. The
    result is empty if the first message is not there.
    """
    run = 0
    for seq in page if upward else reversed(page):
        if seq not in messages:
            break
        run += 1
    if upward:
        return page[:run]
    return page[len(page) - run :]
