from __future__ import annotations

from itertools import permutations

import pytest

from app.domain.moderation.decide import barred, decided, judged_text
from app.domain.moderation.pace import digest
from app.domain.moderation.rule import ACTIONS, Facts, Message
from app.domain.moderation.ruleset import RuleMistake, of_words, parse
from app.domain.moderation.ruling import judge
from app.domain.moderation.side_texts import judge_with, side_text
from app.domain.sanctions import Sanction
from app.events import (
    AddMember,
    AddReaction,
    AnyCommand,
    Attachment,
    ChangeRoom,
    CreateRoom,
    DeleteMessage,
    EditMessage,
    RemoveMember,
    RemoveReaction,
    SendMessage,
)
from tests.domain.moderation.kinds import KINDS

MISTAKES = [
    ("[words]\nwords = []", 2, "there are none"),
    ("\n[flod]\nx = 1", 2, "there is no rule 'flod'"),
    ("[flood]\nmessages = 3\n\nseconds = 'x'", 4, "Expected `float`"),
    ("[flood]\nmessages = 3\nseconds = 0", 3, "takes 1 or more"),
    ("[flood]\nmessages = 3", 1, "'seconds' has to be there"),
    ("[flood]\nmessages = 3\nseconds = 3\naction = 'mask'", 4, "can't mask"),
    ("[flood]\nmesages = 1\nmessages = 3\nseconds = 3", 2, "no setting 'mesages'"),
    ("[[words]]\nwords = ['a']\n[[words]]\nwords = ['b']\naction = 'ban'", 5, "Invalid enum"),
    ("[links]\nblock = ['a b']", 1, "'a b' is not a domain"),
    ("[words]\nwords = ['a']\nx = = 1", 3, "Invalid value"),
    ("words = 3", 1, "no table"),
    ("[words]\nfiles = ['list']", 2, "there is no file 'list'"),
    ("[hook]\nurl = 'ftp://x'", 2, "http or https"),
]


@pytest.mark.parametrize(("source", "line", "reason"), MISTAKES)
def test_a_mistake_is_named_with_its_line(source: str, line: int, reason: str) -> None:
    with pytest.raises(RuleMistake) as raised:
        parse(source, {}, KINDS)
    assert raised.value.line == line
    assert reason in raised.value.reason


@pytest.mark.parametrize("order", list(permutations(range(4), 4)))
def test_the_strictest_verdict_counts_in_whatever_order_the_rules_stand(
    order: tuple[int, ...],
) -> None:
    source = "".join(f"[[words]]\nwords = ['darn']\naction = '{ACTIONS[i]}'\n" for i in order)
    verdict = judge(Message("r", "ann", "darn"), Facts(), parse(source, {}, KINDS, 7))
    assert verdict is not None
    assert (verdict.action, verdict.version) == ("refuse", 7)
    assert [finding.action for finding in verdict.findings] == list(reversed(ACTIONS))


CAUGHT = [
    ("[links]\nblock = ['spam.example']", "see HTTPS://Www.Spam.Example/x?y", Facts(), True),
    ("[links]\nblock = ['spam.example']", "see spаm.example", Facts(), True),
    ("[links]\nblock = ['spam.example']", "see nospam.example", Facts(), False),
    ("[links]\nallow = ['good.example']", "https://good.example/ www.good.example", Facts(), False),
    ("[links]\nallow = ['good.example']", "https://gооd.example/", Facts(), True),
    ("[links]\nallow = ['good.example']", "https://good.example@evil.example/", Facts(), True),
    ("[links]\nallow = ['good.example']", "use node.js, e.g. this", Facts(), False),
    ("[flood]\nmessages = 2\nseconds = 5", "x", Facts(times=(96_000, 99_000)), True),
    ("[flood]\nmessages = 2\nseconds = 5", "x", Facts(times=(95_000, 99_000)), False),
    (
        "[flood]\nmessages = 1\nseconds = 5\nexempt = 'admin'",
        "x",
        Facts("owner", times=(99_000,)),
        False,
    ),
    ("[repeated]\ntimes = 1", "Hi  THERE", Facts(times=(9,), texts=(digest("hi there"),)), False),
    (
        "[repeated]\ntimes = 1",
        "Hi  THERE",
        Facts(times=(60_000,), texts=(digest("hi there"),)),
        True,
    ),
    ("[length]\nlines = 2", "a\nb\nc", Facts(), True),
    ("[length]\ncharacters = 3", "abc", Facts(), False),
    ("[mentions]\nmost = 1", "@ben, @cid: hi", Facts(), True),
    ("[mentions]\nmost = 1", "@ben @ben. `@cid`", Facts(), False),
    ("[newcomers]\nminutes = 1", "https://x.example", Facts(joined_ms=50_000), True),
    ("[newcomers]\nminutes = 1", "https://x.example", Facts(joined_ms=30_000), False),
    ("[newcomers]\nminutes = 1", "https://x.example", Facts(member=False), True),
    ("[newcomers]\nminutes = 1", "hello", Facts(joined_ms=50_000), False),
    ("[words]\nwords = ['x']\nrooms = ['tea', 'pub-*']", "x", Facts(), False),
    ("[words]\nwords = ['x']\nrooms = ['tea', 'r*']", "x", Facts(), True),
]


