"""The users of an OpenMemory server."""

from contextlib import suppress

from elmemory.memory.openmemory.protocol import BOOKKEEPER, OpenMemoryMisconfigured
from elmemory.memory.openmemory.remote.connection import Connection

_SECONDS = 10.0
_PAGE = 1000


def users_of(server: Connection) -> list[str] | None:
    """As the protocol says: from `/users`, which our own server has, else from the memories of all users."""
    with suppress(OpenMemoryMisconfigured):
        listed = (server.call("GET", "/users", seconds=_SECONDS) or {}).get("users")
        if isinstance(listed, list):
            return [str(user_id) for user_id in listed]
    owners: dict[str, str] = {}
    offset = 0
    while True:
        query = {"l": _PAGE, "u": offset}
        items = (server.call("GET", "/memory/all", seconds=_SECONDS, query=query) or {}).get("items")
        if not isinstance(items, list):
            return None
        known = len(owners)
        owners |= {str(item.get("id")): str(item.get("user_id") or "") for item in items if isinstance(item, dict)}
        if len(items) < _PAGE:
            return list({*owners.values()} - {BOOKKEEPER, ""})
        if len(owners) == known:
            return None  # it repeats its pages
        offset += _PAGE
