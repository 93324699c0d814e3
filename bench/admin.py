"""Measures the admin's pages over 1,000, 10,000 and 100,000 calls: `python -m bench.admin [ROWS ...]`.

Then it measures the page of one caller with 20, 200 and 2,000 calls. Invented rows, texts and memories are written
straight into databases of their own; pages are requested through Django's test client, several times each, in one
process. The figures are CPU time of one core.
"""

import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import batched

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections, transaction
from django.test import Client
from django.utils.timezone import localdate

from conversations.admin.call_list import CallListAdmin
from conversations.index import fulltext, labels
from conversations.index.cards import save_card
from conversations.index.fulltext import Text
from conversations.index.references import caller_reference, sort_key
from conversations.index.schema import ensure_schema
from conversations.models import CallLabel, Channel, Conversation, Direction, Label, MemoryState, Outcome, Recall
from elmemory.memory import kinds
from elmemory.memory.card import read_card, write_card
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.harness.samples import transcription
from tests.harness.stored import deliver

_TIMES = 7
_TURNS = 12
_CALLS_OF_ONE = 20, 200, 2000
_REGULAR = "+14155550100"
_NOW = datetime.now(UTC)
_LIST = "/admin/conversations/conversation/"
_OPENED = "conv_opened"


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [1_000, 10_000, 100_000]
    settings.ALLOWED_HOSTS = ["*"]
    for alias in ("default", "memory"):
        call_command("migrate", database=alias, verbosity=0)
    user = get_user_model()._default_manager.create_superuser("bench", "", "bench")
    client = Client()
    client.force_login(user)
    timings: dict[str, list[float]] = {}
    for size in sizes:
        began = time.monotonic()
        fill(size)
        print(f"{size:,} calls written in {time.monotonic() - began:.1f} s")
        for name, address in pages(size):
            timings.setdefault(name, []).append(measure(partial(client.get, address, follow=True)))
    print(f"\n| page, ms (median of {_TIMES}) | " + " | ".join(f"{size:,}" for size in sizes) + " |")
    print("|---|" + "---|" * len(sizes))
    for name, row in timings.items():
        print(f"| {name} | " + " | ".join(f"{milliseconds:.0f}" for milliseconds in row) + " |")
    pages_of_one_caller(client)


def pages_of_one_caller(client: Client) -> None:
    print(f"\n| page of a caller with | ms (median of {_TIMES}) | KB |\n|---|---|---|")
    for calls in _CALLS_OF_ONE:
        fill(calls, caller=_REGULAR)
        store = EmbeddedOpenMemory()
        store.forget(_REGULAR)
        for number in range(calls):
            store.put_all(_REGULAR, kinds.entries(memories_of_call(number)))
        write_card(store, _REGULAR)
        save_card(_REGULAR, read_card(store, _REGULAR))
        address = f"/admin/conversations/caller/{caller_reference(_REGULAR)}/change/"
        taken, size = measure(partial(client.get, address)), len(client.get(address).content) / 1024
        print(f"| {calls:,} calls, {len(store.memories(_REGULAR)):,} memories | {taken:.0f} | {size:.0f} |")


