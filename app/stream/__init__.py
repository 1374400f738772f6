"""Replacements for parts of Faust: consumer, batch loop, tables, checkpoint, recovery."""
