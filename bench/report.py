"""The results as Markdown."""

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
    """Median, with the least and the most of several rounds."""
    middle = f"{statistics.median(values):,.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):,.{digits}f} – {max(values):,.{digits}f})"


class Report:
    def __init__(self) -> None:
        self._parts: list[str] = []
        self._bars: list[Row] = []
        self._machine = _machine()

    def table(self, title: str, head: Row, rows: Sequence[Row], note: str = "") -> None:
        lines = ["| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows)]
        self._parts.append("\n".join([f"## {title}", "", *([note, ""] if note else []), *lines]))
        print(f"\n{self._parts[-1]}", flush=True)

    def bar(self, what: str, bar: str, figure: str, *, met: bool) -> None:
        self._bars.append((what, bar, figure, "met" if met else "**not met**"))

    def markdown(self) -> str:
        bars = [
            "| | bar | figure | |",
            "| --- | --- | --- | --- |",
            *("| " + " | ".join(bar) + " |" for bar in self._bars),
        ]
        return "\n\n".join(["# Performance", self._machine, _HOW, "\n".join(bars), *self._parts]) + "\n"


_HOW = """\
A ring is held against a floor: a raw ASGI application on the same server software that does the same single read (of
the SQLite file, or of the OpenMemory server over a pooled connection) and answers the same, without authentication,
deadline, identity or checks. Floor and server take turns in every round; the figures are medians of the rounds with the
least and the most beside them, ratios are taken within each round. One server process, one core for the load."""


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
