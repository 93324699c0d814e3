"""Writes the results as Markdown, and into a document that has other sections too."""

import os
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.load import WRK

type Row = tuple[str, ...]


def spread(values: Sequence[float], digits: int = 0) -> str:
    """The median, with the minimum and maximum of several rounds."""
    middle = f"{statistics.median(values):,.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):,.{digits}f} – {max(values):,.{digits}f})"


class Report:
    def __init__(self) -> None:
        self._sections: dict[str, str] = {}
        self._bars: dict[str, str] = {}
        self._machine = _machine()

    def table(self, title: str, head: Row, rows: Sequence[Row], note: str = "") -> None:
        taken = f"{datetime.now(UTC):%d %B %Y}, load average {os.getloadavg()[0]:.1f}."
        lines = [_line(row) for row in (head, ("---",) * len(head), *rows)]
        self._sections[title] = "\n".join([f"{note}\n{taken}" if note else taken, "", *lines])
        print(f"\n## {title}\n\n{self._sections[title]}", flush=True)

    def bar(self, what: str, bar: str, figure: str, *, met: bool) -> None:
        self._bars[what] = _line((what, bar, figure, "met" if met else "**not met**"))

    def markdown(self, before: str = "", *, whole: bool) -> str:
        """The document `before`, with its sections and bars replaced by measured ones of the same names.

        Other sections stay. `whole`: everything was measured on this machine, and the head is written again.
        """
        head, *others = before.split("\n## ")
        sections = {title: text.strip("\n") for title, _, text in (other.partition("\n") for other in others)}
        rows = [line for line in head.splitlines() if line.startswith("| ")][2:]
        known = {} if whole else {line.split(" | ")[0].removeprefix("| "): line for line in rows}
        lines = ["| | bar | figure | |", "| --- | --- | --- | --- |", *(known | self._bars).values()]
        above = [] if whole else [part for part in head.strip().split("\n\n") if not part.startswith(("#", "|"))]
        parts = ["# Performance", *(above or (self._machine, _HOW)), "\n".join(lines)]
        return (
            "\n\n".join([*parts, *(f"## {name}\n\n{text}" for name, text in (sections | self._sections).items())])
            + "\n"
        )


def _line(row: Row) -> str:
    return "| " + " | ".join(row) + " |"


_HOW = """\
A ring is compared with a floor: a raw ASGI application on the same server software that does the same single read (of
the SQLite file, or of the OpenMemory server over a pooled connection) and sends the same answer, without
authentication, deadline, identity or checks. Floor and server take turns in every round. Figures are medians of the
rounds, with the minimum and maximum in brackets; ratios are computed within each round. One server process, one core
for the load."""


def _machine() -> str:
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or platform.machine(),
    )
    memory = next((int(line.split()[1]) / 2**20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    packages = ", ".join(f"{name} {version(name)}" for name in ("django", "django-ninja", "uvicorn"))
    load = (
        "wrk" if WRK else "our own Python client (wrk is not installed: the figures are lower and rougher than with it)"
    )
    return (
        f"Taken on {datetime.now(UTC):%d %B %Y} by `make bench`: {cpu}, {os.cpu_count()} cores, {memory:.0f} GB,"
        f" {platform.system()} {platform.release().partition('-')[0]}, Python {platform.python_version()}, {packages}."
        f" Load by {load}. Load average at the start: {os.getloadavg()[0]:.1f}."
    )


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []
