"""The record that is sent again for a dead letter."""

from __future__ import annotations

import pytest

from app.domain.dead_letter_retry import retry_record
from app.errors import ParleyError
from app.events import Dead, Moderated, SendMessage, decode_command, encode
from app.topics import LOG, MODERATED, RAW

COMMAND = SendMessage(room="tea", by="ann", id="1", client_id="c", text="hello")


def dead(topic: str, value: bytes, group: str = "parley-pipeline") -> Dead:
    return Dead(
        topic=topic, partition=3, offset=7, group=group, reason="x", key=b"tea", value=value
    )


def test_a_command_goes_back_to_the_start_of_its_way() -> None:
    for topic, value in (
        (RAW, encode(COMMAND)),
        (MODERATED, encode(Moderated(src=1, at_ms=2, command=COMMAND))),
    ):
        letter = retry_record(dead(topic, value), frozenset())
        assert (letter.topic, letter.partition, letter.key) == (RAW, 3, b"tea")
        assert decode_command(letter.value) == COMMAND


def test_an_event_of_the_log_goes_to_the_inbox_of_its_group_and_never_to_the_log() -> None:
    letter = retry_record(dead(LOG, b"{}", "parley-bot"), frozenset({"parley-bot-again"}))
    assert (letter.topic, letter.partition) == ("parley-bot-again", 3)
    with pytest.raises(ParleyError, match="begin there again"):
        retry_record(dead(LOG, b"{}", "parley-archive"), frozenset({"parley-bot-again"}))


def test_a_record_that_holds_no_command_is_not_sent() -> None:
    with pytest.raises(ParleyError, match="no command"):
        retry_record(dead(MODERATED, b"nonsense"), frozenset())
