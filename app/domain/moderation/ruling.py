"""The ruling on a message: every rule is asked, and the strictest action applies.

From the mildest: `mask`, `hide`, `hold`, `refuse`. `hold` is stricter than `hide`, because no
reader gets the message before a review.
"""

from __future__ import annotations

from app.domain.moderation.rule import ACTIONS, Facts, Hit, Message
from app.domain.moderation.ruleset import ActiveRule, RuleSet
from app.domain.roles import rank
from app.events import Finding, Ruling

#: The most matches and spans of a finding, which limits the size of a ruling.
_MOST_MATCHED = 20
_MOST_SPANS = 200


def judge(
    message: Message, facts: Facts, rules: RuleSet, broken: list[str] | None = None
) -> Ruling | None:
    """The ruling; `None` if the message may pass.

    A rule that raises is skipped, and its name and error are added to `broken`.
    """
    findings: list[Finding] = []
    for rule in rules.rules:
        if not rule.settings.is_for(message.room) or _exempt(rule, facts):
            continue
        try:
            hit = rule.kind.judge(message, facts, rule.settings)
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
            if broken is not None:
                broken.append(f"{rule.name}: {error!r}")
            continue
        if hit is not None:
            findings.append(_finding(rule, hit))
    return ruling(rules.version, findings)


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
    covered = list(text)
    for finding in ruling.findings:
        if finding.action == "mask":
            for start, end in finding.spans:
                covered[start:end] = "*" * (end - start)
    return "".join(covered)
