"""Measures retention over an index of 500,000 calls: `python -m bench.retention [ROWS]`.

Invented rows are written straight into an index of its own. The figures are CPU time of one core: of finding what is
due, and of pages of the admin.
"""

import argparse
import os
import random
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
from conversations.models import CallerCard, Conversation, MemoryState

_TIMES = 15
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
        ("recordings: 50, where half of all are due", lambda: retained.due_calls("audio_since", half, 50)),
        ("payloads: nothing is due", lambda: retained.due_calls("payload_since", year, 50)),
        ("payloads: 50, where half of all are due", lambda: retained.due_calls("payload_since", half, 50)),
        ("ElevenLabs' times: nothing is due", lambda: retained.due_calls("payload_due", moment, 50)),
        ("callers: 5 that are due", lambda: retained.callers_due(now() - timedelta(days=300), 5)),
        ("a caller's last call", lambda: retained.last_calls_of([caller_reference("+14152000001")])),
    ):
        print(f"| {name} | {median(ask):.2f} |")
    page()


def fill(size: int) -> None:
    """Write rows of a year. Those of a few callers per day have a card, and one in 1,000 waits for the worker."""
    ensure_schema()
    chance = random.Random(size)
    with connections["index"].cursor() as cursor:
        for table in ("conversation", "caller_calls", "caller_card"):
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


def median(ask: Callable[[], object]) -> float:
    def once() -> float:
        began = time.process_time()
        ask()
        return (time.process_time() - began) * 1000

    once()
    return statistics.median(once() for _ in range(_TIMES))


def page() -> None:
    user = get_user_model()._default_manager.create_superuser("bench", "", "bench")
    client = Client()
    client.force_login(user)
    print(f"| the first page of the calls | {median(lambda: client.get('/admin/conversations/conversation/')):.0f} |")
    print(f"| the front page | {median(lambda: client.get('/admin/')):.0f} |")


if __name__ == "__main__":
    main()
