"""The parts of an edge, as keys of its aiohttp application."""

from __future__ import annotations

import asyncio

from aiohttp import web

from app.delivery.presence import Presences
from app.delivery.reads import Reads
from app.delivery.view import View
from app.history.store import History
from app.kafka.liveness import Brokers
from app.moderation.active_rules import InForce
from app.moderation.audit_log import Acts
from app.settings import Settings
from web.auth.authenticator import Authenticator
from web.hub.hub import Hub
from web.producer.command_sender import CommandSender

SETTINGS: web.AppKey[Settings] = web.AppKey("settings")
AUTHENTICATOR: web.AppKey[Authenticator] = web.AppKey("authenticator")
COMMANDS: web.AppKey[CommandSender] = web.AppKey("commands")
VIEW: web.AppKey[View] = web.AppKey("view")
READS: web.AppKey[Reads] = web.AppKey("reads")
PRESENCES: web.AppKey[Presences] = web.AppKey("presences")
HISTORY: web.AppKey[History] = web.AppKey("history")
BROKERS: web.AppKey[Brokers] = web.AppKey("brokers")
ACTS: web.AppKey[Acts] = web.AppKey("acts")
IN_FORCE: web.AppKey[InForce] = web.AppKey("in_force")
HUB: web.AppKey[Hub] = web.AppKey("hub")
DRAINING: web.AppKey[asyncio.Event] = web.AppKey("draining")
