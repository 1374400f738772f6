"""Erasure of what a person said, and retention by room."""
