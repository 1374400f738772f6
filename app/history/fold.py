"""Folding of texts for searching."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """The text without the differences that a search ignores.

    Case (`Straße` is `STRASSE`) and variants of a character (full-width letters, composed accents)
    are removed; accents stay. Not done by the databases, whose case rules depend on their locale,
    so that every store finds the same.
    """
    composed = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    # PostgreSQL's text can't have U+0000, and neither database takes a lone surrogate.
    return composed.replace("\0", " ").encode("utf-8", "replace").decode()
