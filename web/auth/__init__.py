"""Tokens and stream tickets: which person a request comes from."""
