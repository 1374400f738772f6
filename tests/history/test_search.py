"""Search finds parts of present texts, the same in both databases."""

from __future__ import annotations

from itertools import count

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.events import MessageCreated, MessageDeleted, MessageEdited
from app.history.fold import fold
from app.history.search import Place
from app.history.store import History
from tests.history.story import entries_of
from tests.support.postgres import Postgres

number = count()
many = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Few characters, so that much is found; those that mean something to a database among them.
TEXT = st.text(st.sampled_from("aAbé ÉßS%_\\\"'*-:^()你好吗\0。😀"), max_size=14)
WORDS = st.lists(
    st.sampled_from(["foo", 'AND "x', "NEAR(", "你好世界", "Straße", "a%b"]), max_size=3
)
SAID = TEXT | WORDS.map(" ".join)


def message(room: str, seq: int, text: str, at_ms: int = 0) -> MessageCreated:
    return MessageCreated(
        room=room,
        n=seq,
        by="ann",
        at_ms=at_ms or seq // 2,
        id="e",
        client_id="c",
        seq=seq,
        text=text,
    )


async def found(history: History, query: str, *rooms: str, limit: int = 50) -> list[Place]:
    """All pages put together."""
    together: list[Place] = []
    before = None
    while page := await history.search(query, rooms, before=before, limit=limit):
        together += [one.place for one in page]
        before = page[-1].place
    return together


@many
@given(texts=st.lists(SAID, min_size=1, max_size=12), query=SAID, limit=st.integers(1, 5))
@example(texts=["STRASSE 你好", "strasse"], query="Straße", limit=1)
@example(texts=['say "hello world"'], query='"hello', limit=1)
async def test_what_is_found_is_what_has_the_query_in_it(
    history: History, texts: list[str], query: str, limit: int
) -> None:
    room = f"room{next(number)}"
    log = [message(f"{room}{seq % 3}", seq, text) for seq, text in enumerate(texts, 1)]
    await history.append(entries_of(log))
    wanted = fold(query.strip()).strip()
    expected = [
        (one.at_ms, one.room, one.seq)
        for one in log
        if wanted and wanted in fold(one.text) and one.room != f"{room}2"
    ]
    there = await found(history, query, f"{room}0", f"{room}1", "not there", limit=limit)
    assert there == sorted(expected, reverse=True)


@pytest.mark.parametrize(
    ("text", "queries"),
    [
        ("İstanbul", ["istanbul", "ISTANBUL", "İSTANBUL", "tanb"]),
        ("ıstakoz, ISTAKOZ", ["istakoz", "ıstakoz"]),
        ("co\u00adop\u00adera\u00adtion", ["cooperation", "co\u00adop", "oper"]),
        ("می\u200cخواهم", ["میخواهم", "می\u200cخواهم", "خواهم"]),
        ("pass\u200bword\u2060s", ["passwords", "ssw"]),
        ("Борис, БОРИС", ["борис", "Борис"]),
        ("Βιβλίο", ["βιβλιο", "ΒΙΒΛΙΟ"]),
        ("résumé, re\u0301sume\u0301", ["resume", "RÉSUMÉ"]),
        ("Straße", ["strasse", "STRASSE", "straße"]),
        ("한국\u1112\u1161\u11ab", ["한국한", "국"]),
        ("ｆｕｌｌ　ｗｉｄｔｈ", ["full width"]),
        ("漢字", ["汉字", "漢字"]),
        ("snake_case and kebab-case", ["snake case", "kebab_case"]),
        ("two  spaces\nand a line", ["two spaces and a line"]),
        ("tab\tand nul\0l", ["tab and null"]),
        ("👩\u200d🚀 up", ["👩🚀", "🚀 up"]),
    ],
)
async def test_a_word_is_found_however_it_is_written(
    history: History, text: str, queries: list[str]
) -> None:
    await history.append(entries_of([message("lobby", 1, text), message("lobby", 2, "else")]))
    for query in queries:
        assert await found(history, query, "lobby") == [(0, "lobby", 1)], query


@pytest.mark.parametrize("query", ["\u200b", "\u00ad\ufe0f", "-", "_ -", "\x00\x01", "\u0301"])
async def test_a_query_with_nothing_to_see_finds_nothing(history: History, query: str) -> None:
    await history.append(entries_of([message("lobby", 1, f"some {query} text")]))
    assert await found(history, query, "lobby") == []


INVISIBLE = st.sampled_from("\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0f\u180e\x00")


