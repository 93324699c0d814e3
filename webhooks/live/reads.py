"""What live calls are told from memory: the caller's card at the ring, answers to questions during the call.

In time and without an error, whatever the store does.
"""

import time
from functools import cache

import structlog
from django.conf import settings

from elmemory.memory.card import Card, glance_at_card, read_card
from elmemory.memory.openmemory import OpenMemory, open_memory
from elmemory.memory.search import Found
from elmemory.memory.search_cache import PreparedCallers
from webhooks.live.breaker import Breaker
from webhooks.live.deadline import LiveReads
from webhooks.live.latency import Pace
from webhooks.live.threads import Threads
from webhooks.metrics import rings, searches

log = structlog.get_logger(__name__)

_MOST_THREADS = 16
_MOST_WAITING = 64


class LiveMemory:
    def __init__(self, store: OpenMemory) -> None:
        self.store = store
        self.pace = Pace()
        self.prepared = PreparedCallers(store)
        self.rings = LiveReads(Threads(store.concurrency, _MOST_THREADS, _MOST_WAITING), Breaker())
        self.searches = LiveReads(Threads(store.concurrency, _MOST_THREADS, _MOST_WAITING), Breaker())


@cache
def live_memory() -> LiveMemory:
    return LiveMemory(open_memory())


async def card_of_ringing(caller: str | None, received_at: float) -> Card | None:
    """None for nobody, for a stranger, and where memory cannot tell before RING_DEADLINE_MS have passed."""
    outcome, card = "answered", None
    if caller is not None:
        try:
            live = live_memory()
            told, card = _at_a_glance(live, caller)
            if not told:
                left = received_at + settings.RING_DEADLINE_MS / 1000 - time.monotonic()
                card = await live.rings.within(left, lambda: _read_card(live, caller))
        except Exception as error:
            outcome = _outcome(error)
            log.warning("a ring was answered neutrally", error=type(error).__name__)
        else:
            if card is not None and not card.opted_out:
                live.prepared.prepare_soon(caller)
    rings[outcome].observe(time.monotonic() - received_at)
    return card


async def found_for(caller: str | None, received_at: float, question: str, k: int) -> Found | None:
    """None where memory cannot tell before SEARCH_DEADLINE_MS have passed."""
    outcome, found = "answered", Found(None, ())
    if caller is not None:
        try:
            live = live_memory()
            left = received_at + settings.SEARCH_DEADLINE_MS / 1000 - time.monotonic()
            found = await live.searches.within(left, lambda: live.prepared.search(caller, question, k))
        except Exception as error:
            outcome = _outcome(error)
            log.warning("a search was answered without memory", error=type(error).__name__)
    searches[outcome].observe(time.monotonic() - received_at)
    return found if outcome == "answered" else None


def _at_a_glance(live: LiveMemory, caller: str) -> tuple[bool, Card | None]:
    """The card without the way through a thread, which takes longer than the reading does."""
    if live.pace.is_quick:
        began = live.pace.began()
        try:
            return glance_at_card(live.store, caller)
        finally:
            live.pace.ended(began)
    return False, None


def _read_card(live: LiveMemory, caller: str) -> Card | None:
    began = live.pace.began()
    try:
        return read_card(live.store, caller)
    finally:
        live.pace.ended(began)


def _outcome(error: Exception) -> str:
    return "late" if isinstance(error, TimeoutError) else "neutral"
