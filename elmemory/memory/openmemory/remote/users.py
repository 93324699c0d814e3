"""Lists the users of an OpenMemory server: by our own server's route, else from the owners of all memories."""

from collections import Counter
from contextlib import suppress

from elmemory.memory.openmemory.protocol import BOOKKEEPER, OpenMemoryMisconfigured
from elmemory.memory.openmemory.remote.connection import Connection

_PAGE = 1000
_SECONDS = 30.0


def users_of(server: Connection) -> dict[str, int] | None:
    """Return the number of memories of each user; None if the server does not list all. Raises OpenMemoryError."""
    with suppress(OpenMemoryMisconfigured, KeyError, TypeError, ValueError):  # a server without this route
        listed = (server.call("GET", "/users", seconds=_SECONDS) or {}).get("users")
        if isinstance(listed, list):
            return {str(user["user_id"]): int(user["memories"]) for user in listed}
    owners: dict[str, str] = {}
    offset = 0
    while True:
        try:
            answer = server.call("GET", "/memory/all", seconds=_SECONDS, query={"l": _PAGE, "u": offset})
        except OpenMemoryMisconfigured:
            return None
        items = (answer or {}).get("items")
        if not isinstance(items, list):
            return None
        known = len(owners)
        owners |= {str(item.get("id")): str(item.get("user_id") or "") for item in items if isinstance(item, dict)}
        if len(items) < _PAGE:
            return {user: count for user, count in Counter(owners.values()).items() if user not in ("", BOOKKEEPER)}
        if len(owners) == known:  # a server that repeats its pages
            return None
        offset += _PAGE
