"""A plain Faust agent: a bot that repeats the text behind `!echo `, in rooms that it is in."""

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

BOT = "faust-bot"
CALL = "!echo "

app = group("faust_bot")  # a consumer group of its own: it delays no other
commands = raw_topic(app, RAW)


@app.agent(inbox(app, LOG))
async def faust_bot(log: Any) -> None:
    """Answer each call once, however often Kafka delivers it."""
    async for record in log:
        event = decode_log(record)
        if isinstance(event, MessageCreated) and event.text.startswith(CALL) and event.by != BOT:
            answer = SendMessage(
                room=event.room,
                by=BOT,
                id=str(uuid_utils.uuid7()),
                client_id=f"{BOT}:{event.n}",  # the same every time: the room accepts it once
                text=event.text.removeprefix(CALL),
            )
            sent = await commands.send(key=event.room.encode(), value=encode(answer))
            await sent  # the answer is in Kafka: only now the event is acknowledged
