"""AsyncAPI 3 of the topics."""

from __future__ import annotations

from typing import Any


def asyncapi() -> dict[str, Any]:
    """The document."""
    return {}
