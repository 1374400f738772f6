"""The signature of webhook requests, by which a service knows that Parley sent them."""

from __future__ import annotations

import hmac


def signature(secret: str, seconds: int, body: bytes) -> str:
    """The header `Parley-Signature`: `t=<Unix seconds>,v1=<hex>`.

    `v1` is the HMAC-SHA256 of `<seconds>.<body>`, keyed with the deployment's secret.
    """
    digest = hmac.digest(secret.encode(), f"{seconds}.".encode() + body, "sha256").hex()
    return f"t={seconds},v1={digest}"
