"""Topics that belong to a consumer's assignment and are not fetched by it.

Faust has a table's changelog assigned with the topics that the table follows. Where somebody else
reads it, aiokafka would still look at each of its partitions, several times for each fetch: paused
ones, too, each with a future that is waited for. With six tables that was a tenth of a worker.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any


class _Share:
    """An assignment without some of its topics, as the fetcher looks at it."""

    def __init__(self, assignment: Any, topics: Set[str]) -> None:
        self.assignment = assignment
        self.tps = frozenset(place for place in assignment.tps if place.topic not in topics)
        self.state_value = assignment.state_value


def leave_out(fetcher: Any, topics: Set[str]) -> None:
    """Have an aiokafka fetcher never ask for these topics."""
    stock = type(fetcher)._get_actions_per_node
    shares: list[_Share] = []

    def actions(assignment: Any) -> Any:
        if not shares or shares[0].assignment is not assignment:
            shares[:] = [_Share(assignment, topics)]
        return stock(fetcher, shares[0])

    fetcher._get_actions_per_node = actions
