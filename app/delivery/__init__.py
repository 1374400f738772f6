"""Valkey: what the agents write there for the edges, and how the edges read it."""
