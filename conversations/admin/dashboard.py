"""The figures of the admin's front page: the state of the queue and of deliveries, and the calls of four weeks."""

import time
from datetime import date, timedelta
from typing import Any

from django.db import DatabaseError
from django.db.models import Avg, Count, F, Max, Min, Q
from django.db.models.functions import Coalesce, Greatest
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext

from conversations.admin.chart import Column, Panel, chart, rounded_up, whole
from conversations.admin.health_strip import Part, ago, deliveries_part, parts
from conversations.admin.indexed import show_what_is_there
from conversations.admin.transcript import clock
from conversations.files.paths import unreadable_paths
from conversations.index import outcomes
from conversations.index.periods import today
from conversations.index.queue import queue_status
from conversations.index.rows import moment
from conversations.index.schema import healed
from conversations.models import Conversation

DAYS = 28
_BARS = 154  # their height in pixels: 180 with the dates
# A webhook is silent after this many times its usual gap without a delivery, and at least a day.
_SILENT_TIMES, _SILENT_AT_LEAST = 5, 86_400


@healed
def dashboard() -> dict[str, Any]:
    since = today() - timedelta(days=DAYS - 1)
    calls = Conversation.objects.filter(started_on__gte=since)
    days = _days(calls, since)
    totals = calls.aggregate(
        calls=Count("pk"),
        returning=Count("pk", filter=_RETURNING),
        judged=Count("pk", filter=Q(successful__in=("success", "failure"))),
        succeeded=Count("pk", filter=Q(successful="success")),
        seconds=Avg("duration_seconds"),
        wrong=Count("pk", filter=outcomes.WENT_WRONG & Q(reviewed=False)),
        **{
            f"{kind}_{name}": figure(arrived, filter=Q(**{f"has_{kind}": True}))
            for kind, arrived in _ARRIVED.items()
            for name, figure in (("first", Min), ("last", Max), ("count", Count))
        },
    )
    return {
        "span": DAYS,
        "days": days,
        "chart": _chart(days),
        "totals": totals,
        "returning": share(totals["returning"], totals["calls"]),
        "success": share(totals["succeeded"], totals["judged"]),
        "length": clock(totals["seconds"]),
        "recall": _recall(calls),
        "queue": queue_status(),
        "unreadable": len(unreadable_paths()),
        "deliveries": _deliveries(totals, is_behind=Conversation.objects.filter(fingerprint="").exists()),
    }


# A recording's file has the time of its event, which may be long before its arrival. It arrives with its transcription.
_ARRIVED: dict[str, Any] = {
    "transcription": F("transcription_at"),
    "audio": Greatest("audio_at", Coalesce("transcription_at", "audio_at")),
    "failure": F("failure_at"),
}
_RETURNING = Q(is_returning=True)


def _days(calls: Any, since: date) -> list[dict[str, Any]]:
    counted = {
        row["started_on"]: row
        for row in calls.order_by()
        .values("started_on")
        .annotate(
            calls=Count("pk"),
            returning=Count("pk", filter=_RETURNING),
            failed=Count("pk", filter=outcomes.FAILED | outcomes.UNCONNECTED),
        )
    }
    nothing = {"calls": 0, "returning": 0, "failed": 0}
    every = [since + timedelta(days=ahead) for ahead in range(DAYS)]
    return [{**nothing, **counted.get(day, {}), "day": day} for day in every]


def _chart(days: list[dict[str, Any]]) -> dict[str, Any]:
    """The calls of each day: bars of returning callers below, of other callers on top."""
    calls = reverse("admin:conversations_conversation_changelist")
    columns = [
        Column(
            day["day"],
            day["day"],
            f"{calls}?since={day['day']}&until={day['day']}",
            gettext("%(day)s: %(calls)s, %(returning)s returning")
            % {**day, "day": date_format(day["day"], "MONTH_DAY_FORMAT")},
        )
        for day in days
    ]
    returning = [day["returning"] for day in days]
    others = [day["calls"] - day["returning"] for day in days]
    return chart(columns, [Panel("", ["main", "faint"], [returning, others], whole, rounded_up)], _BARS)


def _recall(calls: Any) -> dict[str, int]:
    """How rings were answered, as far as payloads of inbound calls show it."""
    counted: dict[str, int] = calls.aggregate(
        memory=Count("pk", filter=outcomes.WITH_MEMORY),
        neutral=Count("pk", filter=outcomes.NEUTRAL),
        late=Count("pk", filter=outcomes.NEUTRAL_THOUGH_KNOWN),
        none=Count("pk", filter=outcomes.NOT_ANSWERED),
    )
    return counted | {"neutral": counted["neutral"] - counted["late"]}


def _deliveries(totals: dict[str, Any], *, is_behind: bool) -> list[dict[str, Any]]:
    """For each webhook, its last delivery, and whether that is too long ago for its usual gap.

    While rows are behind their files, none counts as silent, because newer deliveries may be missing in the index.
    """
    shown = []
    for name, kind, expected in (
        (gettext("Transcriptions"), "transcription", True),
        (gettext("Recordings"), "audio", True),
        (gettext("Failed calls"), "failure", False),
    ):
        last, first, count = (totals[f"{kind}_{figure}"] for figure in ("last", "first", "count"))
        silent, at = False, moment(last) if last else None
        if expected and count > 1 and not is_behind:
            usual = (last - first) / (count - 1)
            silent = time.time() - last > max(_SILENT_AT_LEAST, _SILENT_TIMES * usual)
        shown.append({"name": name, "at": at, "silent": silent, "ago": ago(at) if at else ""})
    return shown


def share(part: float, whole: float) -> str:
    """The share in percent, in the page's number format. Rounding never makes it 0 or 100. Empty if the total is 0."""
    if not whole:
        return ""
    percent = 100 * part / whole
    if part in (0, whole) or 1 <= percent <= 99:
        return f"{percent:.0f}"
    return number_format(f"{min(99.9, max(0.1, percent)):.1f}")


def shown() -> dict[str, Any]:
    """The figures, or None if the index cannot be read, and the parts of the installation."""
    is_complete = show_what_is_there()
    try:
        figures = dashboard()
    except (DatabaseError, OSError):
        figures = None
    health = [*parts(), *([deliveries_part(figures["deliveries"])] if figures else [])]
    if not is_complete:
        remedy = gettext("The index is new and does not contain all calls yet. Reload this page later.")
        health.append(Part(gettext("Index"), False, gettext("not complete"), remedy))
    return {"figures": figures, "health": health, "at_fault": [part for part in health if not part.is_ok]}
