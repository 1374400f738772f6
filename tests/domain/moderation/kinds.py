"""The rules that ship."""

from __future__ import annotations

from app.moderation.rule_plugins import rule_kinds

KINDS = rule_kinds()
