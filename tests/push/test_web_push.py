"""The encryption of Web Push and the sender's key, against the RFCs and another implementation."""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode

import http_ece
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Malformed
from app.push.web_push import (
    BODY_BYTES,
    PAYLOAD_BYTES,
    SenderKey,
    browser_keys,
    encrypted,
    encrypted_with,
    new_private_key,
)
from tests.support.push_service import Browser

#: RFC 8291, 5 and appendix A.
PLAIN = b"When I grow up, I want to be a watermelon"
SENDER = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
THEIRS = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6T"
    "lzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4"
    "a-fN"
)


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_example_of_the_rfc_is_encrypted_as_it_says() -> None:
    own = ec.derive_private_key(int.from_bytes(raw(SENDER), "big"), ec.SECP256R1())
    body = encrypted_with(PLAIN, browser_keys(THEIRS, AUTH), own, raw(SALT))
    assert urlsafe_b64encode(body).decode().rstrip("=") == BODY


@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=PAYLOAD_BYTES))
def test_another_implementation_decrypts_every_payload(payload: bytes) -> None:
    browser = Browser()
    body = encrypted(payload, browser_keys(*browser.keys))
    assert len(body) <= BODY_BYTES
    found = http_ece.decrypt(
        body, private_key=browser.private, auth_secret=browser.auth, version="aes128gcm"
    )
    assert found == payload


def test_no_two_bodies_are_alike() -> None:
    keys = browser_keys(THEIRS, AUTH)
    assert encrypted(PLAIN, keys) != encrypted(PLAIN, keys)


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [
        ("", AUTH),
        (THEIRS, ""),
        (THEIRS, AUTH[:-4]),
        (THEIRS[:-4], AUTH),
        ("BA" + THEIRS[2:], AUTH),
        ("\u00e9" * 87, AUTH),
        (THEIRS, "!" * 22),
        # The point compressed: push services and browsers have it in full.
        (urlsafe_b64encode(b"\x02" + raw(THEIRS)[1:33]).decode(), AUTH),
    ],
)
def test_keys_that_are_none_are_refused(p256dh: str, auth: str) -> None:
    with pytest.raises(Malformed):
        browser_keys(p256dh, auth)


def test_a_push_service_can_verify_who_sends() -> None:
    key, now = SenderKey(SENDER, "mailto:me@example.org"), int(time.time())
    header = key.authorization("https://push.example.org:8443/a/b?c", now)
    assert header.startswith("vapid t=")
    token, public = header.removeprefix("vapid t=").split(", k=")
    assert public == key.public
    verifying = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw(public))
    claims = jwt.decode(
        token, verifying, algorithms=["ES256"], audience="https://push.example.org:8443"
    )
    assert claims["sub"] == "mailto:me@example.org"
    assert now < claims["exp"] <= now + 24 * 60 * 60


def test_a_signature_is_made_anew_before_it_expires() -> None:
    key, now = SenderKey(new_private_key()), int(time.time())
    first = key.authorization("https://push.example.org/a", now)
    assert key.authorization("https://push.example.org/b", now + 60) == first
    assert key.authorization("https://other.example.org/b", now) != first
    assert key.authorization("https://push.example.org/a", now + 7 * 60 * 60) != first


def test_a_key_that_is_none_is_refused() -> None:
    for wrong in ("", "AA", "A" * 43, "not base64!"):
        with pytest.raises(Malformed):
            SenderKey(wrong)
