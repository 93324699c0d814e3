"""Takes a lock in a process of its own: `python -m tests.harness.locking PURPOSE [NAME]`.

Says "held" or "busy"; then, for each line of standard input, whether it is "held" or "lost". It lets go at its end.
"""

import os
import sys
from contextlib import AbstractContextManager

import django


def main(purpose: str, *names: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "elmemory.settings"
    django.setup()

    from conversations.files import locks
    from conversations.files.advisory import LockLost

    lock: AbstractContextManager[locks.HeldLock | None]
    match purpose:
        case "backfill":
            lock = locks.backfill_lock()
        case "caller":
            lock = locks.caller_lock(*names, wait=False)
        case _:
            lock = locks.caller_lock(*names)
    try:
        with lock as held:
            _say("held")
            for _ in sys.stdin:
                assert held
                try:
                    held.confirm()
                    _say("held")
                except LockLost:
                    _say("lost")
    except locks.Busy:
        _say("busy")


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
