"""The text of an incoming webhook: a plain one, or the common part of a message for Slack.

The forms are those of Slack's documentation, "Reference: Message payloads": `text`, `blocks` with
text in them, and `attachments` with a `fallback`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

#: Links and mentions in Slack's own markup: `<https://example.com|Example>`, `<@U1>`, `<!here>`.
_LINK: Final = re.compile(r"<((?:https?|mailto):[^|>\s]+)(?:\|([^>]*))?>")
_MENTION: Final = re.compile(r"<[@#!]([^|>]*)(?:\|([^>]*))?>")

#: How deep blocks are looked into: Slack's own have four levels.
_DEEPEST: Final = 8

#: The parts of an attachment, in the order in which they are shown.
_PARTS: Final = ("pretext", "title", "title_link", "text")


def text_of(payload: Mapping[str, Any], most: int) -> str:
    """The text to say, of at most so many characters; empty where the payload has none.

    Where blocks have text, `text` is their replacement in notifications, as Slack has it.
    """
    text = payload.get("text")
    lines = list(_block_lines(payload.get("blocks"), 0))
    if not lines and isinstance(text, str):
        lines = [text]
    lines += _attachment_lines(payload.get("attachments"))
    whole = "\n".join(filter(None, (_plain(line).strip() for line in lines)))
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def _plain(text: str) -> str:
    """The text without Slack's markup of links, mentions and escapes."""
    text = _LINK.sub(lambda found: _named(found[1], found[2]), text)
    text = _MENTION.sub(lambda found: f"@{found[2] or found[1]}", text)
    return html.unescape(text) if "&" in text else text


def _named(url: str, label: str | None) -> str:
    url = url.removeprefix("mailto:")
    return url if not label or label == url else f"{label} ({url})"


def _block_lines(block: Any, depth: int) -> Iterator[str]:
    """The texts of blocks: each section, header, context and element has some."""
    if depth > _DEEPEST:
        return
    if isinstance(block, list):
        for one in block:
            yield from _block_lines(one, depth + 1)
    elif isinstance(block, dict):
        text = block.get("text")
        if isinstance(text, str):
            yield text
        elif text is not None:
            yield from _block_lines(text, depth + 1)
        if block.get("type") == "rich_text_section":
            yield "".join(_block_lines(block.get("elements"), depth + 1))
            return
        for name in ("fields", "elements", "accessory"):
            yield from _block_lines(block.get(name), depth + 1)


def _attachment_lines(attachments: Any) -> list[str]:
    found: list[str] = []
    for one in attachments if isinstance(attachments, list) else ():
        if not isinstance(one, dict):
            continue
        parts = [one[name] for name in _PARTS if isinstance(one.get(name), str) and one[name]]
        parts += _block_lines(one.get("blocks"), 0)
        fallback = one.get("fallback")
        if not parts and isinstance(fallback, str):
            parts = [fallback]
        found += parts
    return found
