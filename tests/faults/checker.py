"""What a run left behind, held against what it was asked: lost, doubled, out of order, stuck. Pure.

The rig knows what callers asked for and which answers they were given; the databases and topics say what came of it. Every
rule below speaks of the promise that it checks, never of how the product keeps it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

H = TypeVar("H", bound=Hashable)
WRITTEN = "/roviec/tasks/"
"""Where the events of what callers ask for come from. What follows from them elsewhere carries the same request id."""
OF_PROCESSES = tuple(f"{what} {role}" for what in ("kill -9", "crash point", "pause", "SIGTERM")
                     for role in ("api", "relay", "consumer", "sender", "gateway"))  # fmt: skip
MOST_SHOWN = 3
"""Examples that a finding names; all are counted."""


class Damage(StrEnum):
    LOST = "LOST"
    DOUBLED = "DOUBLED"
    DISORDERED = "OUT OF ORDER"
    STUCK = "STUCK"
    WRONG = "WRONG"
    """An answer that no caller should have been given, or a process that ended by itself."""
    LATE = "LATE"
    """Right in the end, but not within the figure of the matrix."""
    LEAKED = "LEAKED"
    """Something that grows as long as the process or the collection lives."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of damage: how often, and the first few places."""

    damage: Damage
    what: str
    count: int = 1
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = f" ({'; '.join(self.examples)}{' ...' if self.count > len(self.examples) else ''})" if self.examples else ""
        return f"{self.damage}: {self.count} x {self.what}{shown}"


@dataclass(frozen=True, slots=True)
class Asked:
    """One effect that a caller asked for, under one Idempotency-Key and one request id, however often it was sent.

    `sequence` is the number of the event that the acknowledgement speaks of; None when no answer was ever had. `tells`
    names who must be told of it: (recipient, kind of notice).
    """

    request_id: str
    subject: str
    verb: str
    sequence: int | None
    tells: tuple[tuple[str, str], ...] = ()

    @property
    def acknowledged(self) -> bool:
        return self.sequence is not None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a service's outbox. `stream` is `<source>/<aggregate type>/<aggregate id>`."""

    id: str
    stream: str
    sequence: int
    state: str
    request_id: str
    topic: str


@dataclass(frozen=True, slots=True)
class Wire:
    """One record of a topic, in the order of its partition."""

    topic: str
    partition: int
    offset: int
    id: str
    stream: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the audit ledger."""

    index: int
    id: str
    stream: str
    sequence: int
    hash: str
    previous: str | None


@dataclass(frozen=True, slots=True)
class Notice:
    fact_id: str
    recipient: str
    kind: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What a notice says of its mail: the state as it is stored."""

    id: str
    recipient: str
    state: str

    @property
    def message(self) -> str:
        """What begins the Message-ID of its mail."""
        return f"<{self.id}@"


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that arrived: its Message-ID as it stood there, and where it was delivered."""

    message_id: str
    to: str


@dataclass
class Observed:
    """All that is known at the end of a run."""

    asked: list[Asked] = field(default_factory=list)
    outbox: list[Row] = field(default_factory=list)
    wire: list[Wire] = field(default_factory=list)
    ledger: list[Entry] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    addresses: dict[str, str] = field(default_factory=dict)
    """By person: where their mail goes."""
    mail_repeats: int | None = 0
    """Mails that may have come once more: one for each death or pause of a sender; None when more was done than that."""
    sequences: dict[str, int] = field(default_factory=dict)
    """By task: the running number in the stored document."""
    history: dict[str, list[int]] = field(default_factory=dict)
    """By task: the numbers of its history's lines."""
    applied: dict[str, list[int]] = field(default_factory=dict)
    """By stream: what a reader whose effect is not idempotent by itself applied, in the order in which it did."""
    parked: list[str] = field(default_factory=list)
    """Records that wait in any reader's inbox, as `<service>: <reason> <place>`."""
    planted: frozenset[str] = frozenset()
    """Event ids that the rig itself wrote to topics: no outbox has them."""
    answers: list[str] = field(default_factory=list)
    """Answers that differ from what they must be, as the callers noted them."""
    deaths: list[str] = field(default_factory=list)
    """Processes that ended though nobody asked them to."""
    quiet: bool = False
    """True when nothing was done to any process: then nothing may be sent twice either."""


def check(seen: Observed) -> list[Finding]:
    """Every kind of damage that the run shows; none when all promises were kept."""
    return [finding for rule in RULES for finding in rule(seen)]


# --- the write and its event: in one transaction ---


def acknowledged_writes_are_durable(seen: Observed) -> Iterator[Finding]:
    """Each acknowledged effect has exactly one event, with the number that the answer spoke of."""
    rows = _grouped(_written(seen), lambda row: row.request_id)
    acknowledged = [one for one in seen.asked if one.acknowledged]
    yield from _say(
        Damage.LOST, "acknowledged write without its event", (one for one in acknowledged if one.request_id not in rows)
    )
    other = (one for one in acknowledged if one.request_id in rows and rows[one.request_id][0].sequence != one.sequence)
    yield from _say(Damage.WRONG, "acknowledged number that is not the event's", other)
    twice = (one for one in seen.asked if len(rows.get(one.request_id, ())) > 1)
    yield from _say(Damage.DOUBLED, "effect of one Idempotency-Key", twice)


