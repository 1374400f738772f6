"""Tokens and stream tickets: the user that a request comes from."""
