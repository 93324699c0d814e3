"""What a database keeps of deleted rows: searching its files while connections are open."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connections

from elmemory.memory.openmemory.database_traces import contains, opened
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory

MAYA, PEPE = "+14155550100", "+14155550101"


def rows_in_another_process(path: Path, table: str) -> int:
    """How many rows a process that opens the file, and closes it again, finds."""
    counting = f"import sqlite3; c = sqlite3.connect({str(path)!r}); n = c.execute('SELECT count(*) FROM {table}')"
    done = subprocess.run(
        [sys.executable, "-c", f"{counting}; print(n.fetchone()[0]); c.close()"], check=True, capture_output=True
    )
    return int(done.stdout)


def test_a_searched_database_loses_no_row_when_another_process_closes_it(tmp_path: Path) -> None:
    path = tmp_path / "some.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE one (content TEXT)")
        with opened(path) as file:
            assert file.read(6) == b"SQLite"
        assert rows_in_another_process(path, "one") == 0
        database.execute("INSERT INTO one VALUES ('x')")
        assert rows_in_another_process(path, "one") == 1


@pytest.mark.django_db(transaction=True, databases=["memory"])
def test_a_store_that_forgot_somebody_loses_no_row_when_another_process_closes_it(store: EmbeddedOpenMemory) -> None:
    path = Path(connections["memory"].settings_dict["NAME"])
    store.put(MAYA, "fact:a", "City: Duluth")
    store.forget(MAYA)
    assert not contains("memory", MAYA.encode())
    assert rows_in_another_process(path, "memory") == 0
    store.put(PEPE, "fact:a", "City: Duluth")
    assert rows_in_another_process(path, "memory") == 1