def documents_and_events_agree(seen: Observed) -> Iterator[Finding]:
    """No half state: document, history and outbox of a task tell of the same number of events."""
    rows = _grouped((row for row in seen.outbox if _subject(row.stream) in seen.sequences), lambda row: _subject(row.stream))
    half = (task for task, number in seen.sequences.items() if len(rows.get(task, ())) != number)
    yield from _say(Damage.LOST, "document whose events are not all in the outbox", half)
    torn = (t for t, n in seen.sequences.items() if seen.history.get(t, []) != list(range(1, n + 1)))
    yield from _say(Damage.LOST, "document whose history is not complete", torn)
    without = (one for one in seen.asked if one.acknowledged and one.subject and one.subject not in seen.sequences)
    yield from _say(Damage.LOST, "acknowledged document", without)


def outbox_numbers_are_gapless(seen: Observed) -> Iterator[Finding]:
    streams = _grouped(seen.outbox, lambda row: row.stream)
    gaps = (s for s, rows in streams.items() if sorted(row.sequence for row in rows) != list(range(1, len(rows) + 1)))
    yield from _say(Damage.LOST, "stream of the outbox with a gap or a double", gaps)


# --- the relay ---


def rows_are_on_their_topic(seen: Observed) -> Iterator[Finding]:
    there = {(one.topic, one.id) for one in seen.wire}
    missing = [row for row in seen.outbox if (row.topic, row.id) not in there]
    yield from _say(Damage.LOST, "event marked as sent that is not on its topic", (row for row in missing if row.state == "S"))
    yield from _say(Damage.STUCK, "event that is still not on its topic", (row for row in missing if row.state != "S"))
    present = (row for row in seen.outbox if row.state != "S" and (row.topic, row.id) in there)
    yield from _say(Damage.STUCK, "event that was sent and is not marked so", present)


def streams_are_sent_in_order(seen: Observed) -> Iterator[Finding]:
    """What a reader meets for the first time comes in the order of its stream; repeats may come at any time."""
    known: set[tuple[str, str]] = set()
    last: Counter[tuple[str, str]] = Counter()
    wrong: list[Wire] = []
    for one in sorted(seen.wire, key=lambda one: (one.topic, one.partition, one.offset)):
        if (one.topic, one.id) in known or one.id in seen.planted:
            continue
        known.add((one.topic, one.id))
        if one.sequence != last[one.topic, one.stream] + 1:
            wrong.append(one)
        last[one.topic, one.stream] = one.sequence
    yield from _say(Damage.DISORDERED, "event sent before its predecessor", wrong)


def quiet_runs_send_once(seen: Observed) -> Iterator[Finding]:
    """Nothing was disturbed: then one relay at a time has sent each row, once."""
    if seen.quiet:
        times = Counter((one.topic, one.id) for one in seen.wire)
        yield from _say(Damage.DOUBLED, "event on its topic in an undisturbed run", (k for k, n in times.items() if n > 1))


# --- the readers ---


def every_event_is_in_the_ledger_once(seen: Observed) -> Iterator[Finding]:
    times = Counter(entry.id for entry in seen.ledger)
    yield from _say(Damage.LOST, "event that is not in the ledger", (row for row in seen.outbox if not times[row.id]))
    yield from _say(Damage.DOUBLED, "event in the ledger", (key for key, number in times.items() if number > 1))
    known = {row.id for row in seen.outbox} | seen.planted
    yield from _say(Damage.WRONG, "entry of an event that nobody published", (e for e in seen.ledger if e.id not in known))


def the_ledger_is_one_chain(seen: Observed) -> Iterator[Finding]:
    entries = sorted(seen.ledger, key=lambda entry: entry.index)
    indexes = [entry.index for entry in entries]
    if indexes != list(range(len(entries))):
        yield Finding(Damage.LOST, "the ledger's indexes are not 0, 1, 2 ...")
    breaks = (b for a, b in pairwise(entries) if b.previous != a.hash)
    yield from _say(Damage.DISORDERED, "entry that does not continue the one before it", breaks)
    yield from _in_order("stream in the ledger", _sequences((entry.stream, entry.sequence) for entry in entries))


def every_effect_happened_once_and_in_order(seen: Observed) -> Iterator[Finding]:
    streams = _grouped(seen.outbox, lambda row: row.stream)
    missing = [
        f"{stream} {row.sequence}"
        for stream, rows in streams.items()
        for row in rows
        if row.sequence not in set(seen.applied.get(stream, ()))
    ]
    yield from _say(Damage.LOST, "event without its effect", missing)
    times = Counter((stream, number) for stream, numbers in seen.applied.items() for number in numbers)
    yield from _say(Damage.DOUBLED, "effect of one event", (place for place, number in times.items() if number > 1))
    yield from _in_order("stream of effects", {s: list(dict.fromkeys(numbers)) for s, numbers in seen.applied.items()})


