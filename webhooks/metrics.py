"""What the webhooks count. No label names a caller, a conversation or an agent."""

from prometheus_client import Counter, Histogram

from conversations.files.paths import AUDIO, FAILURE, TRANSCRIPTION

_SECONDS = 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.0, 1.5, 2.5, 5.0
_OUTCOMES = {
    "answered": "from memory, or rightly without for a stranger",
    "neutral": "without memory: the store was at fault, or known to be down",
    "late": "without memory: the deadline had passed",
}
_TOLD = "; ".join(f"{outcome}: {meaning}" for outcome, meaning in _OUTCOMES.items())
_KNOWN_TYPES = TRANSCRIPTION, AUDIO, FAILURE

_rings = Histogram("elmemory_ring_seconds", f"Rings ({_TOLD})", ["outcome"], buckets=_SECONDS)
_searches = Histogram("elmemory_search_seconds", f"Searches ({_TOLD})", ["outcome"], buckets=_SECONDS)
rings = {outcome: _rings.labels(outcome) for outcome in _OUTCOMES}
searches = {outcome: _searches.labels(outcome) for outcome in _OUTCOMES}

_deliveries = Counter("elmemory_deliveries", "Post-call deliveries by type and what became of them", ["type", "status"])


def count_delivery(status: str, event_type: str = "") -> None:
    """The type is known of those only whose signature held."""
    event_type = event_type if not event_type or event_type in _KNOWN_TYPES else "other"
    _deliveries.labels(event_type, status).inc()
