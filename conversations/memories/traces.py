"""Searches all stored data for traces of a caller: every byte of the files, every row of the databases."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from django.contrib.sessions.models import Session
from django.db import connections

from conversations.files.mentions import hits, hits_in
from conversations.files.paths import payload_root
from conversations.index.schema import ALIAS as INDEX
from conversations.index.schema import ensure_schema
from conversations.index.segments import deleted_words
from conversations.index.tokens import tokens
from elmemory.environment.private_files import data_folders
from elmemory.memory.needles import Hit, Needles
from elmemory.memory.openmemory import OpenMemory
from elmemory.memory.openmemory.database_traces import files_of, opened, rows_of
from elmemory.memory.text import counted

_ROWS_AT_ONCE = 200
_MOST_PER_FILE = 20
# Separates values, so that no hit extends over two.
_BETWEEN = b"|"


class Trace(NamedTuple):
    """A hit: its kind ("number", "name", "sentence", "word") and place (a file with an offset, or a table)."""

    what: str
    where: str


@dataclass(slots=True)
class Searched:
    """How much was searched, and the traces that were found."""

    files: int = 0
    rows: int = 0
    bytes: int = 0
    traces: list[Trace] = field(default_factory=list)


def search_databases(needles: Needles, aliases: Iterable[str], *, rows_too: bool = False) -> Searched:
    """Search these databases: the bytes of SQLite files, and the rows of others.

    `rows_too` searches the rows of SQLite as well: only they show a text that continues on another page.
    """
    searched, aliases = Searched(), list(aliases)
    for alias in aliases:
        for path in files_of(alias):
            with suppress(FileNotFoundError), opened(path) as file:
                _note_hits(path, hits(file, needles), searched)
        if rows_too or connections[alias].vendor != "sqlite":
            _search_rows(alias, needles, searched)
    _search_sessions(needles, searched)
    if INDEX not in aliases:
        return searched
    ensure_schema()
    texts = (*needles.names, *needles.sentences, *needles.numbers)
    words = {word for text in texts for word in tokens(text) if len(word) > 2}
    searched.traces += [Trace("word", "index: a deleted word in a full-text segment") for _ in deleted_words(words)]
    return searched


def search_everything(needles: Needles, store: OpenMemory, keys: Iterable[str]) -> Searched:
    """Search the databases, every file of the data folders, and the store. Raises OpenMemoryError."""
    searched = search_databases(needles, connections, rows_too=True)
    of_databases = {path.resolve() for alias in connections for path in files_of(alias)}
    for path in _data_files():
        if needles.are_in(path.name):
            searched.traces.append(Trace("number", f"the name of a file in {path.parent}"))
        if path.resolve() not in of_databases:
            with suppress(FileNotFoundError):
                _note_hits(path, hits_in(path, needles), searched)
    for key in keys:
        if count := len(store.memories(key)):
            searched.traces.append(Trace("number", f"the store: {counted(count, 'memory', 'memories')}"))
    return searched


def _data_files() -> Iterator[Path]:
    """The files in the payload folder, and in folders that hold only databases of this project."""
    databases = [path for alias in connections for path in files_of(alias)[:1]]
    folders = {payload_root(), *data_folders([payload_root(), *databases])}
    outermost = [folder for folder in folders if not any(other in folder.parents for other in folders)]
    for folder in sorted(outermost):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.endswith("-shm"):
                yield path


def _note_hits(path: Path, hits: Iterable[Hit], searched: Searched) -> None:
    """Count the file and add its hits. Raises OSError."""
    searched.bytes += path.stat().st_size
    found = dict.fromkeys(hits)
    searched.files += 1
    searched.traces += [Trace(hit.what, f"{path} at {hit.offset}") for hit in list(found)[:_MOST_PER_FILE]]


def _search_rows(alias: str, needles: Needles, searched: Searched) -> None:
    """Search the rows in groups; rows of a group with a hit are then searched one by one."""
    several: list[tuple[str, bytes]] = []

    def search() -> None:
        if any(needles.find(_BETWEEN.join(content for _, content in several))):
            for table, content in several:
                searched.traces += [Trace(hit.what, f"{alias}: table {table}") for hit in set(needles.find(content))]
        several.clear()

    for table, values in rows_of(alias):
        content = _BETWEEN.join(each.encode("utf-8", "replace") if isinstance(each, str) else each for each in values)
        several.append((table, content))
        searched.rows += 1
        if len(several) >= _ROWS_AT_ONCE:
            search()
    search()


def _search_sessions(needles: Needles, searched: Searched) -> None:
    """Search the decoded sessions for staff's searches: the table stores them compressed."""
    for session in Session.objects.iterator():
        if needles.are_in(str(session.get_decoded())):
            searched.traces.append(Trace("number", "default: a search of staff in table django_session"))
