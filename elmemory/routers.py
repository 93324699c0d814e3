from typing import Any

from django.db.models import Model

_ALIASES = {"openmemory": "memory", "conversations": "index"}
# The embedded store that memories are being moved to; its tables are those of `memory`.
MOVED = "moved"


class Router:
    """Routes memories to the database `memory`, rows of the index to `index`, and everything else to `default`."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:  # noqa: ARG002
        return _ALIASES.get(model._meta.app_label)

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:  # noqa: ARG002
        return ("memory" if db == MOVED else db) == _ALIASES.get(app_label, "default")
