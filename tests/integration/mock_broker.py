"""A broker that answers with errors on request: the mock cluster inside librdkafka, by its C interface.

A healthy broker never gives most of these. The library comes with the wheel of `confluent-kafka`, of which nothing else is
used.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from enum import IntEnum
from functools import cache
from importlib.metadata import files
from typing import Any

PRODUCER = 0


class Ask(IntEnum):
    """Requests of Kafka's protocol, by its numbers."""

    PRODUCE = 0
    OFFSET_COMMIT = 8
    FIND_COORDINATOR = 10
    HEARTBEAT = 12


class Fault(IntEnum):
    """Errors of Kafka's protocol, by its numbers."""

    NOT_LEADER = 6
    MSG_SIZE_TOO_LARGE = 10
    COORDINATOR_NOT_AVAILABLE = 15
    NOT_COORDINATOR = 16
    OUT_OF_ORDER_SEQUENCE = 45
    INVALID_PRODUCER_EPOCH = 47


@cache
def _library() -> ctypes.CDLL:
    (found,) = [
        one for one in files("confluent-kafka") or () if one.name.startswith("librdkafka") and not one.suffix.startswith(".py")
    ]
    library = ctypes.CDLL(str(found.locate()))
    pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    size = ctypes.c_size_t
    shapes: dict[str, tuple[Any, list[Any]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_new": (pointer, [number, pointer, text, size]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_partition_set_leader": (number, [pointer, text, ctypes.c_int32, ctypes.c_int32]),
        "rd_kafka_mock_coordinator_set": (number, [pointer, text, text, ctypes.c_int32]),
        "rd_kafka_mock_push_request_errors_array": (None, [pointer, ctypes.c_int16, size, ctypes.POINTER(number)]),
    }
    for name, (gives, takes) in shapes.items():
        function = getattr(library, name)
        function.restype, function.argtypes = gives, takes
    return library


class MockBroker:
    """So many brokers on loopback, without rights to anything and without a log on disk. `close` ends them."""

    def __init__(self, brokers: int = 3) -> None:
        self._library = _library()
        said = ctypes.create_string_buffer(512)
        self._client = self._library.rd_kafka_new(PRODUCER, self._library.rd_kafka_conf_new(), said, len(said))
        if not self._client:
            raise RuntimeError(f"librdkafka: {said.value.decode()}")
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, brokers)
        self.bootstrap: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create(self, topic: str, partitions: int) -> None:
        self._done(self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, 1))

    def lead(self, topic: str, partition: int, broker: int) -> None:
        """Make this broker (from 1) the leader of a partition."""
        self._done(self._library.rd_kafka_mock_partition_set_leader(self._cluster, topic.encode(), partition, broker))

    def coordinate(self, group: str, broker: int) -> None:
        """Make this broker (from 1) the coordinator of a group."""
        self._done(self._library.rd_kafka_mock_coordinator_set(self._cluster, b"group", group.encode(), broker))

    def answer(self, ask: Ask, faults: Iterable[Fault]) -> None:
        """Answer the next requests of this kind with these errors, one each, whoever sends them."""
        codes = list(faults)
        self._library.rd_kafka_mock_push_request_errors_array(
            self._cluster, ask, len(codes), (ctypes.c_int * len(codes))(*codes)
        )

    def close(self) -> None:
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)

    @staticmethod
    def _done(code: int) -> None:
        if code:
            raise RuntimeError(f"librdkafka: error {code}")
