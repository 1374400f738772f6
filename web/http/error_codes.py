"""Every `code` that an error of the edge can carry; docs/errors.md explains each."""

from __future__ import annotations

from typing import Final, NamedTuple


class Code(NamedTuple):
    """The HTTP status that a code comes with, and its title.

    `refusal`: a `Refusal` of the pipeline may carry the code, and then has this status. `again`:
    the seconds after which the request may be sent again, if its answer says nothing else; 0: it
    need not be.
    """

    status: int
    title: str
    refusal: bool = False
    again: int = 0


CODES: Final[dict[str, Code]] = {
    # authentication
    "token_missing": Code(401, "No token"),
    "token_malformed": Code(401, "Not a token"),
    "token_signature": Code(401, "Signature not accepted"),
    "token_expired": Code(401, "Token expired"),
    "token_claims": Code(401, "Claims not accepted"),
    "token_revoked": Code(401, "Token taken back"),
    "ticket_misused": Code(401, "Ticket in the wrong place"),
    "keys_unreachable": Code(503, "Signing keys out of reach", again=10),
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
    # refusals of the pipeline
    "room_unknown": Code(404, "No such room", refusal=True),
    "room_exists": Code(409, "Room exists", refusal=True),
    "not_a_member": Code(403, "Not a member", refusal=True),
    "not_allowed": Code(403, "Not allowed", refusal=True),
    "banned": Code(403, "Banned", refusal=True),
    "muted": Code(403, "Muted", refusal=True),
    "moderation_away": Code(503, "Moderation is away", refusal=True, again=5),
    "text_empty": Code(422, "Empty text", refusal=True),
    "text_too_long": Code(413, "Text too long", refusal=True),
    "blocked": Code(422, "Blocked", refusal=True),
    "malformed": Code(400, "Malformed", refusal=True),
    "room_archived": Code(409, "Room archived", refusal=True),
    "owner_stays": Code(409, "Hand the room over first", refusal=True),
    "member_unknown": Code(404, "No such member", refusal=True),
    "message_unknown": Code(404, "No such message", refusal=True),
    "message_gone": Code(410, "Message deleted", refusal=True),
    "not_a_root": Code(422, "Message in a thread itself", refusal=True),
    "slow_mode": Code(403, "Slow mode", refusal=True),
    "reaction_unknown": Code(404, "No such reaction", refusal=True),
    "too_many_reactions": Code(409, "Too many reactions", refusal=True),
    # moderation
    "item_unknown": Code(404, "No such item"),
    "item_closed": Code(409, "Decided already"),
    "hook_unknown": Code(404, "No such hook"),
    "subscription_unknown": Code(404, "No such subscription"),
    "rules_mistake": Code(400, "Mistake in the rules"),
    # limits
    "rate_limited": Code(429, "Too many requests", again=1),
    "too_many_polls": Code(429, "Too many polls", again=10),
    "too_many_rooms": Code(409, "Too many rooms"),
    "too_many_hooks": Code(409, "Too many hooks"),
    "too_many_members": Code(409, "Too many members"),
    # faults of the edge and of the parts that it needs
    "history_behind": Code(503, "History is behind", again=1),
    "unreachable": Code(503, "A part does not answer", again=1),
    "push_off": Code(501, "No push here"),
    "uploads_off": Code(501, "No uploads here"),
    "upload_hook": Code(502, "Upload hook failed", again=5),
    "internal": Code(500, "Internal error"),
}
