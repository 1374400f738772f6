"""A push gateway: takes what Parley sends, and has it shown on devices in ways of its own.

    pip install aiohttp standardwebhooks
    python gateway.py "$(parley hook-secret push)" --port 9100

This one knows two kinds of devices: `mail:somebody@example.org` gets a mail by the server of
SMTP_HOST, and `print:NAME` is a line on the terminal. Put FCM or APNs in their place: `device` is
whatever your app registered by `POST /v1/push/subscriptions {"device": …}`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import smtplib
from email.message import EmailMessage
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError


class DeviceGone(Exception):
    """There is no such device any more: Parley is to forget it."""


def show(device: str, title: str, text: str, collapse_key: str) -> None:
    """Show a notification on a device; a later one with the same key replaces it."""
    kind, _, name = device.partition(":")
    if kind == "mail":
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "chat@example.org", name, title
        mail["References"] = f"<{collapse_key}@chat.example.org>"  # one thread in the mailbox
        mail.set_content(text)
        with smtplib.SMTP(os.environ["SMTP_HOST"]) as server:
            try:
                server.send_message(mail)
            except smtplib.SMTPRecipientsRefused as error:
                raise DeviceGone(name) from error
    elif kind == "print":
        print(f"{name}: {title}: {text}", flush=True)
    else:
        raise DeviceGone(device)


def wording(notification: dict[str, Any]) -> tuple[str, str]:
    """The title and the text; with PARLEY_PUSH_TEXT=off there is neither a sender nor a text."""
    by, room = notification.get("by", ""), notification.get("name", "")
    title = by if notification.get("direct") else " in ".join(filter(None, (by, room)))
    unread = notification["unread"]
    count = "a new message" if unread == 1 else f"{unread} new messages"
    return title or "Chat", notification.get("text") or count


async def take(request: web.Request) -> web.Response:
    """A request of Parley's: 2xx says that it is done, `gone` names devices to be forgotten.

    After any other status it comes again, with the same `id`, for an hour.
    """
    body = await request.read()
    try:
        said = request.app[VERIFIER].verify(body, dict(request.headers))
    except WebhookVerificationError:
        return web.Response(status=401)
    title, text = wording(said["notification"])
    gone = []
    for device in said["devices"]:
        try:
            await asyncio.to_thread(show, device, title, text, said["collapse_key"])
        except DeviceGone:
            gone.append(device)
    return web.json_response({"gone": gone})


VERIFIER = web.AppKey("verifier", Webhook)


def main() -> None:
    """Listen."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("secret")
    arguments.add_argument("--port", type=int, default=9100)
    given = arguments.parse_args()
    app = web.Application()
    app[VERIFIER] = Webhook(given.secret)
    app.router.add_post("/push", take)
    web.run_app(app, host="127.0.0.1", port=given.port, print=None)


if __name__ == "__main__":
    main()