@pytest.mark.parametrize(("source", "text", "facts", "caught"), CAUGHT)
def test_each_rule_catches_what_it_is_for(
    source: str, text: str, facts: Facts, caught: bool
) -> None:
    message = Message("room", "ann", text, at_ms=100_000)
    assert (judge(message, facts, parse(source, {}, KINDS)) is not None) == caught


def test_a_rule_that_raises_says_nothing_and_is_named() -> None:
    rules = parse("[words]\nwords = ['x']\n[length]\ncharacters = 9", {}, KINDS)
    words, length = rules.rules
    raising = words._replace(kind=words.kind._replace(judge=lambda *_: {}["gone"]))  # type: ignore[arg-type,return-value]
    broken: list[str] = []
    verdict = judge(
        Message("r", "ann", "x" * 10), Facts(), rules._replace(rules=(raising, length)), broken
    )
    assert verdict is not None
    assert verdict.findings[0].rule == "length"
    assert broken == ["words: KeyError('gone')"]


def said(
    text: str, kind: type[SendMessage | EditMessage] = SendMessage
) -> SendMessage | EditMessage:
    more = {"seq": 1} if kind is EditMessage else {}
    return kind(room="r", by="ann", id="", client_id="", text=text, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("action", ["hold", "hide", "refuse"])
def test_an_edit_that_would_be_held_or_hidden_is_refused(action: str) -> None:
    rules = parse(f"[words]\nwords = ['darn']\naction = '{action}'", {}, KINDS)
    verdict = judge(Message("r", "ann", "darn"), Facts(), rules)
    edited, sent = decided(said("darn", EditMessage), verdict), decided(said("darn"), verdict)
    assert edited.refusal is not None
    assert edited.refusal.code == "blocked"
    assert (sent.refusal is None) == (action != "refuse")


def test_words_of_the_settings_are_refused_until_a_set_is_there() -> None:
    rules = of_words(["darn", " ", "bad phrase"], KINDS)
    verdict = judge(Message("r", "ann", "a BAD phrase"), Facts(), rules)
    assert verdict is not None
    assert (verdict.action, verdict.version) == ("refuse", 0)
    assert of_words(["", " "], KINDS).rules == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [("x" * 20, ""), ("x" * 21, "text_too_long"), (" \n\t\u00a0", "text_empty")],
)
def test_a_text_has_something_in_it_and_is_not_too_long(text: str, code: str) -> None:
    refusal = barred(said(text), None, 0, 20)
    assert (refusal.code if refusal else "") == code


@pytest.mark.parametrize(
    ("kind", "at_ms", "speaks", "leaves"),
    [("mute", 999, "muted", ""), ("mute", 1000, "", ""), ("ban", 999, "banned", "banned")],
)
def test_a_sanction_everywhere_holds_until_its_time(
    kind: str, at_ms: int, speaks: str, leaves: str
) -> None:
    sanction = Sanction(0, kind, 1000, "why")
    given = {"room": "r", "by": "ann", "id": "", "client_id": ""}
    cases: list[tuple[AnyCommand, str]] = [
        (said("hi"), speaks),
        (EditMessage(**given, seq=1, text="x"), speaks),
        (AddReaction(**given, seq=1, emoji="x"), speaks),
        (CreateRoom(**given), speaks),
        (CreateRoom(**given, type="direct", user="ben"), speaks),
        (ChangeRoom(**given, name="x"), speaks),
        (ChangeRoom(**given, topic=""), speaks),
        (AddMember(**given, user="ben"), speaks),
        (ChangeRoom(**given, archived=True), leaves),
        (AddMember(**given, user="ann"), leaves),
        (RemoveMember(**given, user="ann"), leaves),
        (RemoveReaction(**given, seq=1, emoji="x"), leaves),
        (DeleteMessage(**given, seq=1), leaves),
    ]
    for command, code in cases:
        refusal = barred(command, sanction, at_ms, 20)
        assert (refusal.code if refusal else "") == code


