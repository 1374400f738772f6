"""Moderation at run time: active rule sets, rule plug-ins, the outside hook, the audit log."""
