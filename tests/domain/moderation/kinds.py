"""The kinds of rules that Parley ships."""

from __future__ import annotations

from app.moderation.rule_plugins import rule_kinds

KINDS = rule_kinds()