@pytest.mark.parametrize(
    ("room", "type_", "code"),
    [
        *(("dm-tea", "group", "malformed"), ("dm-tea", "public", "malformed")),
        *(("dm-tea", "direct", ""), ("dm", "group", ""), ("tea-dm-", "group", "")),
    ],
)
def test_the_ids_of_direct_rooms_are_no_other_room_s(room: str, type_: str, code: str) -> None:
    user = "ben" if type_ == "direct" else ""
    command = CreateRoom(room=room, by="ann", id="", client_id="", type=type_, user=user)
    refusal = barred(command, None, 0, 20)
    assert (refusal.code if refusal else "") == code


HEADINGS = "[[words]]\nwords = ['darn']\naction = 'mask'\n[length]\ncharacters = 1\n"


@pytest.mark.parametrize(
    ("name", "topic", "shown"),
    [
        ("darn it", "", ("**** it", "")),
        ("", "oh darn", ("", "oh ****")),
        ("darn", "darn", ("****", "****")),
        ("tea", "talk", ("tea", "talk")),
    ],
)
def test_a_name_and_a_topic_are_masked_where_they_are(
    name: str, topic: str, shown: tuple[str, str]
) -> None:
    rules = parse(HEADINGS, {}, KINDS).of_headings
    given = {"room": "r", "by": "ann", "id": "", "client_id": ""}
    for command in (
        CreateRoom(**given, name=name, topic=topic),
        ChangeRoom(**given, name=name or None, topic=topic or None),
    ):
        verdict = judge(Message("r", "ann", judged_text(command)), Facts(), rules)
        decision = decided(command, verdict)
        assert isinstance(decision.command, CreateRoom | ChangeRoom)
        assert decision.refusal is None
        assert (decision.command.name or "", decision.command.topic or "") == shown


def test_a_name_that_would_be_held_is_refused() -> None:
    rules = parse("[words]\nwords = ['darn']\naction = 'hold'", {}, KINDS).of_headings
    command = ChangeRoom(room="r", by="ann", id="", client_id="", name="darn")
    decision = decided(command, judge(Message("r", "ann", "darn"), Facts(), rules))
    assert decision.refusal is not None
    assert decision.refusal.code == "blocked"


@pytest.mark.parametrize("action", ACTIONS)
def test_what_cannot_be_masked_is_refused(action: str) -> None:
    rules = parse(f"[words]\nwords = ['darn']\naction = '{action}'", {}, KINDS)
    given = {"room": "r", "by": "ann", "id": "", "client_id": ""}
    url = "https://files.example/darn"
    for command in (
        SendMessage(**given, text="ok", meta={"a": [1, {"b": ["so", "darn"]}]}),
        SendMessage(**given, text="ok", meta={"darn": 1}),
        SendMessage(**given, text="ok", attachments=(Attachment(url=url, name="darn.png"),)),
        SendMessage(**given, text="ok", attachments=(Attachment(url=url, type="darn/x"),)),
        CreateRoom(**given | {"room": "the-darn-room"}, name="ok"),
    ):
        text = judged_text(command)
        found = judge_with(Message("r", "ann", text), side_text(command), Facts(), rules)
        assert found is not None
        assert found.action == ("refuse" if action == "mask" else action)
        assert found.findings[0].spans == ()
        refused = decided(command, found).refusal is not None
        assert refused == (action in {"mask", "refuse"} or isinstance(command, CreateRoom))


def test_ids_that_edges_give_to_rooms_and_urls_of_hooks_are_no_texts() -> None:
    given = {"by": "ann", "id": "", "client_id": ""}
    for room in ("dm-" + "abcdefghijklmnopqrstuvwx", "darnabcdefghijklmnopq234"):
        assert side_text(CreateRoom(**given, room=room)) == ""
    file = Attachment(url="https://files.example/darn", name="", type="")
    assert side_text(SendMessage(**given, room="r", text="", attachments=(file,))) == ""
