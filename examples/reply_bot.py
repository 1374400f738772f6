"""A bot that repeats what follows `!echo `, in the rooms that it is a member of."""

from typing import Any

import uuid_utils

from parley import (
    LOG,
    RAW,
    MessageCreated,
    SendMessage,
    decode_log,
    encode,
    group,
    inbox,
    raw_topic,
)

BOT = "reply-bot"
CALL = "!echo "

app = group("reply_bot")  # a consumer group of its own: it holds up nobody
commands = raw_topic(app, RAW)


@app.agent(inbox(app, LOG))
async def reply_bot(log: Any) -> None:
    """Answer each call once, however often Kafka hands it out."""
    async for record in log:
        event = decode_log(record)
        if isinstance(event, MessageCreated) and event.text.startswith(CALL) and event.by != BOT:
            answer = SendMessage(
                room=event.room,
                by=BOT,
                id=str(uuid_utils.uuid7()),
                client_id=f"{BOT}:{event.n}",  # the same each time: the room takes it once
                text=event.text.removeprefix(CALL),
            )
            sent = await commands.send(key=event.room.encode(), value=encode(answer))
            await sent  # now it is in Kafka, and only now the event is done with
