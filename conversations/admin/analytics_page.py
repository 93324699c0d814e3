"""The page of figures of the calls that a list shows, with their drawings."""

from collections.abc import Callable
from typing import Any

from django.http import QueryDict
from django.utils.formats import date_format, number_format
from django.utils.timezone import get_default_timezone_name
from django.utils.translation import gettext as _

from conversations.admin.analytics import COUNTED, MOST_AGENTS, Figures, Spread, analytics
from conversations.admin.call_list import CallQuery
from conversations.admin.chart import Column, Panel, chart, hundred, percent, rounded_up, rounded_up_seconds, whole
from conversations.admin.filters import Details, asked_period, chips, faults
from conversations.admin.transcript import clock
from conversations.index.periods import Period, last_days
from conversations.index.values import agents

_USUAL_DAYS = "28"
_OF_PERIOD = "days", "since", "until"
_BARS = 64  # the height of a panel's bars in pixels


def with_usual_period(asked: QueryDict) -> QueryDict:
    """The parameters, with the last 28 days if they name no period; `days=all` means every day."""
    kept = asked.copy()
    if not any(kept.get(name) for name in _OF_PERIOD):
        kept["days"] = _USUAL_DAYS
    elif kept.get("days") == "all":
        del kept["days"]
    return kept


def analytics_page(query: CallQuery, asked: QueryDict) -> dict[str, Any]:
    """The page's figures, drawings, tables and links. `asked` are the parameters of the list, `query` what it asks."""
    period = asked_period(asked.dict())
    found = analytics(query.queryset, period)
    names = dict(agents())

    def link(**changed: Any) -> str:
        changed.update({name: changed.get(name) for name in _OF_PERIOD if "since" in changed or "days" in changed})
        return query.get_query_string(changed)

    over_time = [_shown(each, label=_span(each.key), link=link(**_dates(each.key))) for each in found.over_time]
    per_agent = [
        _shown(each, label=names.get(each.key) or each.key or _("unknown"), link=link(agent_id__exact=each.key))
        for each in found.per_agent[:MOST_AGENTS]
    ]
    return {
        "periods": _periods(asked, link),
        "form": Details({name: asked.get(name, "") for name in ("since", "until")}, auto_id="period-%s"),
        "kept": [(name, value) for name, value in asked.items() if name not in (*_OF_PERIOD, "p")],
        "chips": [(title, label, without or "?") for title, label, without in chips(query)],
        "faults": faults(query, but=("since", "until")),  # these are beside their fields
        "zone": get_default_timezone_name(),
        "all": _shown(found.all, label=_("All"), link=query.get_query_string()),
        "over_time": over_time,
        "per_agent": per_agent,
        "other_agents": max(0, len(found.per_agent) - MOST_AGENTS),
        "every": found.every,
        "chart": chart([_column(row) for row in over_time], _panels(over_time), _BARS),
    }


def _periods(asked: QueryDict, link: Callable[..., str]) -> list[dict[str, Any]]:
    chosen = asked.get("days") or (asked.get("since"), asked.get("until"))
    periods: list[tuple[str, dict[str, Any]]] = [
        (_("Today"), {"days": "today"}),
        (_("7 days"), {"days": "7"}),
        (_("28 days"), {"days": "28"}),
        (_("13 weeks"), _dates(last_days(91))),
        (_("A year"), _dates(last_days(365))),
        (_("All"), {"days": "all"}),
    ]
    shown = []
    for label, params in periods:
        is_all = params.get("days") == "all" and chosen == (None, None)
        is_chosen = is_all or chosen in (params.get("days"), (params.get("since"), params.get("until")))
        shown.append({"label": label, "link": link(**params), "chosen": is_chosen})
    return shown


def _dates(span: Period) -> dict[str, str]:
    return {name: day.isoformat() for name, day in (("since", span.first), ("until", span.last)) if day}


def _span(span: Period) -> str:
    if span.first is None or span.last is None:
        return ""
    if span.first == span.last:
        return date_format(span.first, "DATE_FORMAT")
    return f"{date_format(span.first, 'DATE_FORMAT')} – {date_format(span.last, 'DATE_FORMAT')}"


def _shown(figures: Figures, *, label: str, link: str) -> dict[str, Any]:
    """The figures as a row of a table, and the values for the bars."""
    counts = figures.counts
    return {
        "label": label,
        "link": link,
        "figures": figures,
        **{name: counts[name] for name in (*COUNTED, "cost", "first_calls")},
        "credits": whole(counts["cost"]),
        "success": f"{figures.success} %" if figures.success else "–",
        "returned": f"{figures.returning} %" if figures.returning else "–",
        "length": _both(figures.length, clock),
        "first_answer": _both(figures.first_answer, _seconds),
        "turn": _both(figures.turn, _seconds),
    }


def _both(spread: Spread, written: Callable[[float], str]) -> str:
    """The median and the 95th percentile."""
    if spread.median is None or spread.high is None:
        return "–"
    return f"{written(spread.median)} / {written(spread.high)}"


def _seconds(milliseconds: float) -> str:
    return number_format(milliseconds / 1000, 2 if milliseconds < 10_000 else 0)


def _column(row: dict[str, Any]) -> Column:
    span = row["figures"].key
    return Column(span.first, span.last, f"../{row['link']}", f"{row['label']}: {row['calls']}")


def _panels(rows: list[dict[str, Any]]) -> list[Panel]:
    """The panels from top to bottom, with one column per span of time."""

    def each(*names: str) -> list[list[float]]:
        return [[row[name] for row in rows] for name in names]

    def of_rows(value: Callable[[Figures], float | None]) -> list[float]:
        return [value(row["figures"]) or 0 for row in rows]

    def part(name: str, of: str) -> list[float]:
        return [100 * row[name] / row[of] if row[of] else 0 for row in rows]

    right = [[calls - wrong for calls, wrong in zip(*each("calls", "wrong"), strict=True)]]
    rings = each("memory", "first_calls", "late", "unanswered")
    median, answer = ["main", "faint"], (_seconds, rounded_up)
    return [
        Panel(_("Calls"), ["bad", "main"], [*each("wrong"), *right], whole, rounded_up),
        Panel(_("Successful, of those evaluated"), ["good"], [part("succeeded", "judged")], percent, hundred),
        Panel(_("Of returning callers"), ["main"], [part("returning", "calls")], percent, hundred),
        Panel(_("Length"), median, _spread(of_rows, "length"), clock, rounded_up_seconds),
        Panel(_("Cost in credits"), ["main"], each("cost"), whole, rounded_up),
        Panel(_("Answers at the ring"), ["good", "main", "bad", "faint"], rings, whole, rounded_up),
        Panel(_("First answer, seconds"), median, _spread(of_rows, "first_answer"), *answer),
        Panel(_("Each answer, seconds"), median, _spread(of_rows, "turn"), *answer),
    ]


def _spread(of_rows: Callable[[Callable[[Figures], float | None]], list[float]], name: str) -> list[list[float]]:
    """The medians, and the differences from them to the 95th percentile, which are stacked on top."""
    medians = of_rows(lambda figures: getattr(figures, name).median)
    highs = of_rows(lambda figures: getattr(figures, name).high)
    return [medians, [max(0, high - median) for median, high in zip(medians, highs, strict=True)]]
