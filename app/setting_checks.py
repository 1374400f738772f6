"""What a setting's type can't say: forms of texts, and settings that need one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.errors import SettingError
from app.setting_names import nearest
from app.setting_values import (
    are_networks,
    is_broker,
    is_push_key,
    is_rate,
    is_redis,
    is_web,
    regions_flaw,
    url_parts,
    without_password,
)

#: Characters that a secret has at least.
_SHORTEST_SECRET: Final = 32


def flaws(values: Mapping[str, Any]) -> Iterator[SettingError]:
    """Each value that its setting does not take; `values` has all settings, by variable."""
    for variable in ("PARLEY_SECRET", "PARLEY_SECRET_OTHER"):
        if values[variable] and len(values[variable]) < _SHORTEST_SECRET:
            yield SettingError(variable, "…", f"at least {_SHORTEST_SECRET} characters")
    if values["PARLEY_JWKS"]:
        yield from _issuer(values)
    yield from _services(values)
    yield from _push(values)
    yield from _rates(values)
    yield from _regions(values["PARLEY_REGION"], values["PARLEY_REGIONS"])
    if not are_networks(values["PARLEY_PROXIES"]):
        takes = "networks or addresses, such as 10.0.0.0/8, by comma"
        yield SettingError("PARLEY_PROXIES", values["PARLEY_PROXIES"], takes)


def _issuer(values: Mapping[str, Any]) -> Iterator[SettingError]:
    """Without both, a token that the issuer made for another service would count here."""
    for variable in ("PARLEY_ISSUER", "PARLEY_AUDIENCE"):
        if not values[variable]:
            takes = "what your issuer's tokens have there, since PARLEY_JWKS is set"
            yield SettingError(variable, values[variable], takes)


def _services(values: Mapping[str, Any]) -> Iterator[SettingError]:
    broker, redis = values["PARLEY_BROKER"], values["PARLEY_REDIS"]
    if "@" in broker:
        shown = without_password(broker)
        yield SettingError("PARLEY_BROKER", shown, "kafka://host:port without a user")
    elif not is_broker(broker):
        yield SettingError("PARLEY_BROKER", broker, "kafka://host:port,host:port")
    if not is_redis(redis):
        takes = "redis://host:port/number, rediss:// or unix://"
        yield SettingError("PARLEY_REDIS", without_password(redis), takes)
    elif (parts := url_parts(redis)) is not None and parts.username and not parts.password:
        # redis-py would not log in, and not say so.
        takes = "a password with the user: redis://user:password@host"
        yield SettingError("PARLEY_REDIS", without_password(redis), takes)
    for variable in ("PARLEY_UPLOAD_HOOK", "PARLEY_OTLP"):
        if (url := values[variable]) and not is_web(url):
            yield SettingError(variable, without_password(url), "a URL, http:// or https://")


def _push(values: Mapping[str, Any]) -> Iterator[SettingError]:
    if (key := values["PARLEY_PUSH_KEY"]) and not is_push_key(key):
        yield SettingError("PARLEY_PUSH_KEY", "…", "a key from `parley push-key`")
    contact = values["PARLEY_PUSH_CONTACT"]
    if contact and not contact.startswith("mailto:") and not is_web(contact):
        yield SettingError("PARLEY_PUSH_CONTACT", contact, "mailto:you@example.org, or https:")
    if (gateway := values["PARLEY_PUSH_GATEWAY"]) and not is_web(gateway):
        shown = without_password(gateway)
        yield SettingError("PARLEY_PUSH_GATEWAY", shown, "a URL, http:// or https://")


def _rates(values: Mapping[str, Any]) -> Iterator[SettingError]:
    for variable, value in values.items():
        if variable.startswith("PARLEY_LIMIT_") and not is_rate(value):
            yield SettingError(variable, value, "requests/seconds, such as 60/30, or off")


def _regions(region: str, regions: str) -> Iterator[SettingError]:
    if not region and not regions:
        return
    if takes := regions_flaw(regions):
        yield SettingError("PARLEY_REGIONS", regions, takes)
        return
    names = [one.partition("=")[0] for one in regions.split()]
    if region not in names:
        takes = f"one of the regions of PARLEY_REGIONS: {', '.join(names)}"
        yield SettingError("PARLEY_REGION", region, takes, nearest(region, names, cutoff=0.5))
