"""Measures how fast live calls are answered, and at what cost.

make bench                 all parts, in about half an hour; writes docs/performance.md
python -m bench --quick    one short round of each, to see that it works; writes nothing
python -m bench --only ring search
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import beside, growth, live, peers, remembering, year
from bench.report import Report
from tests.harness.server import ROOT

# This heading, and what follows, is what other commands print.
_APART = "\n## What searches find\n"

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
    "admin": beside.admin_list,
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
    parser.add_argument("--only", nargs="+", choices=PARTS, help="these parts; writes nothing")
    parser.add_argument(
        "--folder", type=Path, help="where the servers keep their data: a folder on the disk to measure"
    )
    chosen = parser.parse_args()
    report = Report()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="elmemory-bench-", dir=chosen.folder) as folder:
        for name in chosen.only or PARTS:
            PARTS[name](report, Path(folder) / name, chosen.quick)
    markdown = report.markdown()
    if chosen.quick or chosen.only:
        print(f"\n{markdown}")
    else:
        (ROOT / "docs").mkdir(exist_ok=True)
        path = ROOT / "docs" / "performance.md"
        measured_apart = path.read_text().partition(_APART)[1:] if path.exists() else ()
        path.write_text(markdown + "".join(measured_apart))
    print(f"{(time.monotonic() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
