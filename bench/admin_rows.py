"""Invented calls, callers, memories and entries of the audit log, for measuring the admin (`bench.admin`).

Rows are written straight into the databases, in the state in which the worker leaves them. Only data that a page reads
from files has files.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils.timezone import localdate

from conversations.files.paths import payload_root
from conversations.index import callers, fulltext, labels
from conversations.index.cards import save_card
from conversations.index.fulltext import Text, as_column
from conversations.index.references import caller_reference, sort_key
from conversations.index.schema import ensure_schema
from conversations.models import (
    CallerCalls,
    CallerCard,
    CallLabel,
    Channel,
    Conversation,
    Direction,
    Label,
    MemoryState,
    Outcome,
    Recall,
)
from elmemory.audit.models import Action, Entry, Review
from elmemory.memory import kinds
from elmemory.memory.card import read_card, write_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.harness.samples import transcription
from tests.harness.stored import deliver

NOW = datetime.now(UTC)
OPENED = "conv_opened"
REGULAR = "+14155550100"
_TURNS = 12
_BATCH = 5000
_REVIEWED_EVERY = 50
_UNREADABLE = 200
# All callers share six names, so that a search by name finds many of them.
_NAMES = ("Maya Okafor", "José Núñez", "Priya Raman", "Jonas Weber", "Aoife O'Brien", "Daniel Okonkwo")


def fill(size: int) -> None:
    """Write the calls of a year, their callers' cards, as many entries of the audit log, and one call with files."""
    ensure_schema()
    with connections["index"].cursor() as cursor:
        for table in ("conversation", "call_label", "caller_calls", "caller_card", fulltext.TABLE):
            cursor.execute(f"DELETE FROM {table}")
    chance = random.Random(size)
    _write_calls(size, chance, lambda: caller_of_many(size, chance))
    _write_cards(size)
    _write_audit_log(size)
    reviewed = [Review(conversation_id=f"conv_{n}", reviewed_at=NOW) for n in range(0, size, _REVIEWED_EVERY)]
    Review.objects.bulk_create(reviewed, _BATCH, ignore_conflicts=True)
    folder = payload_root() / "_unreadable"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(_UNREADABLE):
        (folder / f"20261101T0000{number:04}.json").write_bytes(b'{"type": "post_call_transcription", "data": [')
    said = ["I would like to move my appointment"] * _TURNS
    started = int((NOW - timedelta(days=60)).timestamp())
    deliver(transcription(REGULAR, *said, conversation_id=OPENED, started_at=started, status="failed"))
    _tidy_up()


def fill_one_caller(calls: int) -> None:
    """Write this many calls of one caller beside the others, and eight memories of each call."""
    Conversation.objects.filter(caller=REGULAR).delete()
    _write_calls(calls, random.Random(calls), lambda: REGULAR, prefix="conv_regular")
    store = EmbeddedOpenMemory()
    store.forget(REGULAR)
    for number in range(calls):
        store.put_all(REGULAR, kinds.entries(_memories_of_call(number)))
    write_card(store, REGULAR)
    save_card(REGULAR, read_card(store, REGULAR))
    _tidy_up()


def _tidy_up() -> None:
    """VACUUM ANALYZE, which PostgreSQL does by itself within minutes."""
    for connection in connections.all():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")


def _write_calls(size: int, chance: random.Random, caller: Callable[[], str], prefix: str = "conv") -> None:
    for numbers in batched(range(size), _BATCH):
        made = [call(f"{prefix}_{number}", number, size, chance, caller()) for number in numbers]
        with transaction.atomic("index"):
            Conversation.objects.bulk_create([row for row, _ in made])
            labels.write(label for row, _ in made for label in _labels_of(row.sort_key, chance))
            fulltext.write([text for _, text in made])
            callers.count({row.caller for row, _ in made})


def caller_of_many(size: int, chance: random.Random) -> str:
    """A caller for one of this many calls: a few callers call often, most once or twice."""
    return f"+1415{2_000_000 + int(size * 0.3 * chance.random() ** 2):07}"


def call(conversation_id: str, number: int, size: int, chance: random.Random, caller: str) -> tuple[Conversation, Text]:
    started = NOW - timedelta(days=365 * (1 - number / size))
    outcome = chance.choices([Outcome.DONE, Outcome.FAILED, Outcome.WEB], [90, 4, 6])[0]
    row = Conversation(
        conversation_id=conversation_id,
        sort_key=sort_key(conversation_id, started),
        agent_id=f"agent_{chance.randrange(8)}",
        caller=caller,
        caller_ref=caller_reference(caller),
        caller_name=chance.choice(_NAMES),
        direction=Direction.INBOUND,
        channel=chance.choices([Channel.PHONE, Channel.WHATSAPP], [9, 1])[0],
        language=chance.choices(["en", "de", "es"], [6, 3, 1])[0],
        is_returning=chance.random() < 0.6,
        first_answer_ms=round(chance.lognormvariate(7, 0.4), -1),
        turn_ms=round(chance.lognormvariate(6.8, 0.3), -1),
        started_at=started,
        started_on=localdate(started),
        duration_seconds=chance.randrange(5, 900),
        outcome=outcome,
        successful=chance.choice(["success", "failure", "unknown"]),
        cost=chance.randrange(2000),
        title="Appointment moved to Friday",
        recall=chance.choice([Recall.MEMORY, Recall.NEUTRAL]),
        has_transcription=True,
        has_audio=chance.random() < 0.9,
        transcription_at=started.timestamp(),
        audio_at=started.timestamp(),
        memory_state=chance.choices([MemoryState.WRITTEN, MemoryState.FAILED], [99, 1])[0],
        memories=9,
        fingerprint="as they are",
        reviewed=number % _REVIEWED_EVERY == 0,
    )
    said = [" ".join(chance.choices(_VOCABULARY, k=14)) for _ in range(_TURNS)]
    if chance.random() < 0.5:
        said.append("I would like to move my appointment on Thursday to Friday at nine")
    if number % 1000 == 7:
        said.append(f"a heron{number % 10} stood in the garden")
    return row, Text(row.sort_key, row.caller_name, row.title, "The caller moved the appointment.", "\n".join(said))