def everybody_is_told_once(seen: Observed) -> Iterator[Finding]:
    fact = {row.request_id: row.id for row in _written(seen)}
    wanted = {
        Notice(fact[one.request_id], recipient, kind)
        for one in seen.asked
        if one.request_id in fact
        for recipient, kind in one.tells
    }
    found = Counter(seen.notices)
    yield from _say(Damage.LOST, "notice", (notice for notice in wanted if not found[notice]))
    yield from _say(Damage.DOUBLED, "notice", (notice for notice, number in found.items() if number > 1))
    yield from _say(Damage.WRONG, "notice that nothing called for", (n for n in found if n not in wanted))


def everybody_is_written_to(seen: Observed) -> Iterator[Finding]:
    """Each notice of somebody with an address arrives as a mail, under one Message-ID; again only where a sender died
    between the mail server's yes and its own note of it.
    """
    asked = {letter.message: letter for letter in seen.letters if letter.recipient in seen.addresses}
    arrived = Counter(f"{mail.message_id.partition('@')[0]}@" for mail in seen.mails)
    yield from _say(Damage.LOST, "mail of a notice", (letter for key, letter in asked.items() if not arrived[key]))
    unnoted = (one for key, one in asked.items() if arrived[key] and one.state != "delivered")
    yield from _say(Damage.STUCK, "mail that arrived and is not noted so", unnoted)
    again = [key for key, number in arrived.items() for _ in range(number - 1)]
    if seen.mail_repeats is not None and len(again) > seen.mail_repeats:
        yield from _say(Damage.DOUBLED, f"mail, where {seen.mail_repeats} may be", again)
    names: dict[str, set[str]] = defaultdict(set)
    for mail in seen.mails:
        names[f"{mail.message_id.partition('@')[0]}@"].add(mail.message_id)
    yield from _say(Damage.DOUBLED, "Message-ID of one mail", (key for key, ids in names.items() if len(ids) > 1))
    astray = (
        mail
        for mail in seen.mails
        if (letter := asked.get(f"{mail.message_id.partition('@')[0]}@")) is None or seen.addresses[letter.recipient] != mail.to
    )
    yield from _say(Damage.WRONG, "mail that no notice asked for, or to somebody else", astray)


def nothing_waits(seen: Observed) -> Iterator[Finding]:
    yield from _say(Damage.STUCK, "parked record", seen.parked)


def nobody_was_told_nonsense(seen: Observed) -> Iterator[Finding]:
    yield from _say(Damage.WRONG, "answer", seen.answers)
    yield from _say(Damage.WRONG, "process that ended by itself", seen.deaths)


RULES: tuple[Callable[[Observed], Iterator[Finding]], ...] = (
    acknowledged_writes_are_durable,
    documents_and_events_agree,
    outbox_numbers_are_gapless,
    rows_are_on_their_topic,
    streams_are_sent_in_order,
    quiet_runs_send_once,
    every_event_is_in_the_ledger_once,
    the_ledger_is_one_chain,
    every_effect_happened_once_and_in_order,
    everybody_is_told_once,
    everybody_is_written_to,
    nothing_waits,
    nobody_was_told_nonsense,
)


def mail_repeats(faults: Mapping[str, int]) -> int | None:
    """How many mails may have come once more after these faults: a sender sends them one by one and notes each at once, so
    one for each of its deaths and pauses. None when the database or anything else around it was disturbed as well.
    """
    if any(not kind.startswith(OF_PROCESSES) for kind in faults):
        return None
    return sum(number for kind, number in faults.items() if kind.endswith(" sender"))


def bound(runs: int) -> float:
    """With no failure in so many runs, the chance of one is below this, at 95 % (rule of three)."""
    return min(1.0, 3 / runs) if runs else 1.0


# --- small ---


def _say(damage: Damage, what: str, places: Iterable[object]) -> Iterator[Finding]:
    found = list(places)
    if found:
        yield Finding(damage, what, len(found), tuple(map(str, found[:MOST_SHOWN])))


def _in_order(what: str, streams: dict[str, list[int]]) -> Iterator[Finding]:
    """Each stream counts 1, 2, 3 ...; where one number is missing that is said elsewhere, here only the order counts."""
    yield from _say(Damage.DISORDERED, what, (s for s, numbers in streams.items() if numbers != sorted(numbers)))


def _written(seen: Observed) -> list[Row]:
    return [row for row in seen.outbox if row.stream.startswith(WRITTEN)]


def _sequences(places: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for stream, number in places:
        found[stream].append(number)
    return found


def _grouped(rows: Iterable[Row], key: Callable[[Row], H]) -> dict[H, Sequence[Row]]:
    found: dict[H, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)


def _subject(stream: str) -> str:
    return stream.rpartition("/")[2]
