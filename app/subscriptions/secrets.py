"""The secrets by which endpoints verify their requests: given by their owners, or derived."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from binascii import Error
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import Malformed
from app.events import Subscription
from app.runtime.derived_keys import KeyRing, Purpose, derive
from app.runtime.webhook_signature import PREFIX

#: Bytes of a secret, by the specification of Standard Webhooks.
SHORTEST: Final = 24
LONGEST: Final = 64

_NONCE: Final = 12


class SubscriptionSecrets:
    """Seals the secrets that owners give, and has the keys of each subscription.

    `chat.subscriptions` never has a secret in the clear: a given one is encrypted by a key that
    follows from the deployment's secret.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    def seal(self, subscription: str, secret: str) -> str:
        """A secret such as `whsec_…`, encrypted; raises `Malformed` with what is wrong with it."""
        if not self._ring.secrets:
            raise Malformed("a secret can be kept where PARLEY_SECRET is set, and it is not")
        raw = _decoded(secret)
        nonce = os.urandom(_NONCE)
        key = derive(self._ring.secrets[0], Purpose.SUBSCRIPTION_SEAL)
        return b64encode(nonce + AESGCM(key).encrypt(nonce, raw, subscription.encode())).decode()

    def keys(self, subscription: Subscription) -> list[bytes]:
        """The keys that sign requests; while the deployment's secret changes there may be two.

        Raises `Malformed` where a sealed secret can't be opened.
        """
        if not subscription.sealed:
            name = subscription.id
            return [derive(one, Purpose.SUBSCRIPTION, name) for one in self._ring.secrets]
        raw = b64decode(subscription.sealed)
        for secret in self._ring.secrets:
            key = derive(secret, Purpose.SUBSCRIPTION_SEAL)
            try:
                nonce, sealed = raw[:_NONCE], raw[_NONCE:]
                return [AESGCM(key).decrypt(nonce, sealed, subscription.id.encode())]
            except InvalidTag:
                continue
        raise Malformed(
            f"the secret of the subscription {subscription.id} was sealed under another"
            " PARLEY_SECRET: give it anew"
        )

    def shown(self, subscription: Subscription) -> str:
        """The secret as the libraries of Standard Webhooks take it; empty: requests are unsigned.

        Raises `Malformed` where a sealed secret can't be opened.
        """
        keys = self.keys(subscription)
        return PREFIX + b64encode(keys[0]).decode() if keys else ""


def _decoded(secret: str) -> bytes:
    try:
        raw = b64decode(secret.removeprefix(PREFIX), validate=True)
    except (Error, ValueError):
        raise Malformed(f"a secret is {PREFIX} and base64, as Standard Webhooks say") from None
    if not SHORTEST <= len(raw) <= LONGEST:
        raise Malformed(f"a secret has {SHORTEST} to {LONGEST} bytes; this one has {len(raw)}")
    return raw
