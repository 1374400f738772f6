"""The chat page has copies of two rules: each must say the same as the server's own."""

from __future__ import annotations

import json
import random
from pathlib import Path
from unicodedata import ucd_3_2_0

from app.domain.mentions import Names, mentions, same
from app.domain.roles import LEAST, ROLES, may, may_act_on, may_give, rank
from tests.support.page_modules import evaluate

DOMAIN = Path(__file__).parents[2] / "domain"

def test_page_has_the_servers_roles_and_the_least_role_of_each_action_it_offers() -> None:
    roles, least = evaluate("lib/permissions.js", "[page.ROLES, page.LEAST]")
    assert tuple(roles) == ROLES
    assert least == {action: LEAST.get(action) for action in least}


def test_page_allows_a_role_what_the_server_allows_it() -> None:
    answer = """{
        may: page.ROLES.map((role) => Object.keys(page.LEAST).filter((act) => page.may(role, act))),
        post: page.ROLES.map((role) => page.ROLES.filter((least) => page.mayPost(role, least))),
        actOn: page.ROLES.map((role) => page.ROLES.filter((other) => page.mayActOn(role, other))),
        give: page.ROLES.map(page.rolesToGive),
        actions: Object.keys(page.LEAST),
    }"""
    page = evaluate("lib/permissions.js", answer)

    def gives(role: str, given: str) -> bool:
        hands_over = given == "owner" and may(role, "room.hand_over")
        return may(role, "member.role") and (may_give(role, given) or hands_over)

    for index, role in enumerate(ROLES):
        assert page["may"][index] == [act for act in page["actions"] if may(role, act)]
        assert page["post"][index] == [least for least in ROLES if rank(role) >= rank(least)]
        assert page["actOn"][index] == [other for other in ROLES if may_act_on(role, other)]
        assert page["give"][index] == [given for given in ROLES if gives(role, given)]


def page_mentions(cases: list[tuple[str, list[str]]]) -> list[list[list[str]]]:
    """What the page marks in each text: the marked parts, and the users."""
    marks = """cases.map(([text, users]) =>
        [...page.mentions(text, users)].map((one) => [text.slice(one.start, one.end), one.user])
    )"""
    found: list[list[list[str]]] = evaluate("messages/mentions.js", marks, cases)
    return found


def server_mentions(text: str, users: list[str]) -> list[list[str]]:
    return [[text[one.start : one.end], one.user] for one in mentions(text, Names(users))]


def assert_same_mentions(cases: list[tuple[str, list[str]]]) -> None:
    different = [
        (text, server_mentions(text, users), found)
        for (text, users), found in zip(cases, page_mentions(cases), strict=True)
        if found != server_mentions(text, users)
    ]
    assert different[:5] == []


def test_page_marks_what_the_test_vectors_say() -> None:
    given = json.loads((DOMAIN / "mentions.json").read_text("utf-8"))
    vectors = given["vectors"]
    cases = [(vector["text"], vector.get("members", given["members"])) for vector in vectors]
    assert page_mentions(cases) == [vector["marks"] for vector in vectors]


def test_page_finds_the_mentions_that_the_server_finds_in_any_text() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    users = ["ann", "Ann", "ben", "a", "ä", "大", "大_", "_", "b.a", "b'", "x" * 64, "🫖", "민수"]
    parts = [*"@@@@@@  abÄä大_1.,:;!?)]}>'\"…。，！？、`＠/", "\n", "\u3000", "🫖", "@ann"]
    parts += ["x" * 63, "@ben", "@room", "민수", "\u0301", "\ufe0f", "https://", "```"]
    texts = ["".join(rng.choices(parts, k=rng.randrange(1, 30))) for _ in range(3000)]
    assert_same_mentions([(text, users) for text in texts])


# The characters of Unicode 3.2: of newer ones Python and Node.js may know different sets.
CHARACTERS = [
    character
    for character in map(chr, range(0x110000))
    if ucd_3_2_0.category(character) not in ("Cn", "Co", "Cs")
]


def lines(parts: list[str]) -> list[str]:
    """The parts in texts of fifty lines."""
    return ["\n".join(parts[start : start + 50]) for start in range(0, len(parts), 50)]


def test_page_and_server_agree_on_what_may_stand_before_and_after_a_mention() -> None:
    assert len(CHARACTERS) > 90_000
    users = ["ann", "ben", "cyd"]
    texts = lines([f"{one}@ann @ben{one}y @cyd{one}" for one in CHARACTERS])
    assert_same_mentions([(text, users) for text in texts])


def test_page_and_server_agree_on_the_names_that_are_the_same() -> None:
    texts = lines([f"a{one}b" for one in CHARACTERS])
    found = evaluate("messages/mentions.js", "cases.map(page.same)", texts)
    different = [(same(one), other) for one, other in zip(texts, found, strict=True)]
    assert [(one, other) for one, other in different if one != other][:5] == []


def test_page_wants_to_know_of_what_the_server_calls_the_user_of() -> None:
    cases = json.loads((DOMAIN / "push" / "levels.json").read_text("utf-8"))
    wants = """cases.map(({ all, rooms = {}, room, mentioned }) => {
        const own = Object.entries(rooms).map(([name, level]) => [name, { level }]);
        const levels = { ...(all && { level: all }), rooms: Object.fromEntries(own) };
        return page.wants(levels, room, { mentioned });
    })"""
    assert evaluate("push/levels.js", wants, cases) == [case["wants"] for case in cases]


def test_page_has_no_badge_for_what_is_muted_or_not_wanted() -> None:
    cases = [
        {"levels": {"level": "none"}, "now": 5, "badge": [0, 0]},
        {"levels": {}, "now": 5, "badge": [3, 2]},
        {"levels": {"level": "mentions"}, "now": 5, "badge": [3, 2]},
        {"levels": {"rooms": {"tea": {"level": "mentions"}}}, "now": 5, "badge": [0, 2]},
        {"levels": {"rooms": {"tea": {"level": "none"}}}, "now": 5, "badge": [0, 0]},
        {"levels": {"level": "all"}, "now": 5, "badge": [3, 2]},
        {"levels": {"level": "all", "mute_until_ms": 6}, "now": 5, "badge": [0, 0]},
        {"levels": {"level": "all", "mute_until_ms": 5}, "now": 5, "badge": [3, 2]},
        {
            "levels": {"level": "all", "rooms": {"tea": {"mute_until_ms": 6}}},
            "now": 5,
            "badge": [0, 0],
        },
    ]
    answer = """cases.map(({ levels, now }) => {
        const badge = page.badgeOf(levels, { room: "tea", unread: 3, mentions: 2 }, now);
        return [badge.unread, badge.mentions];
    })"""
    assert evaluate("push/levels.js", answer, cases) == [case["badge"] for case in cases]
