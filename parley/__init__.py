"""Parley, a chat back end: the names for agents of your own, and in a wheel all else inside.

    from parley import Agent, Do, MessageCreated

`Agent` declares an agent; `parley.testing` plays events into it. For plain Faust agents, `group`
declares a consumer group, and `batches` with `Table` is the loop that Parley's own agents run on.
`parley.rules` has the names for moderation rules. Names that are not listed here may move between
releases.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.agentkit.agent_events import CommandRefused as CommandRefused
    from app.agentkit.agent_events import Tick as Tick
    from app.agentkit.agent_events import TimerFired as TimerFired
    from app.agentkit.declaration import Agent as Agent
    from app.agentkit.do import Do as Do
    from app.agentkit.do import Sent as Sent
    from app.errors import AgentError as AgentError
    from app.events import AddMember as AddMember
    from app.events import AddReaction as AddReaction
    from app.events import AnyAct as AnyAct
    from app.events import AnyCommand as AnyCommand
    from app.events import AnyLogEvent as AnyLogEvent
    from app.events import Attachment as Attachment
    from app.events import ChangeRole as ChangeRole
    from app.events import ChangeRoom as ChangeRoom
    from app.events import Connection as Connection
    from app.events import CreateRoom as CreateRoom
    from app.events import Dead as Dead
    from app.events import DeleteMessage as DeleteMessage
    from app.events import EditMessage as EditMessage
    from app.events import HideMessage as HideMessage
    from app.events import LiftSanction as LiftSanction
    from app.events import MemberAdded as MemberAdded
    from app.events import MemberRemoved as MemberRemoved
    from app.events import MemberRole as MemberRole
    from app.events import MessageCreated as MessageCreated
    from app.events import MessageDeleted as MessageDeleted
    from app.events import MessageEdited as MessageEdited
    from app.events import MessageHidden as MessageHidden
    from app.events import ReactionAdded as ReactionAdded
    from app.events import ReactionRemoved as ReactionRemoved
    from app.events import Receipt as Receipt
    from app.events import RemoveMember as RemoveMember
    from app.events import RemoveReaction as RemoveReaction
    from app.events import RoomChanged as RoomChanged
    from app.events import RoomCreated as RoomCreated
    from app.events import RoomSettings as RoomSettings
    from app.events import SanctionLifted as SanctionLifted
    from app.events import SanctionSet as SanctionSet
    from app.events import SendMessage as SendMessage
    from app.events import SetSanction as SetSanction
    from app.events import decode_act as decode_act
    from app.events import decode_connection as decode_connection
    from app.events import decode_dead as decode_dead
    from app.events import decode_log as decode_log
    from app.events import decode_receipt as decode_receipt
    from app.events import encode as encode
    from app.stream.batch_loop import batches as batches
    from app.stream.consumer_groups import group as group
    from app.stream.consumer_groups import inbox as inbox
    from app.stream.consumer_groups import own_topic as own_topic
    from app.stream.consumer_groups import raw_topic as raw_topic
    from app.stream.table import Table as Table
    from app.topics import CONNECTIONS as CONNECTIONS
    from app.topics import DEAD as DEAD
    from app.topics import LOG as LOG
    from app.topics import MODERATION as MODERATION
    from app.topics import RAW as RAW
    from app.topics import RECEIPTS as RECEIPTS

#: The module of each public name. A name is imported when it is first used: an edge that loads a
#: moderation rule does not import Faust, and in a wheel `parley` comes before every other module.
_MODULES = {
    "app.agentkit.declaration": ("Agent",),
    "app.agentkit.do": ("Do", "Sent"),
    "app.agentkit.agent_events": ("CommandRefused", "Tick", "TimerFired"),
    "app.errors": ("AgentError",),
    "app.events": (
        *("AddMember", "AddReaction", "AnyAct", "AnyCommand", "AnyLogEvent", "Attachment"),
        *("ChangeRole", "ChangeRoom", "Connection", "CreateRoom", "Dead", "DeleteMessage"),
        *("EditMessage", "HideMessage", "LiftSanction", "MemberAdded", "MemberRemoved"),
        *("MemberRole", "MessageCreated", "MessageDeleted", "MessageEdited", "MessageHidden"),
        *("ReactionAdded", "ReactionRemoved", "Receipt", "RemoveMember", "RemoveReaction"),
        *("RoomChanged", "RoomCreated", "RoomSettings", "SanctionLifted", "SanctionSet"),
        *("SendMessage", "SetSanction", "decode_act", "decode_connection", "decode_dead"),
        *("decode_log", "decode_receipt", "encode"),
    ),
    "app.stream.batch_loop": ("batches",),
    "app.stream.consumer_groups": ("group", "inbox", "own_topic", "raw_topic"),
    "app.stream.table": ("Table",),
    "app.topics": ("CONNECTIONS", "DEAD", "LOG", "MODERATION", "RAW", "RECEIPTS"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(module), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(_MODULE_OF)
