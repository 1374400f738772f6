"""The ruling on a message: every rule is asked, and the strictest action applies.

From the mildest: `mask`, `hide`, `hold`, `refuse`. `hold` is stricter than `hide`, because no
reader gets the message before a review.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.domain.moderation.rule import ACTIONS, Facts, Hit, Message
from app.domain.moderation.ruleset import ActiveRule, RuleSet
from app.domain.moderation.work import WorkExceeded
from app.domain.roles import rank
from app.events import Finding, Ruling

#: The most matches and spans of a finding, which limits the size of a ruling.
_MOST_MATCHED = 20
_MOST_SPANS = 200

#: The most characters of a refused message that the other rules are still asked about.
_LONG = 1_000

_INTRICATE = "The message is too intricate to be checked at once, so a moderator looks at it."


def judge(
    message: Message, facts: Facts, rules: RuleSet, broken: list[str] | None = None
) -> Ruling | None:
    """The ruling; `None` if the message may pass.

    A rule that raises is skipped, and its name and error are added to `broken`. A message whose
    work is used up is held, because the rest of the rules can't tell whether it may pass.
    """
    findings: dict[int, Finding] = {}
    for place, rule in _cheap_first(rules.rules):
        if not rule.settings.is_for(message.room) or _exempt(rule, facts):
            continue
        if findings and not rule.settings.is_cheap and _is_settled(message, findings):
            break
        try:
            hit = rule.kind.judge(message, facts, rule.settings)
        except WorkExceeded:
            findings[place] = Finding("hold", rule.name, _INTRICATE)
            break
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
            if broken is not None:
                broken.append(f"{rule.name}: {error!r}")
            continue
        if hit is not None:
            findings[place] = _finding(rule, hit)
    return ruling(rules.version, [findings[place] for place in sorted(findings)])


def _cheap_first(rules: tuple[ActiveRule, ...]) -> Iterator[tuple[int, ActiveRule]]:
    """The rules with their places in the set, those that search the text last."""
    for is_cheap in (True, False):
        for place, rule in enumerate(rules):
            if rule.settings.is_cheap is is_cheap:
                yield place, rule


def _is_settled(message: Message, findings: dict[int, Finding]) -> bool:
    """Whether a long message is refused already, so that nothing is to be searched in it."""
    is_refused = any(finding.action == "refuse" for finding in findings.values())
    return is_refused and len(message.text) > _LONG


def ruling(version: int, findings: list[Finding]) -> Ruling | None:
    """The ruling of all findings, the strictest first."""
    if not findings:
        return None
    strictest = sorted(findings, key=lambda finding: -strictness(finding.action))
    return Ruling(strictest[0].action, version, tuple(strictest))


def strictness(action: str) -> int:
    """The rank of an action, from the mildest."""
    return ACTIONS.index(action)


def _exempt(rule: ActiveRule, facts: Facts) -> bool:
    exempt = rule.settings.exempt
    return bool(exempt and facts.role) and rank(facts.role) >= rank(exempt)


def _finding(rule: ActiveRule, hit: Hit) -> Finding:
    return Finding(
        action=rule.settings.action,
        rule=rule.name,
        reason=rule.settings.reason or hit.reason,
        matched=hit.matched[:_MOST_MATCHED],
        spans=hit.spans[:_MOST_SPANS] if rule.settings.action != "mask" else hit.spans,
    )


def masked(text: str, ruling: Ruling) -> str:
    """The text with the spans of masking findings covered by `*`, one for each character."""
    spans = [s for one in ruling.findings if one.action == "mask" for s in one.spans]
    covered: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if end > done:
            covered += (text[done:start], "*" * (end - max(start, done)))
            done = end
    return "".join((*covered, text[done:]))