def _labels_of(sort_key: int, chance: random.Random) -> Iterator[CallLabel]:
    """Labels of one call: one or two tools, of which one in twenty failed, and two criteria."""
    for tool in chance.sample(("book_appointment", "look_up_customer", "transfer"), chance.choice((1, 2))):
        yield CallLabel(kind=Label.TOOL, name=tool, sort_key=sort_key)
        if chance.random() < 0.05:
            yield CallLabel(kind=Label.TOOL_FAILED, name=tool, sort_key=sort_key)
    for criterion in ("Solved", "Polite"):
        kind = chance.choices((Label.CRITERION_SUCCESS, Label.CRITERION_FAILURE), (4, 1))[0]
        yield CallLabel(kind=kind, name=criterion, sort_key=sort_key)


def _write_cards(size: int) -> None:
    """Write the cards of all callers, and of one in fifty more callers without stored calls."""
    chance = random.Random(size)
    numbers = CallerCalls.objects.order_by("number").values_list("number", flat=True)
    with_calls = [(number, "") for number in numbers]
    without_calls = [(number, number) for number in (f"+1416{2_000_000 + n:07}" for n in range(size // 50))]
    CallerCard.objects.bulk_create(
        (
            CallerCard(
                caller_ref=caller_reference(caller),
                number=number,
                name=name,
                name_words=as_column(name),
                opted_out=chance.random() < 0.02,
                shared_line=chance.random() < 0.01,
                summary=f"{name} has called several times about an appointment, the last time to move it to Friday.",
                first_call=NOW - timedelta(days=chance.randrange(180, 365)),
                last_call=NOW - timedelta(minutes=chance.randrange(180 * 1440)),
            )
            for caller, number in [*with_calls, *((each, each) for _, each in without_calls)]
            for name in [chance.choice(_NAMES)]
        ),
        _BATCH,
    )


def _write_audit_log(size: int) -> None:
    """Write entries without the chain of hashes, which pages do not read."""
    actions = (Action.VIEW, Action.LISTEN, Action.FIND, Action.LOGIN, Action.EXPORT)
    # A plain query set, because `Entries` adds entries one by one.
    entries: Any = QuerySet(Entry)
    entries.bulk_create(
        (
            Entry(
                id=number + 1,
                at=NOW - timedelta(days=365 * (1 - number / size)),
                username=f"user_{number % 20}",
                action=actions[number % len(actions)],
                kind="call",
                object=f"conv_{number}",
                caller=caller_reference(f"+1415{2_000_000 + number % 1000:07}"),
                address="192.0.2.1",
                hash="0" * 64,
            )
            for number in range(size)
        ),
        _BATCH,
        ignore_conflicts=True,
    )


def _memories_of_call(number: int) -> Iterator[kinds.NewMemory]:
    """The memories of one call: three facts, four sentences and the call itself."""
    chance = random.Random(number)
    common = {
        "conversation_id": f"conv_regular_{number}",
        "agent_id": "agent_1",
        "called_at": (NOW - timedelta(hours=4 * (2000 - number))).isoformat(timespec="seconds"),
    }
    for position, (field, value) in enumerate(
        (("first_name", "Maya"), ("city", chance.choice(["Duluth", "Boston"])), ("topic", f"Appointment {number}"))
    ):
        more = {**common, "position": position, "field": field, "value": value}
        yield kinds.NewMemory(kinds.FACT, f"fact:conv_{number}:{field}", f"{field}: {value}", more)
    for turn in range(4):
        said = " ".join(chance.choices(_VOCABULARY, k=14))
        more = {**common, "position": 2 * turn + 1, "asked": "And what was it about, please?"}
        yield kinds.NewMemory(kinds.MESSAGE, f"message:conv_{number}:{turn}", said, more)
    more = {**common, "timezone": "UTC", "summary": "Moved the appointment.", "title": "Moved", "spoke": True}
    yield kinds.NewMemory(kinds.CALL, f"call:conv_{number}", "Call (success): Moved the appointment.", more)


_VOCABULARY = [
    f"{first}{last}"
    for first in ("an", "be", "co", "di", "el", "fo", "gra", "hu")
    for last in ("ba", "cer", "dol", "fin", "gus", "lan", "mer", "nor", "pil", "rath", "sun", "tor", "ven", "wick")
] * 4 + ["the", "and", "to", "I", "you", "a", "please", "would", "have", "is"] * 40
