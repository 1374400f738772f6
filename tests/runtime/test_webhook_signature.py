"""The signature of webhook requests, verified by the library of Standard Webhooks."""

from __future__ import annotations

import hmac
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.runtime.derived_keys import KeyRing
from app.runtime.webhook_signature import MODERATION, UPLOAD, hook_secret, signed_headers

OLD, NEW = "o" * 32, "n" * 32
URL = "https://hook.example/before"
BODY = b'{"text":"hello"}'


def signed(ring: KeyRing, kind: str = MODERATION, url: str = URL, body: bytes = BODY) -> Any:
    return signed_headers(ring, kind, url, "msg_1", int(time.time()), body)


@given(st.binary(max_size=50).map(lambda raw: b'{"text":"%b"}' % raw.hex().encode()))
def test_the_library_of_standard_webhooks_takes_a_request_of_ours(body: bytes) -> None:
    headers = signed(KeyRing(OLD), body=body)
    assert Webhook(hook_secret(OLD, MODERATION, URL)).verify(body, headers)


@pytest.mark.parametrize(
    "other",
    [
        hook_secret(OLD, UPLOAD, URL),
        hook_secret(OLD, MODERATION, URL + "/"),
        hook_secret(NEW, MODERATION, URL),
    ],
)
def test_the_secret_of_another_hook_verifies_nothing(other: str) -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(BODY, signed(KeyRing(OLD)))


@pytest.mark.parametrize("change", ["webhook-id", "webhook-timestamp", "body"])
def test_what_was_changed_on_the_way_is_noticed(change: str) -> None:
    headers, body = signed(KeyRing(OLD)), BODY
    if change == "body":
        body += b" "
    else:
        headers[change] = headers[change][:-1] + ("1" if headers[change][-1] != "1" else "2")
    with pytest.raises(WebhookVerificationError):
        Webhook(hook_secret(OLD, MODERATION, URL)).verify(body, headers)


def test_while_the_secret_changes_a_service_may_have_either() -> None:
    for ring in (KeyRing(OLD, NEW), KeyRing(NEW, OLD)):
        for secret in (OLD, NEW):
            assert Webhook(hook_secret(secret, MODERATION, URL)).verify(BODY, signed(ring))


def test_the_header_of_before_is_there_for_services_that_check_it() -> None:
    headers = signed(KeyRing(OLD))
    seconds, digest = headers["Parley-Signature"].removeprefix("t=").split(",v1=")
    wanted = hmac.digest(OLD.encode(), seconds.encode() + b"." + BODY, "sha256").hex()
    assert (seconds, digest) == (headers["webhook-timestamp"], wanted)


def test_without_a_secret_nothing_is_signed() -> None:
    assert signed(KeyRing("")) == {"Content-Type": "application/json"}
