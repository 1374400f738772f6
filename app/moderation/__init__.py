"""Moderation at run time: active rule sets, rule plug-ins, the webhook, the audit log."""
