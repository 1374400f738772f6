"""A key for each purpose, from an old and a new secret."""

from __future__ import annotations

import hmac
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from app.runtime.derived_keys import KeyRing, Purpose, derive, key_id, length_prefixed

OLD, NEW = "o" * 32, "n" * 32

purposes = st.sampled_from(Purpose)
parts = st.lists(st.text(max_size=4), max_size=4)


def hkdf(secret: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 of one block without a salt, as RFC 5869 has it."""
    extracted = hmac.digest(bytes(32), secret, sha256)
    return hmac.digest(extracted, info + b"\x01", sha256)


@given(purposes, parts)
def test_a_key_is_hkdf_of_the_secret_by_purpose_and_parts(
    purpose: Purpose, more: list[str]
) -> None:
    info = b"".join(
        len(part.encode()).to_bytes(4, "big") + part.encode()
        for part in ("parley/1", purpose.value, *more)
    )
    assert derive(OLD, purpose, *more) == hkdf(OLD.encode(), info)


@given(purposes, parts, purposes, parts)
def test_two_purposes_or_parts_never_share_a_key(
    one: Purpose, ones: list[str], other: Purpose, others: list[str]
) -> None:
    same = (one, ones) == (other, others)
    assert (derive(OLD, one, *ones) == derive(OLD, other, *others)) is same


@given(parts, parts)
def test_no_two_lists_of_parts_are_the_same_bytes(ones: list[str], others: list[str]) -> None:
    assert (length_prefixed(*ones) == length_prefixed(*others)) is (ones == others)


def test_a_key_id_tells_secrets_apart_and_is_no_key_of_theirs() -> None:
    assert key_id(OLD) != key_id(NEW)
    assert not any(
        derive(OLD, one).hex().startswith(key_id(OLD)) for one in set(Purpose) - {Purpose.KEY_ID}
    )


@given(purposes, st.booleans(), st.booleans(), st.sampled_from([b"", b"cursor"]))
def test_each_signature_that_one_ring_gives_is_good_for_every_other_of_a_rotation(
    purpose: Purpose, derived: bool, other_derived: bool, first_form: bytes
) -> None:
    stages = [(OLD, ""), (OLD, NEW), (NEW, OLD), (NEW, "")]
    rings = [KeyRing(*secrets, derived=derived) for secrets in stages]
    others = [KeyRing(*secrets, derived=other_derived) for secrets in stages]
    for number, ring in enumerate(rings):
        signs = ring.keys(purpose, first_form)[0].key
        for near in others[max(0, number - 1) : number + 2]:
            assert signs in [one.key for one in near.keys(purpose, first_form)]


@given(purposes, parts)
def test_a_ring_signs_with_its_first_secret_alone(purpose: Purpose, more: list[str]) -> None:
    ring = KeyRing(NEW, OLD)
    assert ring.keys(purpose)[0] == (derive(NEW, purpose), key_id(NEW), True)
    first = hmac.digest(derive(NEW, purpose), length_prefixed(*more), "sha256")
    assert ring.digests(purpose, more)[0] == first
    assert len(set(ring.digests(purpose, more))) == 2


def test_the_first_form_counts_where_its_text_is_told_apart_and_nowhere_else() -> None:
    ring = KeyRing(OLD)
    assert len(ring.digests(Purpose.NEW_ROOM, ("direct", "alice/bob"))) == 1
    said = ring.digests(Purpose.NEW_ROOM, ("ann", "1"), "ann/1")
    assert hmac.digest(OLD.encode(), b"ann/1", "sha256") in said


def test_without_a_secret_there_is_no_key() -> None:
    assert KeyRing("").keys(Purpose.TICKET) == []
    assert KeyRing("", OLD).secrets == (OLD,)
