"""Takes a lock in a separate process: `python -m tests.harness.locking PURPOSE [NAME]`.

It prints "held" or "busy" (of `free-callers` the callers whose locks were free), then for each line of standard input
"held" or "lost", and releases the lock at the end of the input.
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

    lock: AbstractContextManager[locks.HeldLock | list[str] | None]
    match purpose:
        case "free-callers":
            lock = locks.free_caller_locks(*names)
        case "backfill":
            lock = locks.single_lock("backfill", wait=False)
        case "caller":
            lock = locks.caller_lock(*names, wait=False)
        case _:
            lock = locks.caller_lock(*names)
    try:
        with lock as held:
            _print(" ".join(held) if isinstance(held, list) else "held")
            for _ in sys.stdin:
                assert isinstance(held, locks.HeldLock)
                try:
                    held.confirm()
                    _print("held")
                except LockLost:
                    _print("lost")
    except locks.Busy:
        _print("busy")


def _print(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
