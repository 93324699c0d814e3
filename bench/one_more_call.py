"""Remembers calls of one caller, and prints the time for one more.

python -m bench.one_more_call FOLDER embedded|server CALLS…
"""

import argparse
import os
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from bench.processes import cpu_seconds, serving
from tests.harness.samples import transcription
from tests.harness.server import free_port

_CALLER = "+14155550100"
_MORE = 12


def main(folder: Path, kind: str, sizes: list[int]) -> None:
    environment = {
        "SECRET_KEY": "bench" * 10,
        "LOG_LEVEL": "ERROR",
        "EMBEDDINGS": "off",
        "ELMEMORY_ENV_FILE": "",
        "PAYLOAD_STORAGE_PATH": str(folder / "payloads"),
        "OPENMEMORY_DB_PATH": str(folder / "memory.sqlite3"),
        "INDEX_DATABASE_URL": str(folder / "index.sqlite3"),
        "DATABASE_URL": str(folder / "default.sqlite3"),
        "DJANGO_SETTINGS_MODULE": "elmemory.settings",
    }
    os.environ |= environment
    (folder / "payloads").mkdir(parents=True)
    import django

    django.setup()
    from django.core.management import call_command

    from conversations.memories.remember import remember
    from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
    from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
    from tests.harness.stored import place

    call_command("migrate", database="memory", verbosity=0)
    embedded = EmbeddedOpenMemory()

    def call(number: int) -> str:
        said = (f"Sentence {each} of call {number} about the dog and the doctor." for each in range(6))
        facts = {"first_name": "Maya", "city": f"City {number % 7}", "dog": f"Biscuit {number}"}
        return place(
            transcription(_CALLER, *said, facts=facts, started_at=1_700_000_000 + 3600 * number, summary="They talked.")
        ).conversation_id

    done = 0
    with ExitStack() as stack:
        measured: EmbeddedOpenMemory | RemoteOpenMemory = embedded
        pids = [os.getpid()]
        if kind == "server":
            port = free_port()
            command = [sys.executable, "manage.py", "openmemory", "--port", str(port)]
            pids.append(stack.enter_context(serving(command, port, environment | {"OPENMEMORY_KEY": "bench"})))
            measured = RemoteOpenMemory(f"http://127.0.0.1:{port}", "bench")
        for size in sizes:
            while done < size:
                remember(call(done), embedded)
                done += 1
            calls = [call(done + each) for each in range(_MORE)]
            done += _MORE
            before = sum(map(cpu_seconds, pids))
            walls = []
            for conversation_id in calls:
                began = time.perf_counter()
                remember(conversation_id, measured)
                walls.append(1000 * (time.perf_counter() - began))
            cpu = 1000 * (sum(map(cpu_seconds, pids)) - before) / _MORE
            print(size, f"{cpu:.1f}", f"{statistics.median(walls):.1f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("store", choices=("embedded", "server"))
    parser.add_argument("calls", nargs="+", type=int)
    options = parser.parse_args()
    main(options.folder, options.store, options.calls)
