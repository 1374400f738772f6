"""The refusal of a request that is one too many, and the headers that say what is left."""

from __future__ import annotations

import math
from typing import Final

from app.domain.rate_limit import Left, Rate
from web.http.problem import Problem

#: Refusals of tokens that the issuer has signed: clients have those, and come with new ones.
_GENUINE: Final = frozenset({"token_expired", "token_revoked"})


def is_failed_login(problem: Problem) -> bool:
    """Whether the problem is with a token that nobody may have signed."""
    return problem.status == 401 and problem.code not in _GENUINE


class RateLimited(Problem):
    """429 `rate_limited`: the bucket of this kind has no room; `retry_after` in seconds."""

    def __init__(self, kind: str, rate: Rate, left: Left, retry_after: float) -> None:
        again = max(1, math.ceil(retry_after))
        headers = {"Retry-After": str(again), **headers_of(kind, rate, left)}
        detail = f"too many requests of the kind {kind!r}; try again in {again} s"
        super().__init__("rate_limited", detail, headers=headers, limit=kind)
        self.retry_after = retry_after


def headers_of(kind: str, rate: Rate, left: Left) -> dict[str, str]:
    """The `RateLimit` headers (draft-ietf-httpapi-ratelimit-headers-10).

    The policy `q` requests in `w` seconds; `r` of them are left, and all are back in `t` seconds.
    """
    return {
        "RateLimit-Policy": f'"{kind}";q={int(rate.burst)};w={math.ceil(rate.seconds)}',
        "RateLimit": f'"{kind}";r={left.remaining};t={math.ceil(left.reset)}',
    }