def pages(size: int) -> Iterator[tuple[str, str]]:
    last = -(-size // CallListAdmin.list_per_page)
    yield "first page", _LIST
    yield "last page", f"{_LIST}?p={last}"
    yield "ordered by length", f"{_LIST}?o=5"
    yield "one day", f"{_LIST}?started_on__year={_NOW.year}&started_on__month={_NOW.month}&started_on__day={_NOW.day}"
    yield "failed ones", f"{_LIST}?outcome__exact=failed"
    yield "one agent", f"{_LIST}?agent_id__exact=agent_3"
    yield "memory failed, with recording", f"{_LIST}?memory_state__exact=failed&has_audio__exact=1"
    yield "a common word", f"{_LIST}?q=appointment"
    yield "two common words", f"{_LIST}?q=appointment+thursday"
    yield "a rare word", f"{_LIST}?q=heron7"
    yield "a prefix", f"{_LIST}?q=appoi"
    yield "a name spelled nearly", f"{_LIST}?q=okafour"
    yield "a phrase", f"{_LIST}?q=%22appointment+on+thursday%22"
    yield "a number", f"{_LIST}?q=%2B1+(415)+200-0042"
    yield "last digits", f"{_LIST}?q=0042"
    yield "a conversation id", f"{_LIST}?q=conv_7"
    yield "counts beside the filters", f"{_LIST}?_facets=True"
    since, until = (_NOW - timedelta(days=90)).date(), (_NOW - timedelta(days=30)).date()
    yield "last 28 days", f"{_LIST}?days=28"
    yield "went wrong", f"{_LIST}?wrong=any"
    yield "went wrong in 7 days", f"{_LIST}?days=7&wrong=any"
    yield "neutral though known", f"{_LIST}?wrong=neutral"
    yield "from–to", f"{_LIST}?since={since}&until={until}"
    yield "by length", f"{_LIST}?length_from=60&length_to=300"
    yield "by cost", f"{_LIST}?cost_from=1500"
    yield "by language", f"{_LIST}?language=de"
    yield "one channel", f"{_LIST}?channel__exact=phone"
    yield "a tool", f"{_LIST}?tool=book_appointment"
    yield "a failed tool", f"{_LIST}?tool_failed=*"
    yield "a criterion not met", f"{_LIST}?criterion=failure:Solved"
    yield (
        "six filters",
        f"{_LIST}?since={since}&wrong=any&length_from=30&language=en&tool=transfer&criterion=success:Polite",
    )
    yield "a word that went wrong", f"{_LIST}?q=appointment&wrong=any&days=28"
    yield "a call within a search", f"{_LIST}{_OPENED}/change/?_changelist_filters=q%3Dappointment"
    yield "a call within filters", f"{_LIST}{_OPENED}/change/?_changelist_filters=wrong%3Dany%26o%3D5"
    yield "figures of 28 days", f"{_LIST}analytics/"
    yield "figures of a year", f"{_LIST}analytics/?days=all"
    yield "figures of a year, filtered", f"{_LIST}analytics/?days=all&wrong=any&language=en"
    yield "callers", "/admin/conversations/caller/"
    yield "callers by name", "/admin/conversations/caller/?q=maya"
    yield "front page", "/admin/"


def measure(ask: Callable[[], object]) -> float:
    def once() -> float:
        began = time.process_time()
        answer = ask()
        assert answer.status_code == 200, answer.status_code  # type: ignore[attr-defined]
        return (time.process_time() - began) * 1000

    once()
    return statistics.median(once() for _ in range(_TIMES))


def fill(size: int, caller: str = "") -> None:
    ensure_schema()
    chance = random.Random(size)
    with connections["index"].cursor() as cursor:
        for table in ("conversation", "call_label", fulltext.TABLE):
            cursor.execute(f"DELETE FROM {table}")
    for numbers in batched(range(size), 5000):
        made = [call(number, size, chance, caller) for number in numbers]
        with transaction.atomic("index"):
            Conversation.objects.bulk_create([row for row, _ in made])
            labels.write(label for row, _ in made for label in labels_of(row.sort_key, chance))
            fulltext.write([text for _, text in made])
    if not caller:
        said = ["I would like to move my appointment"] * _TURNS
        started = int((_NOW - timedelta(days=60)).timestamp())
        deliver(transcription(_REGULAR, *said, conversation_id=_OPENED, started_at=started, status="failed"))


_NAMES = ("Maya Okafor", "José Núñez", "Priya Raman", "Jonas Weber", "Aoife O'Brien", "Daniel Okonkwo")


def call(number: int, size: int, chance: random.Random, caller: str = "") -> tuple[Conversation, Text]:
    caller = caller or f"+1415{2_000_000 + int(size * 0.3 * chance.random() ** 2):07}"
    started = _NOW - timedelta(days=365 * (1 - number / size))
    conversation_id = f"conv_{number}"
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
    )
    said = [" ".join(chance.choices(_VOCABULARY, k=14)) for _ in range(_TURNS)]
    if chance.random() < 0.5:
        said.append("I would like to move my appointment on Thursday to Friday at nine")
    if number % 1000 == 7:
        said.append(f"a heron{number % 10} stood in the garden")
    return row, Text(row.sort_key, row.caller_name, row.title, "The caller moved the appointment.", "\n".join(said))


def labels_of(sort_key: int, chance: random.Random) -> Iterator[CallLabel]:
    """One or two tools, one of twenty times failed, and two criteria."""
    for tool in chance.sample(("book_appointment", "look_up_customer", "transfer"), chance.choice((1, 2))):
        yield CallLabel(kind=Label.TOOL, name=tool, sort_key=sort_key)
        if chance.random() < 0.05:
            yield CallLabel(kind=Label.TOOL_FAILED, name=tool, sort_key=sort_key)
    for criterion in ("Solved", "Polite"):
        kind = chance.choices((Label.CRITERION_SUCCESS, Label.CRITERION_FAILURE), (4, 1))[0]
        yield CallLabel(kind=kind, name=criterion, sort_key=sort_key)


def memories_of_call(number: int) -> Iterator[kinds.NewMemory]:
    """Three facts, four sentences and the call itself."""
    chance = random.Random(number)
    common = {
        "conversation_id": f"conv_{number}",
        "agent_id": "agent_1",
        "called_at": (_NOW - timedelta(hours=4 * (2000 - number))).isoformat(timespec="seconds"),
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


if __name__ == "__main__":
    main()
