"""Reading the answer of an HTTP service outside: all of it, up to a limit."""

from __future__ import annotations

import aiohttp


class AnswerTooLarge(aiohttp.ClientError):
    """The answer of a service has more bytes than it may."""


async def read_answer(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """The whole body of an answer, of at most `limit` bytes.

    `answer.content.read(n)` returns what has arrived so far, which is a part of a body that comes
    in pieces. Raises `AnswerTooLarge` without reading on, and `aiohttp.ClientError` where the
    connection ends before the body does.
    """
    if (answer.content_length or 0) > limit:
        raise AnswerTooLarge(f"the answer has {answer.content_length} bytes, more than {limit}")
    content = bytearray()
    async for piece in answer.content.iter_any():
        content += piece
        if len(content) > limit:
            raise AnswerTooLarge(f"the answer has more than {limit} bytes")
    return bytes(content)
