"""The view in Valkey: how agents write it for the edges, and how edges read and subscribe."""
