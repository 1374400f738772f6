"""Erasure of a user's messages, and retention by room."""
