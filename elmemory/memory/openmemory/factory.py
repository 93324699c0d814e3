"""Chooses the store by the settings."""

from functools import cache
from urllib.parse import urlsplit

from django.conf import settings

from elmemory.memory.openmemory.protocol import OpenMemory, OpenMemoryMisconfigured


@cache
def open_memory() -> OpenMemory:
    """Return the store that the settings name, one object per process. Raises OpenMemoryMisconfigured."""
    if not settings.OPENMEMORY_PORT:
        from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory

        return EmbeddedOpenMemory()
    url = server_url(settings.OPENMEMORY_PORT)
    if settings.OPENMEMORY_CLIENT == "sdk":
        from elmemory.memory.openmemory.sdk import SdkOpenMemory

        return SdkOpenMemory(url, settings.OPENMEMORY_KEY)
    from elmemory.memory.openmemory.remote.store import RemoteOpenMemory

    return RemoteOpenMemory(url, settings.OPENMEMORY_KEY)


def server_url(port_or_url: str) -> str:
    """Return a server's URL, from a URL or a port of this machine. Raises OpenMemoryMisconfigured."""
    problem = "OPENMEMORY_PORT is neither a port nor a URL such as http://127.0.0.1:8080"
    if port_or_url.isdecimal():
        if not 0 < int(port_or_url) < 2**16:
            raise OpenMemoryMisconfigured(problem)
        return f"http://127.0.0.1:{int(port_or_url)}"
    try:
        parts = urlsplit(port_or_url)
        _ = parts.port
    except ValueError:
        raise OpenMemoryMisconfigured(problem) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise OpenMemoryMisconfigured(problem)
    if parts.username or parts.password:
        raise OpenMemoryMisconfigured("OPENMEMORY_PORT holds a password: the server's key belongs into OPENMEMORY_KEY")
    return port_or_url.rstrip("/")
