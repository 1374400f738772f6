"""Tells another service every message, in the order of each room, and loses none.

PARLEY_AGENT_BRIDGE_URL is where the messages go. A message that the service has may come twice
after a crash, under the same idempotency key.
"""

import aiohttp

from parley import Agent, Do, MessageCreated

bridge = Agent("bridge")
URL = bridge.setting("url")


async def post(message: dict[str, str], idempotency_key: str) -> None:
    """One request: what it raises says whether it is tried again."""
    headers = {"Idempotency-Key": idempotency_key}
    limit = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(raise_for_status=True, timeout=limit) as http:
        await http.post(URL, json=message, headers=headers)


@bridge.on("message.created", by="all")
async def forward(event: MessageCreated, do: Do) -> None:
    """While this room waits for the service, other rooms go on."""
    await do.call(post, {"room": event.room, "by": event.by, "text": event.text})
