"""The part in C that serves polls, by itself."""

from __future__ import annotations

import socket
from array import array
from collections.abc import Iterator

import pytest

from web.native.loader import built

NATIVE = built("_polls")

BEFORE, AFTER = b"GET /v1/events?cursor=", b" HTTP/1.1\r\n\r\n"


@pytest.mark.skipif(NATIVE is None, reason="set up without a C compiler")
class TestPolls:
    """One slot; the client's socket is `there`."""

    @pytest.fixture(autouse=True)
    def slot(self) -> Iterator[None]:
        assert NATIVE is not None
        self.polls = NATIVE.Polls()
        here, self.there = socket.socketpair()
        with here, self.there:
            self.here = here
            #: It waits until 10, is asked again within 5 s, and known until 100.
            self.number = self.polls.enter(here.fileno(), BEFORE, AFTER, 3, 5.0, 100.0, 1, 10.0)
            yield

    def ask(self, cursor: bytes) -> bytes:
        self.there.send(BEFORE + cursor + AFTER)
        return BEFORE + cursor + AFTER

    def answered(self) -> bool:
        numbers = array("i", [self.number])
        assert self.polls.answer(numbers, b"answer", 3, 20.0) == []
        return bool(self.there.recv(99) == b"answer")

    def test_a_request_of_now_waits_and_is_answered_once(self) -> None:
        assert self.answered()
        assert not self.polls.waiting(self.number)
        assert self.polls.answer(array("i", [self.number]), b"more", 1, 20.0) == []
        self.ask(b"two")
        assert self.polls.receive(30.0, 0.0, 1, ["one", "two"]) == (1, [], [])
        assert self.polls.waiting(self.number)
        assert self.polls.deadline(self.number) == 35.0
        assert self.answered()

    @pytest.mark.parametrize(
        ("wall", "generation", "behind"), [(99.0, 1, True), (100.0, 1, False), (99.0, 2, False)]
    )
    def test_an_older_cursor_is_told_and_who_is_no_longer_known_is_another_matter(
        self, wall: float, generation: int, behind: bool
    ) -> None:
        assert self.answered()
        request = self.ask(b"one")
        told = (0, [(self.number, "one")], []) if behind else (0, [], [self.number])
        assert self.polls.receive(30.0, wall, generation, ["two"]) == told
        self.there.send(b"ahead")
        assert self.polls.receive(30.0, wall, generation, ["one"]) == (0, [], [])
        assert self.polls.leave(self.number) == (False, 20.0, request)
        assert self.here.recv(99) == b"ahead"

    @pytest.mark.parametrize("sent", [BEFORE, AFTER, b"G", BEFORE + AFTER, b"x" * 40_000])
    def test_anything_else_is_left_to_python_whole(self, sent: bytes) -> None:
        assert self.answered()
        self.there.sendall(sent)
        assert self.polls.receive(0.0, 0.0, 1, ["one"]) == (0, [], [self.number])
        asked, _, unread = self.polls.leave(self.number)
        self.there.shutdown(socket.SHUT_WR)
        while more := self.here.recv(99_999):
            unread += more
        assert (asked, unread) == (False, sent)

    def test_bytes_that_come_while_it_waits_and_its_end_are_told(self) -> None:
        request = self.ask(b"one")
        assert self.polls.receive(0.0, 0.0, 1, ["one"]) == (0, [], [self.number])
        assert self.answered()
        assert self.polls.leave(self.number) == (False, 20.0, request)
        number = self.polls.enter(self.here.fileno(), BEFORE, AFTER, 3, 5.0, 100.0, 1, 10.0)
        self.there.close()
        assert self.polls.receive(0.0, 0.0, 1, ["one"]) == (0, [], [number])
        assert self.polls.leave(number) == (True, 10.0, b"")

    def test_a_request_that_ends_the_connection_is_not_kept_waiting(self) -> None:
        assert self.answered()
        self.ask(b"one")
        self.there.shutdown(socket.SHUT_WR)
        assert self.polls.receive(0.0, 0.0, 1, ["one"]) == (0, [], [self.number])

    def test_what_is_not_sent_whole_or_has_too_many_events_is_handed_back(self) -> None:
        numbers = array("i", [self.number, 7, -1, 1 << 20])
        assert self.polls.answer(numbers, b"answer", 4, 20.0) == [(self.number, -1)]
        assert self.polls.waiting(self.number)
        ((number, taken),) = self.polls.answer(numbers, b"x" * (16 << 20), 3, 20.0)
        assert number == self.number
        assert 0 < taken < 16 << 20

    def test_nobody_is_where_nobody_sits(self) -> None:
        self.polls.leave(self.number)
        for ask in (self.polls.leave, self.polls.waiting, self.polls.deadline):
            with pytest.raises(IndexError):
                ask(self.number)
        others = [socket.socketpair() for _ in range(200)]
        taken = [
            self.polls.enter(here.fileno(), BEFORE, AFTER, 3, 5.0, 100.0, 1, 10.0)
            for here, _ in others
        ]
        assert sorted(taken) == list(range(200))
        for pair in others:
            for one in pair:
                one.close()

    def test_what_comes_while_a_request_is_aside_is_found_when_that_waits(self) -> None:
        assert self.answered()
        self.ask(b"old")
        assert self.polls.receive(0.0, 0.0, 1, ["new"]) == (0, [(self.number, "old")], [])
        self.ask(b"new")
        assert self.polls.receive(0.0, 0.0, 1, ["new"]) == (0, [], [])
        self.polls.wait(self.number, 0.0, 0.0)
        assert self.answered()
        assert self.polls.receive(0.0, 0.0, 1, ["new"]) == (1, [], [])

    def test_a_half_close_while_a_request_is_aside_is_found_when_that_waits(self) -> None:
        assert self.answered()
        self.ask(b"old")
        assert self.polls.receive(0.0, 0.0, 1, ["new"]) == (0, [(self.number, "old")], [])
        self.there.shutdown(socket.SHUT_WR)
        assert self.polls.receive(0.0, 0.0, 1, ["new"]) == (0, [], [])
        self.polls.wait(self.number, 0.0, 0.0)
        assert self.polls.receive(0.0, 0.0, 1, ["new"]) == (0, [], [self.number])

    def test_a_request_waits_no_longer_than_it_is_known_who_asks(self) -> None:
        assert self.answered()
        self.ask(b"one")
        assert self.polls.receive(30.0, 98.0, 1, ["one"]) == (1, [], [])
        assert self.polls.deadline(self.number) == 32.0
        self.polls.wait(self.number, 30.0, 97.0)
        assert self.polls.deadline(self.number) == 33.0
