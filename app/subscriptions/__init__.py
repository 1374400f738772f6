"""Subscriptions: events to services outside, each at least once, in the order of its room."""
