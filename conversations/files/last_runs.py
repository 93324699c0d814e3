"""The results of the last backup, verification and fetch from ElevenLabs: small files in the payload folder."""

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import orjson
import structlog
from django.utils.timezone import now

from conversations.files.durable import write_durably
from conversations.files.paths import payload_root

log = structlog.get_logger(__name__)

_A_DAY_SECONDS = 26 * 3600

type Task = Literal["backup", "verify", "backfill"]

_FILES = {"backup": "_backup", "verify": "_verified", "backfill": "_backfilled"}


@dataclass(frozen=True, slots=True)
class LastRun:
    """One run. `detail` is for people, without personal data. Times are ISO 8601; `succeeded_at` is that of the last
    success.
    """

    at: str
    ok: bool
    detail: str
    succeeded_at: str = ""

    @property
    def age_seconds(self) -> float:
        """The seconds since the run ended."""
        return (now() - datetime.fromisoformat(self.at)).total_seconds()

    @property
    def has_recent_success(self) -> bool:
        """Whether one of the runs of the last 26 hours succeeded: with one each night, none was missed yet."""
        succeeded_at = datetime.fromisoformat(self.succeeded_at) if self.succeeded_at else None
        return bool(succeeded_at and (now() - succeeded_at).total_seconds() < _A_DAY_SECONDS)


def last_run(task: Task) -> LastRun | None:
    """The last run of this task; None if there was none, or its file cannot be read."""
    with suppress(OSError, ValueError, TypeError):
        run = LastRun(**orjson.loads(_path(task).read_bytes()))
        if run.age_seconds is not None:
            return run
    return None


def note_run(task: Task, *, ok: bool, detail: str) -> None:
    """Record that the task has just ended. A disk error is logged, because it must not make a backup fail."""
    at = now().isoformat(timespec="seconds")
    before = last_run(task)
    run = LastRun(at, ok, detail, at if ok else before.succeeded_at if before else "")
    try:
        write_durably(_path(task), orjson.dumps(asdict(run)))
    except OSError as error:
        log.error("could not note a result", task=task, error=error.strerror)


def _path(task: Task) -> Path:
    return payload_root() / _FILES[task]
