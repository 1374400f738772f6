"""A process that opens a store and appends a room: `python -m tests.history.appender URL ROOM N`.

It says `ready`, begins when it is told to, and appends in batches.
"""

import asyncio
import random
import sys

from app.history.store import History
from tests.history.room import entries


async def main(url: str, room: str, messages: int) -> None:
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    history = History(url)
    await history.open()
    stored = entries(room, messages)
    # Another order of rows in each process: what two archives with other partitions would have.
    batches = [stored[start : start + 500] for start in range(0, len(stored), 500)]
    for batch in batches:
        await history.append(random.sample(batch, len(batch)))
    await history.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
