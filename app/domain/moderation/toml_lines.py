"""Line numbers in a TOML text, which the parser does not give."""

from __future__ import annotations

import re


def line_of(source: str, table: str, place: int, key: str) -> int:
    """The line, from 1, of a key in occurrence `place` of the table, or of the table's heading."""
    lines = source.splitlines()
    heading = re.compile(rf"\s*\[\[?\s*['\"]?{re.escape(table)}['\"]?\s*(\]|\.)")
    found = [number for number, line in enumerate(lines) if heading.match(line)]
    if not found:
        return _first(lines, rf"\s*['\"]?{re.escape(table)}['\"]?\s*[.=]", 0) + 1
    start = found[min(place, len(found) - 1)]
    if not key:
        return start + 1
    for number in range(start + 1, len(lines)):
        if re.match(r"\s*\[", lines[number]) and "=" not in lines[number]:
            break
        if re.match(rf"\s*['\"]?{re.escape(key)}['\"]?\s*=", lines[number]):
            return number + 1
    return start + 1


def _first(lines: list[str], pattern: str, default: int) -> int:
    return next((n for n, line in enumerate(lines) if re.match(pattern, line)), default)
