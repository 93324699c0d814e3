"""The metrics of the webhooks. No label names a caller, a conversation or an agent."""

from prometheus_client import Counter, Histogram

from conversations.files.paths import AUDIO, FAILURE, TRANSCRIPTION
from elmemory.serving.bounded_log import BoundedLog

_SECONDS = 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.8, 1.0, 1.5, 2.5, 5.0
_OUTCOMES = {
    "answered": "from memory, or as a stranger",
    "neutral": "without memory, because the store failed or is known to be down",
    "late": "without memory, because the deadline passed",
}
_OUTCOMES_HELP = "; ".join(f"{outcome}: {meaning}" for outcome, meaning in _OUTCOMES.items())
_KNOWN_TYPES = TRANSCRIPTION, AUDIO, FAILURE

_rings = Histogram("elmemory_ring_seconds", f"Rings ({_OUTCOMES_HELP})", ["outcome"], buckets=_SECONDS)
_searches = Histogram("elmemory_search_seconds", f"Searches ({_OUTCOMES_HELP})", ["outcome"], buckets=_SECONDS)
rings = {outcome: _rings.labels(outcome) for outcome in _OUTCOMES}
searches = {outcome: _searches.labels(outcome) for outcome in _OUTCOMES}

refused_keys = Counter("elmemory_refused_keys", "Requests without the right header key", ["endpoint"])

_deliveries = Counter("elmemory_deliveries", "Post-call deliveries by type and status", ["type", "status"])
# Also in /health.
refusals = dict.fromkeys(("refused", "too_large", "too_many", "too_slow", "broken_off", "not_stored"), 0)
# Every label starts at 0: `increase()` does not see the event with which a counter appears.
for _status in refusals:
    _deliveries.labels("", _status)
for _type in (*_KNOWN_TYPES, "other"):
    for _status in ("received", "duplicate"):
        _deliveries.labels(_type, _status)
_deliveries.labels("", "unreadable")
_log = BoundedLog(__name__)


def count_delivery(status: str, event_type: str = "") -> None:
    """Count a delivery that was stored. Unknown types count as "other"."""
    event_type = event_type if not event_type or event_type in _KNOWN_TYPES else "other"
    _deliveries.labels(event_type, status).inc()


def count_refusal(status: str) -> None:
    """Count and log a delivery that was not stored; `status` is a key of `refusals`. Its event type is unknown."""
    refusals[status] += 1
    _deliveries.labels("", status).inc()
    _log.warning("refused a delivery", status)
