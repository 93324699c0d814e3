"""The page of figures: what it shows of the calls that a list asks for, and how it draws it."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.http import QueryDict
from django.utils.formats import date_format, number_format
from django.utils.timezone import get_default_timezone_name
from django.utils.translation import gettext as _

from conversations.admin.analytics import COUNTED, MOST_AGENTS, Figures, Spread, analytics
from conversations.admin.call_list import CallQuery
from conversations.admin.dashboard import share
from conversations.admin.filters import Details, asked_period, chips, faults
from conversations.admin.transcript import clock
from conversations.index.periods import Period, today
from conversations.index.values import agents

_USUAL_DAYS = "28"
_OF_PERIOD = "days", "since", "until"
# Of a panel in pixels: its heading, its bars, and the space below.
_HEADING, _BARS, _SPACE = 24, 76, 14
_WIDTH = 100  # of a bar with its gap, in units of the drawing
_BAR = 84
_MOST_LABELLED = 5
# In days: then the axis names years.
_LONG_PERIOD = 366


def with_usual_period(asked: QueryDict) -> QueryDict:
    """The parameters, with the last 28 days if they name no period; `days=all` is every day."""
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
    panels = _panels(over_time)
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
        "panels": panels,
        "columns": _columns(over_time),
        "width": max(1, len(over_time)) * _WIDTH,
        "height": len(panels) * (_HEADING + _BARS + _SPACE),
        "axis": len(panels) * (_HEADING + _BARS + _SPACE) + 14,
    }


def _periods(asked: QueryDict, link: Callable[..., str]) -> list[dict[str, Any]]:
    chosen = asked.get("days") or (asked.get("since"), asked.get("until"))
    periods: list[tuple[str, dict[str, Any]]] = [
        (_("Today"), {"days": "today"}),
        (_("7 days"), {"days": "7"}),
        (_("28 days"), {"days": "28"}),
        (_("13 weeks"), _dates(_last(91))),
        (_("A year"), _dates(_last(365))),
        (_("All"), {"days": "all"}),
    ]
    shown = []
    for label, params in periods:
        is_all = params.get("days") == "all" and chosen == (None, None)
        is_chosen = is_all or chosen in (params.get("days"), (params.get("since"), params.get("until")))
        shown.append({"label": label, "link": link(**params), "chosen": is_chosen})
    return shown


def _last(days: int) -> Period:
    return Period(today() - timedelta(days=days - 1), today())


def _dates(span: Period) -> dict[str, str]:
    return {name: day.isoformat() for name, day in (("since", span.first), ("until", span.last)) if day}


def _span(span: Period) -> str:
    if span.first is None or span.last is None:
        return ""
    if span.first == span.last:
        return date_format(span.first, "DATE_FORMAT")
    return f"{date_format(span.first, 'DATE_FORMAT')} – {date_format(span.last, 'DATE_FORMAT')}"


def _shown(figures: Figures, *, label: str, link: str) -> dict[str, Any]:
    """The figures as a row of a table, and what the bars need."""
    counts = figures.counts
    return {
        "label": label,
        "link": link,
        "figures": figures,
        **{name: counts[name] for name in (*COUNTED, "cost", "first_calls")},
        "credits": _whole(counts["cost"]),
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


def _panels(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The drawings, one above the other, with one column for each span of time."""

    def each(*names: str) -> list[list[float]]:
        return [[row[name] for row in rows] for name in names]

    def of_rows(value: Callable[[Figures], float | None]) -> list[float]:
        return [value(row["figures"]) or 0 for row in rows]

    def part(name: str, whole: str) -> list[float]:
        return [100 * row[name] / row[whole] if row[whole] else 0 for row in rows]

    right = [[calls - wrong for calls, wrong in zip(*each("calls", "wrong"), strict=True)]]
    rings = each("memory", "first_calls", "late", "unanswered")
    panels: list[tuple[str, list[str], list[list[float]], Callable[[float], str]]] = [
        (_("Calls"), ["bad", "main"], [*each("wrong"), *right], _whole),
        (_("Successful, of those evaluated"), ["good"], [part("succeeded", "judged")], _percent),
        (_("Of returning callers"), ["main"], [part("returning", "calls")], _percent),
        (_("Length"), ["main", "faint"], _spread(of_rows, "length"), clock),
        (_("Cost in credits"), ["main"], each("cost"), _whole),
        (_("Answers at the ring"), ["good", "main", "bad", "faint"], rings, _whole),
        (_("First answer, seconds"), ["main", "faint"], _spread(of_rows, "first_answer"), _seconds),
        (_("Each answer, seconds"), ["main", "faint"], _spread(of_rows, "turn"), _seconds),
    ]
    return [_panel(nth, title, tones, series, written) for nth, (title, tones, series, written) in enumerate(panels)]


def _spread(of_rows: Callable[[Callable[[Figures], float | None]], list[float]], name: str) -> list[list[float]]:
    """The medians, and on top of them what is missing to the 95th percentile."""
    medians = of_rows(lambda figures: getattr(figures, name).median)
    highs = of_rows(lambda figures: getattr(figures, name).high)
    return [medians, [max(0, high - median) for median, high in zip(medians, highs, strict=True)]]


def _panel(
    nth: int, title: str, tones: Iterable[str], series: list[list[float]], written: Callable[[float], str]
) -> dict[str, Any]:
    most = max((sum(stack) for stack in zip(*series, strict=True)), default=0)
    top = nth * (_HEADING + _BARS + _SPACE)
    paths, below = [], [0.0] * len(series[0])
    for tone, values in zip(tones, series, strict=True):
        drawn = []
        for column, value in enumerate(values):
            if value and most:
                low, height = _BARS * below[column] / most, _BARS * value / most
                x = column * _WIDTH + (_WIDTH - _BAR) // 2
                drawn.append(f"M{x} {_BARS - low:.1f}v{-height:.1f}h{_BAR}v{height:.1f}z")
            below[column] += value
        paths.append((tone, "".join(drawn)))
    return {
        "title": title,
        "text_y": top + 15,
        "y": top + _HEADING,
        "line_y": top + _HEADING + _BARS,
        "bars": _BARS,
        "paths": paths,
        "most": written(most) if most else "–",
    }


def _columns(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The links, one for each span: all of its bars lead to its calls. Every few of them have a date."""
    step = max(1, -(-len(rows) // _MOST_LABELLED))
    days = (rows[-1]["figures"].key.last - rows[0]["figures"].key.first).days if rows else 0
    written = "MONTH_DAY_FORMAT" if days < _LONG_PERIOD else "M Y"
    return [
        {
            "x": nth * _WIDTH,
            "at": f"{100 * nth / len(rows):.1f}",
            "link": row["link"],
            "title": f"{row['label']}: {row['calls']}",
            "date": date_format(row["figures"].key.first, written) if nth % step == 0 else "",
        }
        for nth, row in enumerate(rows)
    ]


def _whole(number: float) -> str:
    return number_format(round(number), use_l10n=True, force_grouping=True)


def _percent(number: float) -> str:
    return f"{share(number, 100)} %"
