"""The secrets of subscriptions: sealed, derived, and through a change of the deployment's."""

from __future__ import annotations

from base64 import b64encode

import pytest

from app.errors import Malformed
from app.events import Subscription
from app.runtime.derived_keys import KeyRing
from app.subscriptions.secrets import SubscriptionSecrets

OLD, NEW = "an old secret of 32 characters or more", "a new secret of 32 characters or more!"
GIVEN = "whsec_" + b64encode(bytes(range(32))).decode()


def subscription(sealed: str = "") -> Subscription:
    return Subscription(id="sub_1", by="ann", at_ms=1, url="https://example.com", sealed=sealed)


def test_a_given_secret_is_sealed_and_opened_again() -> None:
    secrets = SubscriptionSecrets(KeyRing(OLD))
    sealed = secrets.seal("sub_1", GIVEN)
    assert b64encode(bytes(range(32))).decode() not in sealed
    assert secrets.shown(subscription(sealed)) == GIVEN
    # While the deployment's secret changes, and no longer.
    assert SubscriptionSecrets(KeyRing(NEW, OLD)).shown(subscription(sealed)) == GIVEN
    with pytest.raises(Malformed, match="sealed under another PARLEY_SECRET"):
        SubscriptionSecrets(KeyRing(NEW)).keys(subscription(sealed))


def test_a_sealed_secret_is_that_of_its_subscription_alone() -> None:
    secrets = SubscriptionSecrets(KeyRing(OLD))
    sealed = secrets.seal("sub_2", GIVEN)
    with pytest.raises(Malformed):
        secrets.keys(subscription(sealed))


def test_a_secret_is_made_where_none_is_given_and_both_count_during_a_change() -> None:
    before = SubscriptionSecrets(KeyRing(OLD)).keys(subscription())
    after = SubscriptionSecrets(KeyRing(NEW, OLD)).keys(subscription())
    assert len(before) == 1
    assert before[0] in after
    assert len(after) == 2


@pytest.mark.parametrize("secret", ["short", "whsec_c2hvcnQ=", "whsec_" + "A" * 400, "whsec_ä"])
def test_a_secret_that_is_none_is_told(secret: str) -> None:
    with pytest.raises(Malformed, match="a secret"):
        SubscriptionSecrets(KeyRing(OLD)).seal("sub_1", secret)
