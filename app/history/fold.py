"""What a text becomes for searching."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """The text without the differences that searching overlooks.

    Case (`Straße` is `STRASSE`) and ways of writing one character (full-width letters, composed
    accents) are gone; accents stay. Done here and not by the databases, whose own idea of case
    differs with their locale, so that the same is found in each.
    """
    composed = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    # PostgreSQL's text takes no U+0000, neither takes half of a surrogate pair.
    return composed.replace("\0", " ").encode("utf-8", "replace").decode()
