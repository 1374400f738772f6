from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import chatlog, names
from app.domain.chatlog import Line

CORPUS = Path(__file__).parents[2].parent / "shared" / "corpus" / "irc"


def minutes(*values: int) -> list[Line]:
    return [Line(number, minute, "a", "x") for number, minute in enumerate(values, 1)]


def test_messages_are_taken_and_other_lines_counted() -> None:
    log = chatlog.parse(
        b"[03:07] <kylin_> hello\n"
        b"=== joiner [n=x@y] has joined #ubuntu\n"
        b"[03:08]  * kylin_ waves\n"
        b"\n"
        b"[03:09] <brad[] > a > b\r\n"
        b"[03:09] <LiMp^> caf\xe9\n"
        b"[03:10] <opteron> "
    )
    assert log.lines == (
        Line(1, 187, "kylin_", "hello"),
        Line(5, 189, "brad[]", "a > b"),
        Line(6, 189, "LiMp^", "caf\ufffd"),
        Line(7, 190, "opteron", ""),
    )
    assert log.skipped == 3


def test_a_nick_that_is_no_user_id_is_another_line() -> None:
    assert chatlog.parse(b"[00:00] <a b> x\n[00:00] <> x\n") == chatlog.Log((), 2)


@given(st.binary())
def test_any_bytes_are_a_log_and_every_line_is_counted(content: bytes) -> None:
    log = chatlog.parse(content)
    rows = content.decode("utf-8", "replace").split("\n")
    assert len(log.lines) + log.skipped == len(rows) - (rows[-1] == "")


def test_messages_of_one_minute_are_spread_over_it() -> None:
    assert chatlog.seconds(minutes(5, 5, 5, 7)) == [0.0, 20.0, 40.0, 120.0]


def test_midnight_is_the_next_day_and_a_corrected_clock_costs_nothing() -> None:
    assert chatlog.seconds(minutes(1439, 0, 1)) == [0.0, 60.0, 120.0]
    assert chatlog.seconds(minutes(10, 9, 10)) == [0.0, 20.0, 40.0]


@given(st.lists(st.integers(0, 1439), max_size=50))
def test_times_never_fall(values: list[int]) -> None:
    due = chatlog.seconds(minutes(*values))
    assert len(due) == len(values)
    assert due == sorted(due)


@given(st.text(max_size=80))
def test_any_file_name_makes_a_room(stem: str) -> None:
    assert names.room(chatlog.room_id(stem)) is None


def test_client_ids_are_stable_and_differ_by_file_and_line() -> None:
    assert chatlog.client_id("a.txt", 1) == chatlog.client_id("a.txt", 1)
    ids = {chatlog.client_id(name, n) for name in ("a.txt", "a.txt:1") for n in range(1, 200)}
    assert len(ids) == 398
    assert all(names.client_id(one) is None for one in ids)


def test_the_corpus_is_read_whole() -> None:
    if not CORPUS.is_dir():
        pytest.skip(f"no corpus at {CORPUS}")
    logs = [chatlog.parse(path.read_bytes()) for path in sorted(CORPUS.glob("*.txt"))]
    assert sum(len(log.lines) for log in logs) == 11_614
    assert all(76 <= len({line.nick for line in log.lines}) <= 166 for log in logs)
