"""Signing what is sent to services of the operator's own, so that they know whom it is from."""

from __future__ import annotations

import hmac


def signature(secret: str, seconds: int, body: bytes) -> str:
    """The header `Parley-Signature`: `t=<unix seconds>,v1=<hex>`.

    HMAC-SHA256, keyed with the deployment's secret, of `<seconds>.<body>`.
    """
    digest = hmac.digest(secret.encode(), f"{seconds}.".encode() + body, "sha256").hex()
    return f"t={seconds},v1={digest}"
