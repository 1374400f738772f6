"""The rules that ship."""

from __future__ import annotations

from app.rule_kinds import known_kinds

KINDS = known_kinds()
