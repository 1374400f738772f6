"""The claim that makes an admin, as the setting names it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.runtime.admin_claim import AdminClaim

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)


@pytest.mark.parametrize(
    ("setting", "claims", "admin"),
    [
        ("parley_admin", {"parley_admin": True}, True),
        ("parley_admin", {"parley_admin": 1}, False),
        ("parley_admin", {"parley_admin": "true"}, False),
        ("parley_admin", {}, False),
        ("roles=chat-admin", {"roles": ["staff", "chat-admin"]}, True),
        ("roles=chat-admin", {"roles": ["chat-administrator"]}, False),
        ("roles=chat-admin", {"roles": "chat-admin"}, True),
        ("roles=chat-admin", {"roles": True}, False),
        ("roles=chat-admin", {"parley_admin": True}, False),
        ("scope=chat:admin", {"scope": "read chat:admin"}, True),
        ("scope=chat:admin", {"scope": "read chat:admins"}, False),
        ("https://example.com/roles=a=b", {"https://example.com/roles": ["a=b"]}, True),
    ],
)
def test_an_admin_has_the_claim_that_the_setting_names(
    setting: str, claims: dict[str, Any], admin: bool
) -> None:
    assert AdminClaim(setting).holds(claims) is admin
    assert str(AdminClaim(setting)) == setting


@given(st.sampled_from(["parley_admin", "roles=x"]), values)
def test_any_other_value_makes_nobody_an_admin(setting: str, value: Any) -> None:
    claim = AdminClaim(setting)
    rightful = value is True if "=" not in setting else False
    if isinstance(value, list | str) and "=" in setting:
        rightful = "x" in (value if isinstance(value, list) else value.split(" "))
    assert claim.holds({setting.partition("=")[0]: value}) is rightful


@pytest.mark.parametrize("setting", ["parley_admin", "roles=chat-admin"])
def test_a_development_token_of_an_admin_has_it(setting: str) -> None:
    assert AdminClaim(setting).holds(AdminClaim(setting).of_admin())
