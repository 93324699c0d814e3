"""Measures retention over an index of 500,000 calls: `python -m bench.retention [ROWS]`.

Invented rows are written straight into an index of its own, some of them with files. The figures are CPU time of one
core: of finding what is due, of whole steps on real files, of refreshing a row, and of a page of the admin.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from datetime import timedelta

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections, transaction
from django.test import Client
from django.utils.timezone import now

from bench.admin_rows import call as invented
from bench.admin_rows import caller_of_many
from conversations.index import callers, retained
from conversations.index.references import caller_reference
from conversations.index.schema import ensure_schema
from conversations.index.sync import refresh_row
from conversations.memories.retention import Retention
from conversations.models import CallerCard, Conversation, LoosePayload, MemoryState
from elmemory.audit.closing import close_entries
from elmemory.audit.models import Action, Entry
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.harness.samples import transcription
from tests.harness.stored import deliver

_TIMES = 15
_WITH_FILES = 200
_DAY = 86_400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=500_000)
    size = parser.parse_args().rows
    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    call_command("migrate", database="memory", verbosity=0)
    began = time.monotonic()
    fill(size)
    print(f"{size:,} rows written in {time.monotonic() - began:.0f} s\n")
    print(f"| at {size:,} calls | ms (median of {_TIMES}) |\n|---|---|")
    moment = time.time()
    year, half = moment - 400 * _DAY, moment - 180 * _DAY
    for name, ask in (
        ("recordings: nothing is due", lambda: retained.due_calls("audio_since", year, 50)),
        (
            "recordings: 50, where half of all are due",
            lambda: retained.due_calls("audio_since", half, 50),
        ),
        ("payloads: nothing is due", lambda: retained.due_calls("payload_since", year, 50)),
        (
            "payloads: 50, where half of all are due",
            lambda: retained.due_calls("payload_since", half, 50),
        ),
        ("ElevenLabs' times: nothing is due", lambda: retained.due_calls("payload_due", moment, 50)),
        ("bodies without a call: 50 of 10,000", lambda: retained.due_loose_payloads(moment - 5 * _DAY, 50)),
        ("callers: 5 that are due", lambda: retained.callers_due(now() - timedelta(days=300), 5)),
        ("a caller's last call", lambda: retained.last_call_of(caller_reference("+14152000001"))),
    ):
        print(f"| {name} | {median(ask):.2f} |")
    plans(moment)
    steps()
    closing()
    page()


def fill(size: int) -> None:
    """Write rows of a year. Those of a few callers per day have a card, and one in 1,000 waits for the worker."""
    import random

    ensure_schema()
    chance = random.Random(size)
    with connections["index"].cursor() as cursor:
        for table in ("conversation", "caller_calls", "caller_card", "loose_payload"):
            cursor.execute(f"DELETE FROM {table}")
    for start in range(0, size, 5000):
        numbers = range(start, min(start + 5000, size))
        rows = [invented(f"conv_{n}", n, size, chance, caller_of_many(size, chance))[0] for n in numbers]
        for number, row in enumerate(rows):
            since = row.started_at.timestamp() if row.started_at else 0
            row.audio_since = since if row.has_audio else None
            row.payload_since, row.payload_due = since, since + 2 * 365 * _DAY
            if number % 1000 == 0:
                row.memory_state = MemoryState.PENDING
        cards = {row.caller_ref: CallerCard(caller_ref=row.caller_ref, last_call=row.started_at) for row in rows}
        with transaction.atomic("index"):
            Conversation.objects.bulk_create(rows)
            callers.count({row.caller for row in rows})
            CallerCard.objects.bulk_create(
                cards.values(), update_conflicts=True, unique_fields=["caller_ref"], update_fields=["last_call"]
            )
    LoosePayload.objects.bulk_create(
        LoosePayload(path=f"_events/{number}.json", stored_at=time.time() - number * 60) for number in range(10_000)
    )


def median(ask: Callable[[], object]) -> float:
    def once() -> float:
        began = time.process_time()
        ask()
        return (time.process_time() - began) * 1000

    once()
    return statistics.median(once() for _ in range(_TIMES))


def plans(moment: float) -> None:
    """Check that each query reads an index, and none a whole table."""
    for column in ("audio_since", "payload_since", "audio_due", "payload_due"):
        plan = retained._due(column, moment).order_by(column)[:50].explain()
        assert f"USING INDEX conversation_{column}" in plan, plan
        assert "TEMP B-TREE" not in plan, plan


def steps() -> None:
    """Measure steps on calls that have files, as the worker takes them, and refreshing a row beside this many."""
    store = EmbeddedOpenMemory()
    long_ago = int(time.time()) - 500 * _DAY
    ids = [
        deliver(transcription(f"+1415555{number:04}", "Hi.", started_at=long_ago + number), store)
        for number in range(_WITH_FILES)
    ]
    settings.RETAIN_PAYLOAD_DAYS = 400
    retention, taken = Retention(store), list[tuple[float, float]]()
    while True:
        began, cpu = time.monotonic(), time.process_time()
        if not retention.step():
            break
        taken.append((time.process_time() - cpu, time.monotonic() - began))
    assert not Conversation.objects.filter(pk__in=ids, has_transcription=True).exists()
    for what, values in (("CPU", [cpu for cpu, _ in taken]), ("elapsed, with fsync", [wall for _, wall in taken])):
        print(f"| a step that removes 50 payloads, {what} | {statistics.median(values) * 1000:.0f} |")
    print(f"| a row refreshed | {median(lambda: refresh_row(ids[0])):.2f} |")


def closing() -> None:
    for number in range(5000):
        Entry(username="bench", action=Action.VIEW, kind="call", object=f"conv_{number}").save()
    before = now()
    began = time.process_time()
    assert close_entries(before, 1000) == 1000
    print(f"| a step that closes 1,000 entries of the audit log | {(time.process_time() - began) * 1000:.0f} |")


def page() -> None:
    user = get_user_model()._default_manager.create_superuser("bench", "", "bench")
    client = Client()
    client.force_login(user)
    print(f"| the first page of the calls | {median(lambda: client.get('/admin/conversations/conversation/')):.0f} |")
    print(f"| the front page | {median(lambda: client.get('/admin/')):.0f} |")


if __name__ == "__main__":
    main()
