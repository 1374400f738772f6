"""The rules that ship."""

from __future__ import annotations

from app.moderation.rule_plugins import known_kinds

KINDS = known_kinds()
