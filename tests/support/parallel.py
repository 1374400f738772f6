"""Which tests `pytest -n 2` gives to one process: those that share servers.

Each process has a broker and a Valkey of its own, and a chat only where its tests use one: a chat
costs a quarter of a core even where nobody speaks. The tests of a file stay together.
"""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

#: The tests of the shared chat, of the shared agents, and of `parley up`, which takes Kafka's usual
#: port where it is free. Others share nothing beyond their file or their folder's chat.
_SHARED: Final = {
    "chat": (
        "tests/browser/",
        "tests/clients/",
        "tests/deploy/test_chart_runs.py",
        "tests/deploy/test_nginx.py",
        "tests/docs/test_agents.py",
        "tests/docs/test_semantics.py",
        "tests/end_to_end/test_agents.py",
        "tests/end_to_end/test_faust_bot.py",
        "tests/end_to_end/test_pulled_subscriptions.py",
        "tests/end_to_end/test_push.py",
        "tests/end_to_end/test_subscriptions.py",
        "tests/end_to_end/test_retention.py",
        "tests/end_to_end/test_verify_follow.py",
        "tests/kafka/test_foreign_records.py",
        "tests/metrics/",
        "tests/operations/",
        "tests/stream/test_local_handoff.py",
        "tests/tracing/",
        "tests/web/api/",
        "tests/web/description/",
        "tests/web/http/test_bad_input.py",
        "tests/web/limits/test_edge.py",
        "tests/web/hub/test_mass_reconnect.py",
        "tests/web/server/test_connection.py",
        "tests/web/server/test_sse_stream.py",
        "tests/web/server/test_stalled_readers.py",
        "tests/web/test_shutdown.py",
        "tests/worker/test_main.py",
        "tests/worker/test_stall_watchdog.py",
    ),
    "moderation": ("tests/moderation/",),
    "agents": ("tests/agents/", "tests/stream/"),
    "regions": ("tests/regions/",),
    "up": ("tests/docs/", "tests/local/test_real_chat.py", "tests/local/test_up.py"),
}

#: What takes minutes begins first, so that both processes end at about the same time.
_FIRST: Final = (
    *("chat", "tests/faults/", "tests/end_to_end/", "regions", "moderation", "up", "agents"),
)


class ByServers(LoadScopeScheduling):
    """Gives the next process that is free all tests that share something."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        longest = min(self.workqueue, key=_turn)
        self.workqueue.move_to_end(longest, last=False)
        super()._assign_work_unit(node)


def scope_of(nodeid: str) -> str:
    """What the test's servers are shared by: `chat`, or its file."""
    path = nodeid.partition("::")[0]
    return next((scope for scope, places in _SHARED.items() if path.startswith(places)), path)


def _turn(scope: str) -> int:
    return next((turn for turn, at in enumerate(_FIRST) if scope.startswith(at)), len(_FIRST))
