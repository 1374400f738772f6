"""The signature of webhook requests, by which a service knows that Parley sent them.

It is that of Standard Webhooks (standardwebhooks.com, version 1). Each hook has a secret of its
own, by its kind and its URL. With it the service verifies requests, and can sign nothing else: no
token, and no request to another hook.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence
from typing import Final

from app.runtime.derived_keys import KeyRing, Purpose, derive

#: The kinds of hooks.
UPLOAD: Final = "upload"
MODERATION: Final = "moderation"
PUSH: Final = "push"

PREFIX: Final = "whsec_"


def hook_secret(secret: str, kind: str, url: str) -> str:
    """The secret of a hook, as the libraries of Standard Webhooks take it."""
    return PREFIX + b64encode(derive(secret, Purpose.HOOK, kind, url)).decode()


def signed_headers(
    ring: KeyRing, kind: str, url: str, message_id: str, seconds: int, body: bytes
) -> dict[str, str]:
    """The headers of a request with a JSON body; without a secret it is not signed.

    `message_id` is the same in every attempt. While the secret changes there are two signatures, of
    which the service needs one.
    """
    if not ring.secrets:
        return {"Content-Type": "application/json"}
    keys = [derive(secret, Purpose.HOOK, kind, url) for secret in ring.secrets]
    # The last one is for services of before, which have to know PARLEY_SECRET to verify it.
    return standard_headers(keys, message_id, seconds, body) | {
        "Parley-Signature": first_signature(ring.secrets[0], seconds, body)
    }


def standard_headers(
    keys: Sequence[bytes], message_id: str, seconds: int, body: bytes
) -> dict[str, str]:
    """The headers of a request with a JSON body: a signature for each key, of which one counts."""
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
    }
    if keys:
        signed = f"{message_id}.{seconds}.".encode() + body
        signatures = [b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys]
        headers["webhook-signature"] = " ".join(f"v1,{one}" for one in signatures)
    return headers


def first_signature(secret: str, seconds: int, body: bytes) -> str:
    """The header `Parley-Signature` of earlier versions: `t=<Unix seconds>,v1=<hex>`.

    `v1` is the HMAC-SHA256 of `<seconds>.<body>`, keyed with the deployment's secret.
    """
    digest = hmac.digest(secret.encode(), f"{seconds}.".encode() + body, "sha256").hex()
    return f"t={seconds},v1={digest}"
