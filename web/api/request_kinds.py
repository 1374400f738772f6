"""The kind of each path's requests, which says whose limits they count in."""

from __future__ import annotations

from typing import Final

from web.limits.kinds import Kind

_ROOM: Final = "/v1/rooms/{room}"
_MESSAGE: Final = _ROOM + "/messages/{seq}"
_SUBSCRIPTION: Final = "/v1/subscriptions/{subscription}"
_REACTION: Final = _MESSAGE + "/reactions/{emoji}"

#: By method and path. A path that asks for no token counts by address alone, and is not here.
KINDS: Final[dict[tuple[str, str], str]] = {
    ("POST", "/v1/stream-tickets"): Kind.CONNECT,
    ("POST", "/v1/rooms"): Kind.OPEN,
    ("GET", "/v1/rooms"): Kind.READ,
    ("GET", _ROOM): Kind.READ,
    ("PATCH", _ROOM): Kind.MANAGE,
    ("GET", _ROOM + "/members"): Kind.READ,
    ("POST", _ROOM + "/members"): Kind.MANAGE,
    ("PATCH", _ROOM + "/members/{user}"): Kind.MANAGE,
    ("DELETE", _ROOM + "/members/{user}"): Kind.MANAGE,
    ("GET", _ROOM + "/messages"): Kind.READ,
    ("POST", _ROOM + "/messages"): Kind.SEND,
    ("PATCH", _MESSAGE): Kind.SEND,
    ("DELETE", _MESSAGE): Kind.SEND,
    ("PUT", _REACTION): Kind.STATE,
    ("DELETE", _REACTION): Kind.STATE,
    ("POST", _MESSAGE + "/report"): Kind.MANAGE,
    ("GET", _ROOM + "/receipts"): Kind.READ,
    ("PUT", _ROOM + "/read"): Kind.STATE,
    ("POST", _ROOM + "/typing"): Kind.STATE,
    ("POST", _ROOM + "/uploads"): Kind.MANAGE,
    ("GET", _ROOM + "/sanctions"): Kind.READ,
    ("PUT", _ROOM + "/sanctions/{user}"): Kind.MANAGE,
    ("DELETE", _ROOM + "/sanctions/{user}"): Kind.MANAGE,
    ("GET", _ROOM + "/hooks"): Kind.READ,
    ("POST", _ROOM + "/hooks"): Kind.MANAGE,
    ("DELETE", _ROOM + "/hooks/{hook}"): Kind.MANAGE,
    ("GET", "/v1/sanctions"): Kind.READ,
    ("PUT", "/v1/sanctions/{user}"): Kind.MANAGE,
    ("DELETE", "/v1/sanctions/{user}"): Kind.MANAGE,
    ("GET", "/v1/moderation/queue"): Kind.READ,
    ("POST", "/v1/moderation/queue/{item}"): Kind.MANAGE,
    ("GET", "/v1/moderation/log"): Kind.READ,
    ("GET", "/v1/moderation/rules"): Kind.READ,
    ("PUT", "/v1/moderation/rules"): Kind.MANAGE,
    ("POST", "/v1/moderation/rules/test"): Kind.MANAGE,
    ("GET", "/v1/search"): Kind.SEARCH,
    ("GET", "/v1/sync"): Kind.SEARCH,
    ("POST", "/v1/sync"): Kind.SEARCH,
    ("GET", "/v1/presence"): Kind.SEARCH,
    ("PUT", "/v1/presence"): Kind.STATE,
    ("GET", "/v1/unread"): Kind.READ,
    ("GET", "/v1/me/notify"): Kind.READ,
    ("PUT", "/v1/me/notify"): Kind.STATE,
    ("GET", _ROOM + "/notify"): Kind.READ,
    ("PUT", _ROOM + "/notify"): Kind.STATE,
    ("GET", "/v1/push/subscriptions"): Kind.READ,
    ("POST", "/v1/push/subscriptions"): Kind.MANAGE,
    ("DELETE", "/v1/push/subscriptions/{subscription}"): Kind.MANAGE,
    ("GET", "/v1/operator"): Kind.READ,
    ("GET", "/v1/operator/events"): Kind.READ,
    ("GET", "/v1/operator/users/{user}"): Kind.READ,
    ("GET", "/v1/operator/dead-letters"): Kind.READ,
    ("POST", "/v1/operator/dead-letters/send-again"): Kind.MANAGE,
    ("GET", "/v1/revocations"): Kind.READ,
    ("POST", "/v1/revocations"): Kind.MANAGE,
    ("GET", "/v1/subscriptions"): Kind.READ,
    ("POST", "/v1/subscriptions"): Kind.MANAGE,
    ("GET", _SUBSCRIPTION): Kind.READ,
    ("PATCH", _SUBSCRIPTION): Kind.MANAGE,
    ("DELETE", _SUBSCRIPTION): Kind.MANAGE,
    ("POST", _SUBSCRIPTION + "/test"): Kind.MANAGE,
    ("GET", _SUBSCRIPTION + "/failures"): Kind.READ,
    ("POST", _SUBSCRIPTION + "/send-again"): Kind.MANAGE,
    ("GET", _SUBSCRIPTION + "/events"): Kind.READ,
    ("POST", _SUBSCRIPTION + "/ack"): Kind.MANAGE,
}