@given(
    st.text("aßéİıКσς你한字_- \n😀", max_size=12), st.lists(st.tuples(INVISIBLE, st.integers(0)))
)
def test_folding_ignores_case_and_what_is_invisible_and_is_done_once(
    text: str, invisible: list[tuple[str, int]]
) -> None:
    disguised = text
    for character, place in invisible:
        place %= len(disguised) + 1
        disguised = disguised[:place] + character + disguised[place:]
    assert fold(disguised) == fold(text)
    assert fold(text.upper()) == fold(text.lower()) == fold(text)
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(max_codepoint=127)), st.sampled_from("éя你"))
def test_texts_in_ascii_are_folded_as_all_others(text: str, other: str) -> None:
    assert fold(text + "." + other) == fold(text + ".") + fold(other)


@given(st.text(st.characters(categories=None, exclude_categories=())))
def test_a_folded_text_has_nothing_that_a_database_does_not_take(text: str) -> None:
    assert "\0" not in fold(text)
    fold(text).encode()


@pytest.mark.parametrize(
    "query",
    ["hello", "HELLO world", "ell", "el", "你好世", "你好", "好", "\uff48\uff45llo", " h "],
)
async def test_parts_of_words_are_found_in_any_case(history: History, query: str) -> None:
    await history.append(entries_of([message("lobby", 1, "Hello World, 你好世界")]))
    [one] = await history.search(query, ["lobby"])
    assert one.place == (0, "lobby", 1)
    assert orjson.loads(one.event)["text"] == "Hello World, 你好世界"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "  ",
        "\0",
        '"',
        '" OR "',
        "search_text:hello",
        "hel*",
        "%",
        "_____",
        "\\",
        "('",
        "\ud83d",
    ],
)
async def test_no_character_of_a_query_means_anything(history: History, query: str) -> None:
    await history.append(entries_of([message("lobby", 1, "hello world")]))
    assert await history.search(query, ["lobby"]) == []


async def test_long_query_is_no_error(history: History) -> None:
    text = "".join(chr(0x4E00 + place) for place in range(3000))
    await history.append(entries_of([message("lobby", 1, text), message("lobby", 2, text[:-1])]))
    assert [one.seq for one in await history.search(text, ["lobby"])] == [1]


async def test_edited_messages_are_found_by_the_new_text_and_deleted_ones_not(
    history: History,
) -> None:
    common = {"room": "lobby", "by": "ann", "at_ms": 9, "id": "e", "client_id": "c", "of": 1}
    log = [message("lobby", 1, "first wording"), message("lobby", 2, "first words")]
    await history.append(entries_of(log))
    await history.append(entries_of([MessageEdited(n=3, seq=1, text="another wording", **common)]))
    assert [one.seq for one in await history.search("first", ["lobby"])] == [2]
    assert [one.seq for one in await history.search("another", ["lobby"])] == [1]
    await history.append(entries_of([MessageDeleted(n=4, seq=1, **common)]))
    assert [one.seq for one in await history.search("wor", ["lobby"])] == [2]
    assert [one.seq for one in await history.search("wo", ["lobby"])] == [2]


async def test_found_messages_look_as_in_a_page(history: History) -> None:
    reply = MessageCreated(
        room="lobby", n=2, by="ben", at_ms=5, id="e", client_id="c", seq=2, text="yes", thread=1
    )
    await history.append(entries_of([message("lobby", 1, "is it?"), reply]))
    [one] = await history.search("is it", ["lobby"])
    assert [one.event] == await history.page("lobby", before_seq=2)
    assert orjson.loads(one.event)["replies"] == 1


async def test_any_place_may_be_given(history: History) -> None:
    await history.append(entries_of([message("lobby", 1, "hello")]))
    assert await history.search("hello", ["lobby"], before=(10**30, "", -(10**30)), limit=10**30)
    assert await history.search("hello", ["lobby"], before=(5, "\0", 1)) == []
    assert await history.search("hello", ["\0"]) == []
    assert await history.search("hello", ["lobby"], limit=0) == []
    assert await history.search("hello", []) == []


async def test_without_the_right_to_an_index_search_reads_everything(postgres: Postgres) -> None:
    url = postgres.database()
    name = url.rpartition("/")[2]
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE plain_{name} LOGIN".encode())
        connection.execute(f"GRANT CREATE ON SCHEMA public TO plain_{name}".encode())
    history = History(url.replace("parley@", f"plain_{name}@"))
    for _ in range(2):
        await history.open()
    await history.append(entries_of([message("lobby", 1, "hello")]))
    assert [one.seq for one in await history.search("ELL", ["lobby"])] == [1]
    await history.tidy()
    await history.close()
    owner = History(url)
    await owner.open()
    assert await owner.search("ELL", ["lobby"]) != []
    await owner.close()
