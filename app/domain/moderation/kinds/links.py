"""Links to blocked domains, or to any but allowed ones."""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

from app.domain.moderation import link_hosts
from app.domain.moderation.folding import folded
from app.domain.moderation.rule import Facts, Hit, Message, Rule


class Settings(Rule):
    """`block`: domains with their subdomains. `allow`: only these, without those of `block`."""

    block: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()

    can_mask: ClassVar[bool] = True
    of_headings: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.block and not self.allow:
            raise ValueError("links: give block, or allow, or both")
        for domain in (*self.block, *self.allow):
            if not link_hosts.is_domain(domain):
                raise ValueError(f"{domain!r} is not a domain, such as example.org")

    @cached_property
    def blocked(self) -> frozenset[str]:
        """The blocked domains, folded like texts, so that look-alikes match."""
        return frozenset(folded(domain) for domain in self.block)

    @cached_property
    def allowed(self) -> frozenset[str]:
        """The allowed domains, not folded."""
        return frozenset(domain.lower() for domain in self.allow)


def judge(message: Message, facts: Facts, settings: Settings) -> Hit | None:  # noqa: ARG001
    """Catch a link to a domain that is not allowed."""
    caught = [
        link
        for link in link_hosts.links(message.text)
        if link_hosts.below(folded(link.host), settings.blocked)
        or (settings.allow and link.is_sure and not link_hosts.below(link.host, settings.allowed))
    ]
    if not caught:
        return None
    return Hit(
        "Links to that place are not allowed here.",
        tuple(dict.fromkeys(link.host for link in caught)),
        tuple((link.start, link.end) for link in caught),
    )
