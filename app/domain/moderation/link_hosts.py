"""Links in a text, and their hosts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(r"[^\s<>()\[\]{}\"'`,;\u3001\u3002\uff0c]+")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.]{0,20}:/{1,3}", re.ASCII)
_LABEL: Final = re.compile(r"[^\W_](?:[\w-]{0,62})")
_TOP: Final = re.compile(r"(?:xn--[a-z0-9-]+|[^\W\d_]{2,24})")
_DOTS: Final = re.compile("[\u3002\uff0e\uff61\u2024]")

#: As many as Unicode's stream-safe text format (UAX 15) allows.
_MOST_MARKS: Final = 30


class Link(NamedTuple):
    """A link's host in lower case, and its place; not `is_sure` if it is just `name.ending`."""

    host: str
    start: int
    end: int
    is_sure: bool


def links(text: str) -> list[Link]:
    """The links of a text, also those without `https://`."""
    if "." not in text and not _DOTS.search(text) and "://" not in text:
        return []
    return [
        link
        for found in _TOKEN.finditer(_DOTS.sub(".", text))
        if (link := _link(found[0], found.start())) is not None
    ]


def _link(token: str, start: int) -> Link | None:
    stripped = token.rstrip(".!?:*_~")
    if "." not in stripped and "\uff0e" not in stripped:
        return None
    bare = unicodedata.normalize("NFKC", _visible(stripped)).casefold()
    scheme = _SCHEME.match(bare)
    rest = bare[scheme.end() :] if scheme else bare
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    host = authority.rpartition("@")[2].partition(":")[0].strip(".")
    if not is_domain(host) or ("@" in authority and not scheme):
        return None
    is_sure = bool(scheme) or host.startswith("www.") or len(rest) > len(authority)
    return Link(host, start, start + len(stripped), is_sure)


def _visible(token: str) -> str:
    """The token without invisible characters, and with a limited number of marks in a row.

    Normalising sorts the marks behind a letter, in quadratic time. A label of a domain has none.
    """
    if token.isascii():
        return token
    kept: list[str] = []
    marks = 0
    for character in token:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_MARKS and unicodedata.category(character) != "Cf":
            kept.append(character)
    return "".join(kept)


def is_domain(text: str) -> bool:
    """Whether the text has the form of a domain: labels with dots, the last one of letters."""
    labels = text.lower().split(".")
    return (
        len(labels) > 1
        and len(text) <= 253
        and all(_LABEL.fullmatch(label) for label in labels)
        and _TOP.fullmatch(labels[-1]) is not None
    )


def below(host: str, domains: Collection[str]) -> bool:
    """Whether the host is one of the domains or below one."""
    labels = host.split(".")
    return any(".".join(labels[start:]) in domains for start in range(len(labels)))
