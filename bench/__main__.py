"""Measures how fast live calls are answered, and at what cost.

make bench                 all parts, in less than 25 minutes; writes their sections of docs/performance.md
python -m bench --quick    one short round of each, to see that it works; writes nothing
python -m bench --only ring search [--write]
"""

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from bench import beside, growth, live, peers, remembering, year
from bench.report import Report
from tests.harness.server import ROOT

_DOCUMENT = ROOT / "docs" / "performance.md"

type Part = Callable[[Report, Path, bool], None]

PARTS: dict[str, Part] = {
    "ring": live.ring_embedded,
    "remote": live.ring_remote,
    "search": live.search,
    "peer": peers.peer,
    "hanging": beside.hanging,
    "audio": beside.audio_and_admin,
    "deliveries": beside.deliveries,
    "start": beside.cold_start,
    "callers": growth.larger_callers,
    "stores": growth.larger_stores,
    "leaks": growth.many_rings,
    "history": remembering.history,
    "postgres": remembering.postgres,
    "year": year.year,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one short round of each")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="these parts; prints their sections")
    parser.add_argument("--write", action="store_true", help="with --only: write them into docs/performance.md")
    chosen = parser.parse_args()
    os.umask(0o077)  # as in every command
    report = Report()
    began, failed = time.monotonic(), list[str]()
    with tempfile.TemporaryDirectory(prefix="elmemory-bench-") as folder:
        for name in chosen.only or PARTS:
            started = time.monotonic()
            try:
                PARTS[name](report, Path(folder) / name, chosen.quick)
            except Exception:  # the other parts are still measured and written
                traceback.print_exc()
                failed.append(name)
            print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    if chosen.quick or (chosen.only and not chosen.write):
        print(f"\n{report.markdown(whole=True)}")
    else:
        _DOCUMENT.write_text(report.markdown(_DOCUMENT.read_text(), whole=not (chosen.only or failed)))
    print(f"{(time.monotonic() - began) / 60:.1f} minutes")
    if failed:
        sys.exit(f"These parts failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
