from __future__ import annotations

import pytest

from tests.support.parallel import scope_of

#: Fixtures of the whole run that cost something as long as it lasts.
SHARED = {"shared_chat": "chat", "browser": "chat", "bench": "agents"}


@pytest.mark.parametrize("fixture", SHARED)
def test_all_tests_of_a_shared_server_run_in_one_process(
    request: pytest.FixtureRequest, fixture: str
) -> None:
    """Of the tests of this run."""
    users = [item for item in request.session.items if fixture in _fixtures(item)]
    apart = {item.nodeid for item in users if scope_of(item.nodeid) != SHARED[fixture]}
    assert not apart, f"add to tests/support/parallel.py: {sorted(apart)}"


def _fixtures(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


def test_a_file_of_no_shared_server_stays_together() -> None:
    assert scope_of("tests/history/test_store.py::test_a[x::y]") == "tests/history/test_store.py"
