"""A producer whose sender has ended is replaced: an edge goes on to send."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaError
from aiokafka.protocol.produce import ProduceRequest

from app.embedded.kafka import Kafka
from app.kafka.producer import new_producer
from app.kafka.resilient_producer import ResilientProducer
from app.settings import Settings
from app.topics import PACE
from tests.support.chat import until


async def test_an_error_that_ends_the_sender_does_not_end_the_sending(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock, failures = AIOKafkaConnection.send, [RuntimeError("of a kind that nobody expects")]

    def send(connection: Any, request: Any, expect_response: bool = True) -> Any:
        if failures and isinstance(request, ProduceRequest):
            raise failures.pop()
        return stock(connection, request, expect_response)

    monkeypatch.setattr(AIOKafkaConnection, "send", send)
    producer = ResilientProducer(partial(new_producer, Settings(broker=kafka.url)))
    await producer.start()
    try:
        with pytest.raises(KafkaError):
            await producer.send_and_wait(PACE, b"refused", key=b"k", partition=0)

        async def taken() -> bool:
            try:
                await producer.send_and_wait(PACE, b"taken", key=b"k", partition=0)
            except KafkaError:
                return False
            return True

        await until(taken, within=20)
    finally:
        await producer.stop()
