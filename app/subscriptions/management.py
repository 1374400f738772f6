"""Subscriptions as their owners make and change them, by HTTP and by command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
import uuid_utils

from app.domain.shown_text import flaw as text_flaw
from app.domain.subscriptions import kinds
from app.errors import Malformed
from app.events import Subscription
from app.runtime.derived_keys import KeyRing
from app.runtime.outside_addresses import OutsideAddresses
from app.settings import Settings
from app.subscriptions.named_event import log_place, time_of_event
from app.subscriptions.secrets import SubscriptionSecrets

#: The most patterns of rooms, kinds, and characters of a pattern and a name.
_ROOMS: Final = 1_000
_KINDS: Final = 100
_PATTERN: Final = 64
_NAME: Final = 80

_BATCH: Final = 100
_PARALLEL: Final = 64
_TIMEOUT_MS: Final = 30_000

_WORDS: Final = frozenset({"now", "start"})

#: Where a subscription begins: `now`, `start`, milliseconds since 1970, or the id of an event.
Since = str | int


class SubscriptionFlaw(Malformed):
    """What is wrong with the `field` of a subscription."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Changes(msgspec.Struct, forbid_unknown_fields=True):
    """What an owner says of a subscription; what is left out stays as it is.

    `since` moves it: it begins anew with that event, or the events of that time.
    """

    url: str | msgspec.UnsetType = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET
    kinds: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    rooms: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    secret: str | msgspec.UnsetType = msgspec.UNSET
    batch: int | msgspec.UnsetType = msgspec.UNSET
    parallel: int | msgspec.UnsetType = msgspec.UNSET
    timeout_ms: int | msgspec.UnsetType = msgspec.UNSET
    paused: bool | msgspec.UnsetType = msgspec.UNSET
    since: Since | msgspec.UnsetType = msgspec.UNSET


class SubscriptionRules:
    """Makes and changes subscriptions, and says what is wrong with one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.secrets = SubscriptionSecrets(KeyRing(settings.secret, settings.secret_other))
        self._addresses = OutsideAddresses(settings.webhook_hosts)

    async def new(self, changes: Changes, by: str, now_ms: int) -> Subscription:
        """A new subscription; without a `url` it is pulled.

        Raises `SubscriptionFlaw`, and `KafkaError` where an event is looked for.
        """
        if changes.url == "":
            raise SubscriptionFlaw("url", "leave it out to have the subscription pulled")
        empty = Subscription(
            id=f"sub_{uuid_utils.uuid7().hex}", by="", at_ms=now_ms, url="", from_ms=now_ms
        )
        return await self.changed(empty, changes, by, now_ms)

    async def changed(
        self, known: Subscription, changes: Changes, by: str, now_ms: int
    ) -> Subscription:
        """A subscription with changes; raises as `new` does."""
        said = msgspec.structs.asdict(changes)
        given = {name: value for name, value in said.items() if value is not msgspec.UNSET}
        for name, check in self._checks().items():
            if name in given and (wrong := check(given[name])) is not None:
                raise SubscriptionFlaw(name, wrong)
        own = known.__struct_fields__
        fields = {name: value for name, value in given.items() if name in own}
        if "paused" in given:
            fields["why"] = ""
        if "since" in given:
            fields |= await self._beginning(given["since"], now_ms)
            fields["moves"] = known.moves + (1 if known.by else 0)
        if "secret" in given:
            fields["sealed"] = self._sealed(known.id, given["secret"])
        return msgspec.structs.replace(known, **fields, by=by, at_ms=now_ms)

    async def _beginning(self, since: Since, now_ms: int) -> dict[str, Any]:
        if isinstance(since, str) and since not in _WORDS:
            try:
                return {
                    "from_event": since,
                    "from_ms": await time_of_event(self._settings, since),
                }
            except Malformed as error:
                raise SubscriptionFlaw("since", str(error)) from error
        from_ms = {"now": now_ms, "start": 0}.get(since, since)  # type: ignore[arg-type]
        if int(from_ms) < 0:
            raise SubscriptionFlaw("since", "a time in milliseconds since 1970 is not below 0")
        if int(from_ms) > now_ms:
            raise SubscriptionFlaw("since", "this time is yet to come: nothing lies there")
        return {"from_event": "", "from_ms": int(from_ms)}

    def _sealed(self, name: str, secret: str) -> str:
        if not secret:
            return ""
        try:
            return self.secrets.seal(name, secret)
        except Malformed as error:
            raise SubscriptionFlaw("secret", str(error)) from error

    def _checks(self) -> dict[str, Callable[[Any], str | None]]:
        return {
            "url": self._url,
            "name": lambda name: text_flaw(name, "a subscription's name", _NAME),
            "kinds": _kinds,
            "rooms": _rooms,
            "batch": _between(1, _BATCH, "events of a request"),
            "parallel": _between(1, _PARALLEL, "requests at a time"),
            "timeout_ms": _between(100, _TIMEOUT_MS, "milliseconds"),
            "since": _since,
        }

    def _url(self, url: str) -> str | None:
        return self._addresses.flaw(url) if url else None


def _kinds(names: tuple[str, ...]) -> str | None:
    return f"at most {_KINDS}" if len(names) > _KINDS else kinds.flaw(names)


def _rooms(patterns: tuple[str, ...]) -> str | None:
    if len(patterns) > _ROOMS:
        return f"at most {_ROOMS} rooms and patterns"
    wrong = next((one for one in patterns if not 0 < len(one) <= _PATTERN), None)
    return None if wrong is None else f"a room or pattern has 1 to {_PATTERN} characters: {wrong!r}"


def _between(least: int, most: int, what: str) -> Callable[[int], str | None]:
    return lambda value: None if least <= value <= most else f"{least} to {most} {what}"


def _since(value: Since) -> str | None:
    if isinstance(value, int) or value in _WORDS:
        return None
    try:
        log_place(value)
    except Malformed:
        return "now, start, a time in milliseconds since 1970, or an event such as evt_log-3-0-1204"
    return None
