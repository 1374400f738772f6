"""The parts of an edge, as keys of its aiohttp application."""

from __future__ import annotations

import asyncio

from aiohttp import web

from app.delivery.direct_claims import DirectClaims
from app.delivery.edge_reports import EdgeReports
from app.delivery.presence import Presences
from app.delivery.read_marks import ReadMarks
from app.delivery.view import View
from app.history.store import History
from app.kafka.liveness import BrokerProbe
from app.kafka.resilient_producer import ResilientProducer
from app.moderation.active_rules import ActiveRules
from app.moderation.audit_log import AuditLog
from app.moderation.revoked_tokens import RevokedTokens
from app.push.notify_directory import NotifyDirectory
from app.settings import Settings
from app.subscriptions.declarations import Subscriptions
from app.subscriptions.incoming_hooks import IncomingHooks
from app.subscriptions.pull_readers import PullReaders
from app.tracing.tracing import Tracing
from web.api.room_ids import Homes
from web.auth.authenticator import Authenticator
from web.hub.hub import Hub
from web.limits.limits import Limits
from web.operator.operator_feed import OperatorFeed
from web.producer.command_sender import CommandSender
from web.producer.connection_events import ConnectionEvents

SETTINGS: web.AppKey[Settings] = web.AppKey("settings")
AUTHENTICATOR: web.AppKey[Authenticator] = web.AppKey("authenticator")
COMMANDS: web.AppKey[CommandSender] = web.AppKey("commands")
CONNECTION_EVENTS: web.AppKey[ConnectionEvents] = web.AppKey("connection_events")
VIEW: web.AppKey[View] = web.AppKey("view")
READ_MARKS: web.AppKey[ReadMarks] = web.AppKey("read_marks")
PRESENCES: web.AppKey[Presences] = web.AppKey("presences")
HISTORY: web.AppKey[History] = web.AppKey("history")
BROKERS: web.AppKey[BrokerProbe] = web.AppKey("brokers")
AUDIT_LOG: web.AppKey[AuditLog] = web.AppKey("audit_log")
ACTIVE_RULES: web.AppKey[ActiveRules] = web.AppKey("active_rules")
HOMES: web.AppKey[Homes] = web.AppKey("homes")
DIRECT_CLAIMS: web.AppKey[DirectClaims] = web.AppKey("direct_claims")
PRODUCER: web.AppKey[ResilientProducer] = web.AppKey("producer")
REVOKED_TOKENS: web.AppKey[RevokedTokens] = web.AppKey("revoked_tokens")
INCOMING_HOOKS: web.AppKey[IncomingHooks] = web.AppKey("incoming_hooks")
PULL_READERS: web.AppKey[PullReaders] = web.AppKey("pull_readers")
SUBSCRIPTIONS: web.AppKey[Subscriptions] = web.AppKey("subscriptions")
NOTIFY: web.AppKey[NotifyDirectory] = web.AppKey("notify")
EDGE_REPORTS: web.AppKey[EdgeReports] = web.AppKey("edge_reports")
OPERATOR_FEED: web.AppKey[OperatorFeed] = web.AppKey("operator_feed")
HUB: web.AppKey[Hub] = web.AppKey("hub")
LIMITS: web.AppKey[Limits] = web.AppKey("limits")
TRACING: web.AppKey[Tracing] = web.AppKey("tracing")
DRAINING: web.AppKey[asyncio.Event] = web.AppKey("draining")
