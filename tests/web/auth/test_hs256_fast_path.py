"""The quick check of tokens says yes only where the library does."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from hypothesis import given
from hypothesis import strategies as st

from web.auth.hs256_fast_path import claims

SECRET = "s" * 48
NOW = int(time.time())

times = st.one_of(
    st.integers(NOW - 100, NOW + 1000), st.floats(NOW - 100, NOW + 1000), st.just("soon"), st.none()
)
given_claims = st.fixed_dictionaries(
    {"sub": st.one_of(st.text(max_size=5), st.integers())},
    optional={
        **dict.fromkeys(("exp", "nbf", "iat"), times),
        "jti": st.one_of(st.integers(), st.text(max_size=5)),
        "aud": st.just("a"),
    },
)


def library(token: str, secret: str) -> dict[str, Any] | None:
    options: Any = {"require": ["sub", "exp"], "verify_aud": False, "verify_iat": False}
    try:
        return jwt.decode(token, secret, algorithms=["HS256"], leeway=10, options=options)
    except jwt.PyJWTError:
        return None


@given(
    given_claims,
    st.sampled_from(["HS256", "HS384"]),
    st.sampled_from([SECRET, "x" * 48]),
    st.sampled_from([{}, {"kid": "one"}, {"kid": "one", "crit": []}]),
)
def test_what_it_takes_the_library_takes(
    body: dict[str, Any], algorithm: str, key: str, header: dict[str, Any]
) -> None:
    token = _signed(body, key, algorithm, header)
    found = claims(token, SECRET.encode(), time.time(), 10)
    if found is not None:
        assert found == library(token, SECRET) == body


def test_an_ordinary_token_is_taken_and_a_changed_one_is_not() -> None:
    now = int(time.time())
    body = {"sub": "ann", "exp": now + 60, "iat": now + 50, "jti": "1"}
    token = _signed(body, SECRET, "HS256", {"kid": "one"})
    assert claims(token, SECRET.encode(), time.time(), 10) is not None
    for place in range(0, len(token), 7):
        other = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert claims(other, SECRET.encode(), time.time(), 10) is None


def _signed(body: dict[str, Any], key: str, algorithm: str, header: dict[str, Any]) -> str:
    # The library refuses to sign some of what others might.
    return jwt.api_jws.encode(json.dumps(body).encode(), key, algorithm, header)
