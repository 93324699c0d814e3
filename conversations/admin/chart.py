"""Bars over time as SVG that is as wide as its place: panels one above the other, with one axis of dates."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NamedTuple

from django.utils.formats import date_format, number_format

# Of a panel in pixels: its heading, or the room of half a line without one, and the space below its bars. Below the
# last there are the dates.
_HEADING, _NO_HEADING, _SPACE, _AXIS = 24, 8, 14, 18
_WIDTH = 100  # of a bar with its gap, in units of the drawing
_BAR = 84
_MOST_LABELLED = 4
# In days: then the axis names years.
_LONG_PERIOD = 366
# The highest line is a multiple of a power of ten, so that people can read the half of it.
_ROUND = 1, 2, 3, 4, 5, 6, 8, 10
_ROUND_OF_ONES = 2, 4, 6, 8, 10


class Column(NamedTuple):
    """A span of time: its first and last day, what the bars of it lead to, and what is said of it."""

    first: date
    last: date
    link: str
    title: str


class Panel(NamedTuple):
    """Stacked bars. The first of `series` is the lowest and has the first of `tones`, the names of their colours."""

    title: str
    tones: Sequence[str]
    series: Sequence[Sequence[float]]
    written: Callable[[float], str]
    highest: Callable[[float], float]


def chart(columns: Sequence[Column], panels: Sequence[Panel], bars: int) -> dict[str, Any]:
    """What `chart.html` draws. `bars` is the height of a panel's bars in pixels."""
    heading = _HEADING if any(panel.title for panel in panels) else _NO_HEADING
    step = heading + bars + _SPACE
    height = len(panels) * step - _SPACE
    return {
        "panels": [_drawn(panel, nth * step, heading, bars) for nth, panel in enumerate(panels)],
        "columns": _columns(columns),
        "bars": bars,
        "width": max(1, len(columns)) * _WIDTH,
        "height": height,
        "dates_y": height + _AXIS - 4,
        "whole": height + _AXIS,
    }


def _drawn(panel: Panel, top: int, heading: int, bars: int) -> dict[str, Any]:
    highest = panel.highest(max((sum(stack) for stack in zip(*panel.series, strict=True)), default=0))
    paths, below = [], [0.0] * len(panel.series[0])
    for tone, values in zip(panel.tones, panel.series, strict=True):
        drawn = []
        for column, value in enumerate(values):
            if value and highest:
                low, height = bars * below[column] / highest, bars * value / highest
                x = column * _WIDTH + (_WIDTH - _BAR) // 2
                drawn.append(f"M{x} {bars - low:.1f}v{-height:.1f}h{_BAR}v{height:.1f}z")
            below[column] += value
        paths.append((tone, "".join(drawn)))
    first = top + heading
    lines = [(first, highest), (first + bars / 2, highest / 2)] if highest else []
    return {
        "title": panel.title,
        "title_y": top + 14,
        "y": first,
        "foot": first + bars,
        "lines": [(y, y + 4, panel.written(value)) for y, value in lines],
        "paths": paths,
    }


def _columns(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The links, one for each span: all of its bars lead to its calls. Every few of them have a date."""
    step = max(1, -(-len(columns) // _MOST_LABELLED))
    days = (columns[-1].last - columns[0].first).days if columns else 0
    written = "MONTH_DAY_FORMAT" if days < _LONG_PERIOD else "M Y"
    return [
        {
            "x": nth * _WIDTH,
            "at": f"{100 * (nth + 0.5) / len(columns):.1f}",
            "link": column.link,
            "title": column.title,
            "date": date_format(column.first, written) if nth % step == 0 else "",
        }
        for nth, column in enumerate(columns)
    ]


def rounded_up(most: float) -> float:
    """The next number from `most` on whose half is easy to read: 5 gives 6, 79 gives 80, 1,833 gives 2,000."""
    power = 1
    while most > 10 * power:
        power *= 10
    return next((each * power for each in (_ROUND if power > 1 else _ROUND_OF_ONES) if each * power >= most), most)


def rounded_up_seconds(most: float) -> float:
    """A time at or above `most`, in whole minutes from two minutes on."""
    unit = next((unit for unit in (3600, 600, 60, 10) if most >= 2 * unit), 2)
    return -(-most // unit) * unit


def hundred(_: float) -> float:
    return 100


def whole(number: float) -> str:
    return number_format(round(number), use_l10n=True, force_grouping=True)


def percent(number: float) -> str:
    return f"{number:.0f} %"
