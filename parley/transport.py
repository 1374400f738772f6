"""The Faust transport of `parley://` URLs, under a name that a wheel and a checkout share."""

from __future__ import annotations

from app.stream.transport import Transport

__all__ = ["Transport"]
