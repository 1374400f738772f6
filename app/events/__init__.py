"""The records of each topic, a file for each, and their encoding.

Values are JSON. The bytes of a log event go unchanged from `chat.log` to the browser; data for the
pipeline alone are in record headers.
"""

from app.events.agents import AgentState, decode_agent_state
from app.events.attachment import Attachment
from app.events.codec import encode
from app.events.connections import Connection, decode_connection
from app.events.dead import Dead, dead_of, decode_dead
from app.events.deployment import (
    AnyBeginning,
    DeploymentKept,
    DeploymentMade,
    DeploymentMoved,
    EpochBegun,
    OriginBegun,
    decode_beginning,
)
from app.events.erasures import Erasure, decode_erasure
from app.events.log import EDGE, RULING, AnyLogEvent, decode_log
from app.events.log_event import LogEvent
from app.events.message_events import (
    MessageCreated,
    MessageDeleted,
    MessageEdited,
    MessageHidden,
    Reacted,
    ReactionAdded,
    ReactionRemoved,
    Shadow,
)
from app.events.moderated import Moderated, decode_moderated
from app.events.moderation import (
    Act,
    AnyAct,
    Held,
    Reported,
    Reviewed,
    Ruled,
    RulesSet,
    Sanctioned,
    decode_act,
)
from app.events.pace import Written, decode_written
from app.events.position import (
    POS,
    SRC,
    Position,
    Source,
    decode_src,
    encode_position,
    encode_src,
    position_of,
)
from app.events.raw import (
    AddMember,
    AddReaction,
    AnyCommand,
    ApproveMessage,
    ChangeRole,
    ChangeRoom,
    Command,
    CreateRoom,
    DeleteMessage,
    EditMessage,
    HideMessage,
    LiftSanction,
    RemoveMember,
    RemoveReaction,
    SendMessage,
    SetSanction,
    decode_command,
)
from app.events.receipts import Receipt, decode_receipt
from app.events.room_events import (
    MemberAdded,
    MemberRemoved,
    MemberRole,
    RoomChanged,
    RoomCreated,
    SanctionLifted,
    SanctionSet,
)
from app.events.room_settings import RoomSettings
from app.events.ruling import (
    Finding,
    Refusal,
    Ruling,
    decode_ruling,
)
from app.events.verdicts import Verdict, decode_verdict

__all__ = [
    "EDGE",
    "POS",
    "RULING",
    "SRC",
    "Act",
    "AddMember",
    "AddReaction",
    "AgentState",
    "AnyAct",
    "AnyBeginning",
    "AnyCommand",
    "AnyLogEvent",
    "ApproveMessage",
    "Attachment",
    "ChangeRole",
    "ChangeRoom",
    "Command",
    "Connection",
    "CreateRoom",
    "Dead",
    "DeleteMessage",
    "DeploymentKept",
    "DeploymentMade",
    "DeploymentMoved",
    "EditMessage",
    "EpochBegun",
    "Erasure",
    "Finding",
    "Held",
    "HideMessage",
    "LiftSanction",
    "LogEvent",
    "MemberAdded",
    "MemberRemoved",
    "MemberRole",
    "MessageCreated",
    "MessageDeleted",
    "MessageEdited",
    "MessageHidden",
    "Moderated",
    "OriginBegun",
    "Position",
    "Reacted",
    "ReactionAdded",
    "ReactionRemoved",
    "Receipt",
    "Refusal",
    "RemoveMember",
    "RemoveReaction",
    "Reported",
    "Reviewed",
    "RoomChanged",
    "RoomCreated",
    "RoomSettings",
    "Ruled",
    "RulesSet",
    "Ruling",
    "SanctionLifted",
    "SanctionSet",
    "Sanctioned",
    "SendMessage",
    "SetSanction",
    "Shadow",
    "Source",
    "Verdict",
    "Written",
    "dead_of",
    "decode_act",
    "decode_agent_state",
    "decode_beginning",
    "decode_command",
    "decode_connection",
    "decode_dead",
    "decode_erasure",
    "decode_log",
    "decode_moderated",
    "decode_receipt",
    "decode_ruling",
    "decode_src",
    "decode_verdict",
    "decode_written",
    "encode",
    "encode_position",
    "encode_src",
    "position_of",
]
