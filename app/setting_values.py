"""The values of settings: their types, how they read as text, and the forms of some texts."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Meta, inspect

from app.errors import SettingError
from app.setting_names import nearest

#: The largest factor for the rate limits.
_MOST_TIMES: Final = 1e6

#: 30 years: msgspec has no name for "finite", and no duration is longer.
_LONGEST: Final = 1e9

Seconds = Annotated[float, Meta(gt=0, le=_LONGEST)]
SecondsOrNone = Annotated[float, Meta(ge=0, le=_LONGEST)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1)]
Factor = Annotated[float, Meta(ge=0, le=_MOST_TIMES)]
Share = Annotated[float, Meta(ge=0, le=1)]
#: Kafka has 16 bits for it.
Replicas = Annotated[int, Meta(ge=1, le=32767)]

#: The number of points of the curve P-256 (SEC 2, 2.4.2); a private key is less.
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

#: The most regions: each begins epochs of numbers that no other takes (app/domain/lineage.py).
_MOST_REGIONS: Final = 16

#: Names that the topics of one region begin with.
_NO_REGIONS: Final = frozenset({"chat", "parley"})

#: A rate limit; app/domain/rate_limit.py reads it.
_RATE: Final = re.compile(
    r"\s*(?:[1-9]\d{0,8}\s*/\s*[1-9]\d{0,8}|off)\s*", re.ASCII | re.IGNORECASE
)

#: Units that a duration or a size may be thought to have: a value is a number alone.
_TIMES: Final = {
    "ms": 0.001,
    "s": 1.0,
    "sec": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
_SIZES: Final = {"b": 1.0, "k": 1024.0, "m": 1024.0**2, "g": 1024.0**3}

#: What a setting that is on or off may be besides what msgspec takes: 1, 0, true, false.
_SWITCHES: Final = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def from_text(variable: str, kind: Any, raw: str) -> Any:
    """The value of a type that a variable's text says. Raises `SettingError`."""
    if kind is str:
        return raw
    if kind is Path:
        return Path(raw)
    text = raw.strip()
    if kind is bool:
        text = _SWITCHES.get(text.lower(), text)
    return _converted(variable, kind, text, strict=False, shown=raw)


def require(variable: str, kind: Any, value: Any) -> None:
    """Raise `SettingError` where the type does not have this value."""
    _converted(variable, kind, value, strict=True, shown=value)


def _converted(variable: str, kind: Any, value: Any, *, strict: bool, shown: Any) -> Any:
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError:
        meant = "" if strict else _meant(kind, value)
        raise SettingError(variable, shown, _takes(kind), meant) from None


def _meant(kind: Any, text: str) -> str:
    """The value that a text comes near to: a word of a choice, or a number without its unit."""
    found = inspect.type_info(kind)
    if isinstance(found, inspect.LiteralType):
        return nearest(text.lower(), [str(one) for one in found.values], cutoff=0.5)
    if isinstance(found, inspect.BoolType):
        return ""  # all that a switch takes is said anyway
    number = without_unit(text, _TIMES if isinstance(found, inspect.FloatType) else _SIZES)
    if number is None:
        return ""
    try:
        msgspec.convert(f"{number:g}" if number % 1 else f"{number:.0f}", kind, strict=False)
    except msgspec.ValidationError:
        return ""
    return f"{number:g}" if number % 1 else f"{number:.0f}"


def _takes(kind: Any) -> str:
    """The values of a type, in words."""
    match inspect.type_info(kind):
        case inspect.BoolType():
            return "1, true, yes or on, or 0, false, no or off"
        case inspect.LiteralType(values=values):
            return " or ".join(map(str, values))
        case inspect.IntType(ge=least, le=None):
            return f"a number, {least} or more"
        case inspect.IntType(ge=least, le=most):
            return f"a number from {least} to {most}"
        case inspect.FloatType(ge=0, le=most) if most == _MOST_TIMES:
            return f"a number from 0 to {_MOST_TIMES:.0f}"
        case inspect.FloatType(ge=0, le=1):
            return "a number from 0 to 1"
        case inspect.FloatType(ge=None):
            return "a number of seconds above 0"
        case inspect.FloatType():
            return "a number of seconds, 0 or more"
        case _:
            return "text"


def without_unit(text: str, units: Mapping[str, float]) -> float | None:
    """The number that `15s` or `512 KiB` says, in the unit of the setting; `None`: it is none."""
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)\s*([a-z]+)", text.lower(), re.ASCII)
    if found is None:
        return None
    unit = found[2] if found[2] in units else found[2].removesuffix("b").removesuffix("i")
    return float(found[1]) * units[unit] if unit in units else None


def without_password(url: str) -> str:
    """The URL as a log or an error may show it: without its user and password."""
    return re.sub(r"//.*@", "//…@", url)


def is_rate(text: str) -> bool:
    """Whether this is a rate limit, `requests/seconds` or `off`."""
    return _RATE.fullmatch(text) is not None


def is_address(text: str) -> bool:
    """Whether this is `host:port`, or a host alone."""
    found = re.fullmatch(r"(?:\[[^\[\]\s]+\]|[^\[\]:/\s]+)(?::(\d{1,5}))?", text.strip())
    return found is not None and (found[1] is None or 1 <= int(found[1]) <= 65535)


def is_broker(url: str) -> bool:
    """Whether this is `kafka://host:port,host:port`."""
    addresses = url.removeprefix("kafka://").split(",")
    return url.startswith("kafka://") and all(map(is_address, addresses))


def is_region(name: str) -> bool:
    """Whether a region may have this name; topics begin with it, as Parley's own do with others."""
    return re.fullmatch(r"[a-z][a-z0-9]{0,15}", name) is not None and name not in _NO_REGIONS


def regions_flaw(text: str) -> str:
    """The form that `PARLEY_REGIONS` takes, where this is none; empty where it is."""
    pairs = [one.partition("=") for one in text.split()]
    names = [name for name, _, _ in pairs]
    known = 1 < len(names) <= _MOST_REGIONS and all(map(is_region, names))
    if not known or not all(is_broker(broker) for _, _, broker in pairs):
        return (
            f"two regions or more, {_MOST_REGIONS} at most, each with a name of a-z and 0-9, such"
            " as eu=kafka://a:9092 us=kafka://b:9092"
        )
    return "each region once" if len(set(names)) < len(names) else ""


def is_redis(url: str) -> bool:
    """Whether redis-py takes this URL; it would ignore a database that is not a number."""
    parts = url_parts(url)
    if parts is None or not url.startswith(("redis://", "rediss://", "unix://")):
        return False
    return parts.scheme == "unix" or re.fullmatch(r"/*[0-9]*/*", parts.path) is not None


def are_networks(text: str) -> bool:
    """Whether these are networks or addresses of the Internet Protocol, by comma."""
    try:
        for one in filter(None, map(str.strip, text.split(","))):
            ip_network(one, strict=False)
    except ValueError:
        return False
    return True


def is_push_key(text: str) -> bool:
    """Whether this is a private key of the curve P-256: 32 bytes in base64url."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return False
    return len(raw) == 32 and 0 < int.from_bytes(raw, "big") < _P256_ORDER


def is_web(url: str) -> bool:
    """Whether this is a URL of HTTP, with a host."""
    parts = url_parts(url)
    return parts is not None and parts.scheme in {"http", "https"} and bool(parts.hostname)


def url_parts(url: str) -> SplitResult | None:
    """The parts of a URL; `None` where it is malformed, or its port is out of range."""
    try:
        parts = urlsplit(url)
        return None if parts.port == 0 else parts
    except ValueError:
        return None
