"""What an operator sees: every metric by name, JSON log lines, trace context.

Log lines and metrics carry ids, offsets and codes; never values, never personal data. An id is never a label.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


_counter = partial(Counter, registry=REGISTRY)
_gauge = partial(Gauge, registry=REGISTRY)
_histogram = partial(Histogram, registry=REGISTRY, buckets=_SECONDS)

# --- requests: `route` is the path template, so that ids never become labels --------------------------------------------
REQUESTS = _counter("roviec_http_requests_total", "Requests answered", ["route", "method", "status"])
REQUEST_SECONDS = _histogram(
    "roviec_http_request_duration_seconds", "From the first byte read to the last written", ["route", "method"]
)
REPLAYS = _counter("roviec_http_replayed_total", "Answers given again for an Idempotency-Key that was seen before")

# --- outbox and relay ---
OUTBOX_PENDING = _gauge("roviec_outbox_pending", "Events committed and not yet acknowledged by the broker")
OUTBOX_AGE = _gauge("roviec_outbox_oldest_age_seconds", "Age of the oldest pending event; 0 when there is none")
OUTBOX_PARKED = _gauge("roviec_outbox_parked", "Events that the broker refuses for good; each holds back its key")
OUTBOX_ROWS = _gauge("roviec_outbox_rows", "Events written to the outbox within its retention, whatever their state")
RELAY_SENT = _counter("roviec_relay_sent_total", "Events acknowledged by the broker")
RELAY_FAILED = _counter("roviec_relay_failed_total", "Sends that failed or timed out and will be tried again", ["kind"])
RELAY_EPOCH = _gauge(
    "roviec_relay_lease_epoch", "Epoch of the bucket range's lease, 0 when this process does not hold it", ["range"]
)
RELAY_REBUILT = _counter("roviec_relay_producer_rebuilt_total", "Producers dropped because an outcome was unknown")

# --- consumers ---
CONSUMER_LAG = _gauge("roviec_consumer_lag", "Records behind the end of the partition", ["topic", "partition"])
CONSUMER_AGE = _gauge("roviec_consumer_lag_seconds", "Age of the last record applied, 0 when caught up", ["topic", "partition"])
CONSUMER_PROGRESS = _gauge("roviec_consumer_last_progress_timestamp_seconds", "When this process last committed an effect")
HANDLED = _counter(
    "roviec_handler_total", "Records by type and outcome: applied, duplicate, ignored, parked, dead", ["type", "outcome"]
)
HANDLER_SECONDS = _histogram("roviec_handler_batch_duration_seconds", "One transaction over a batch of records", ["size"])
PARKED = _gauge("roviec_parked", "Records that wait for an earlier one of their stream, or for a repair")
DEAD_LETTERS = _counter("roviec_dead_letters_total", "Records set aside because no retry can help", ["reason"])
CONSUMER_HALTED = _gauge("roviec_consumer_halted", "1 when too many records in a row failed and the consumer stopped itself")
CONSUMER_REBUILT = _counter("roviec_consumer_rebuilt_total", "Consumers dropped and made anew", ["reason"])

# --- timed jobs ---
JOB_RUNS = _counter("roviec_job_runs_total", "Runs of timed jobs", ["job", "outcome"])
JOB_LAST_SUCCESS = _gauge("roviec_job_last_success_timestamp_seconds", "When a timed job last ended well", ["job"])

# --- what services count ---
NOTICES = _counter("roviec_notices_total", "Notices by what became of their delivery", ["state"])
MAIL_PENDING = _gauge("roviec_mail_pending", "Mails that wait to be sent or are being sent")
MAIL_AGE = _gauge("roviec_mail_oldest_age_seconds", "Age of the oldest of these mails; 0 when there is none")
LEDGER_SIZE = _gauge("roviec_ledger_entries", "Entries in the audit ledger")
TOKENS = _counter("roviec_gateway_tokens_total", "Tokens checked or issued at the gateway", ["kind", "outcome"])
LIMITED = _counter("roviec_gateway_limited_total", "Requests refused by the rate limit", ["route_class"])
UPSTREAM = _counter("roviec_gateway_upstream_total", "Calls to a service by outcome", ["service", "outcome"])

# --- the process ---
LOOP_LAG = _gauge("roviec_event_loop_lag_seconds", "How late the event loop woke up, worst of the last 5 s")
LOOP_TASKS = _gauge("roviec_event_loop_tasks", "Tasks of the event loop that have not ended; grows for ever where one leaks")
READY = _gauge("roviec_dependency_up", "1 when a dependency answers", ["dependency"])
BUILD = _gauge("roviec_build_info", "Always 1; labels say what runs", ["service", "version", "python"])

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
TRACEPARENT: ContextVar[str | None] = ContextVar("traceparent", default=None)

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}\Z")
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{7,63}\Z")


def sane_traceparent(value: str | None) -> str:
    """The caller's W3C trace context when it is well formed, else a new one (sampled flag off)."""
    if value is not None and _TRACEPARENT.match(value):
        return value
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-00"


def sane_request_id(value: str | None) -> str:
    """The caller's request id when it is a sane value (8-64 letters, digits, `._:-`), else a new one."""
    return value if value is not None and _REQUEST_ID.match(value) else os.urandom(12).hex()


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, event, and the fields given as `extra={"fields": {...}}`.

    JSON escapes control characters, so that a log line cannot be forged from a value.
    """

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "event": record.getMessage(),
        }
        if (request_id := REQUEST_ID.get()) is not None:
            line["request_id"] = request_id
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["trace"] = _frames(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def _frames(error: BaseException) -> list[str]:
    """Where an error came from, innermost last: file, line, function. Its message may hold values and is left out."""
    frames, walk = [], error.__traceback__
    while walk is not None:
        code = walk.tb_frame.f_code
        frames.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{walk.tb_lineno} {code.co_name}")
        walk = walk.tb_next
    return frames[-12:]


def setup_logging(service: str, level: str) -> None:
    """Send every logger of the process to standard output as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(service))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its lines quote broker addresses each 100 ms of an outage
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    logging.getLogger("pymongo").setLevel(logging.WARNING)  # at DEBUG it quotes whole documents, personal data included
    BUILD.labels(service, version("roviec-common"), sys.version.split()[0]).set(1)


class Log:
    """A logger whose calls read `log.info("relay_sent", count=3)`: an event name and fields."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, /, **fields: Any) -> None:
        self._logger.debug(event, extra={"fields": fields})

    def info(self, event: str, /, **fields: Any) -> None:
        self._logger.info(event, extra={"fields": fields})

    def warning(self, event: str, /, *, exc_info: BaseException | None = None, **fields: Any) -> None:
        self._logger.warning(event, extra={"fields": fields}, exc_info=exc_info)

    def error(self, event: str, /, *, exc_info: BaseException | None = None, **fields: Any) -> None:
        self._logger.error(event, extra={"fields": fields}, exc_info=exc_info)


async def watch_loop_lag(step: float = 0.25, window: float = 5.0) -> None:
    """Measure for ever how late the event loop wakes up; the gauge holds the worst of the last window."""
    worst, since = 0.0, time.monotonic()
    while True:
        before = time.monotonic()
        await asyncio.sleep(step)
        late = time.monotonic() - before - step
        if late >= worst or time.monotonic() - since > window:
            worst, since = late, time.monotonic()
            LOOP_LAG.set(max(late, 0.0))
            LOOP_TASKS.set(len(asyncio.all_tasks()))
