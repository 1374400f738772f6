"""Every `code` that an answer of the edge can carry; docs/errors.md explains each."""

from __future__ import annotations

from typing import Final, NamedTuple


class Code(NamedTuple):
    """The status that a code comes with, and its title."""

    status: int
    title: str


CODES: Final[dict[str, Code]] = {
    # who asks
    "token_missing": Code(401, "No token"),
    "token_malformed": Code(401, "Not a token"),
    "token_signature": Code(401, "Signature not accepted"),
    "token_expired": Code(401, "Token expired"),
    "token_claims": Code(401, "Claims not accepted"),
    "ticket_misused": Code(401, "Ticket in the wrong place"),
    "keys_unreachable": Code(503, "Signing keys out of reach"),
    "tickets_off": Code(501, "No stream tickets here"),
    # the form of the request
    "bad_request": Code(400, "Bad request"),
    "request_timeout": Code(408, "Request too slow"),
    "head_too_large": Code(431, "Head too large"),
    "path_unknown": Code(404, "No such path"),
    "method_not_allowed": Code(405, "Method not allowed"),
    "content_type": Code(415, "Not JSON"),
    "body_too_large": Code(413, "Body too large"),
    "body_malformed": Code(400, "Body malformed"),
    "field_unknown": Code(400, "Unknown field"),
    "field_missing": Code(400, "Field missing"),
    "field_type": Code(400, "Wrong type"),
    "field_value": Code(400, "Value not accepted"),
    "parameter": Code(400, "Parameter not accepted"),
    "client_id_conflict": Code(400, "Two client ids"),
    "read_beyond_head": Code(422, "Read beyond the last message"),
    "receipts_off": Code(403, "Receipts not shown"),
    "attachment_unknown": Code(422, "Attachment not handed out"),
    "cursor_malformed": Code(400, "Not a cursor"),
    "cursor_foreign": Code(400, "Cursor of another deployment"),
    # what the pipeline refuses
    "room_unknown": Code(404, "No such room"),
    "room_exists": Code(409, "Room exists"),
    "not_a_member": Code(403, "Not a member"),
    "not_allowed": Code(403, "Not allowed"),
    "banned": Code(403, "Banned"),
    "muted": Code(403, "Muted"),
    "moderation_away": Code(503, "Moderation is away"),
    "text_empty": Code(422, "Empty text"),
    "text_too_long": Code(413, "Text too long"),
    "blocked": Code(422, "Blocked"),
    "malformed": Code(400, "Malformed"),
    "room_archived": Code(409, "Room archived"),
    "owner_stays": Code(409, "Hand the room over first"),
    "member_unknown": Code(404, "No such member"),
    "message_unknown": Code(404, "No such message"),
    "message_gone": Code(410, "Message deleted"),
    "not_a_root": Code(422, "Message in a thread itself"),
    "slow_mode": Code(403, "Slow mode"),
    "reaction_unknown": Code(404, "No such reaction"),
    "too_many_reactions": Code(409, "Too many reactions"),
    # moderation
    "item_unknown": Code(404, "No such item"),
    "item_closed": Code(409, "Decided already"),
    "rules_mistake": Code(400, "Mistake in the rules"),
    # the edge's own trouble
    "history_behind": Code(503, "History is behind"),
    "unreachable": Code(503, "A part does not answer"),
    "uploads_off": Code(501, "No uploads here"),
    "upload_hook": Code(502, "Upload hook failed"),
    "internal": Code(500, "Internal error"),
}

#: Codes of `app.events.Refusal` that have a status of their own; any other refusal is a 422.
REFUSALS: Final = frozenset(
    {
        "room_unknown",
        "room_exists",
        "not_a_member",
        "not_allowed",
        "banned",
        "muted",
        "moderation_away",
        "text_empty",
        "text_too_long",
        "blocked",
        "malformed",
        "room_archived",
        "owner_stays",
        "member_unknown",
        "message_unknown",
        "message_gone",
        "not_a_root",
        "slow_mode",
        "reaction_unknown",
        "too_many_reactions",
    }
)
