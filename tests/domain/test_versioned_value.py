from __future__ import annotations

import pytest

from app.domain.versioned_value import newer, wrap


def test_a_value_takes_the_place_of_what_is_older_or_as_old() -> None:
    assert newer(wrap(3, b"x"), None)
    assert newer(wrap(3, b"x"), wrap(3, b"y"))
    assert not newer(wrap(2, b"x"), wrap(3, b"y"))
    assert newer(wrap(4, None), wrap(3, b"y"))


@pytest.mark.parametrize(
    "raw", [None, b"", b"short", b"{" * 100, b"\xff" * 100, wrap(1 << 60, b"x")]
)
def test_what_nobody_has_wrapped_takes_no_place(raw: bytes | None) -> None:
    assert not newer(raw, wrap(3, b"y"))
    assert not newer(raw, None)
