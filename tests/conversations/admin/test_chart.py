"""Bars over time: lines that people can read, and bars that keep below them."""

from datetime import date, timedelta

import pytest

from conversations.admin.chart import Column, Panel, chart, rounded_up, rounded_up_seconds, whole


@pytest.mark.parametrize(
    ("most", "line"), [(0, 2), (1, 2), (5, 6), (9, 10), (10, 10), (11, 20), (79, 80), (1_833, 2_000), (64_000, 80_000)]
)
def test_the_highest_line_is_a_round_number_at_or_above_the_highest_bar(most: float, line: float) -> None:
    assert rounded_up(most) == line


@pytest.mark.parametrize(("most", "line"), [(1, 2), (37, 40), (90, 90), (387, 420), (4_000, 4_200), (9_000, 10_800)])
def test_the_highest_line_of_lengths_is_a_time_that_people_say(most: float, line: float) -> None:
    assert rounded_up_seconds(most) == line


def test_stacked_bars_end_where_the_next_begin_and_dates_are_few() -> None:
    days = [date(2026, 11, 1) + timedelta(days=ahead) for ahead in range(28)]
    columns = [Column(day, day, f"?since={day}", str(day)) for day in days]
    drawn = chart(columns, [Panel("", ["main", "faint"], [[4.0] * 28, [1.0] * 28], whole, rounded_up)], 60)
    ((main, first), (faint, second)) = drawn["panels"][0]["paths"]
    assert (main, faint) == ("main", "faint")
    assert first.startswith("M8 60.0v-40.0h84v40.0z")
    assert second.startswith("M8 20.0v-10.0h84v10.0z")
    assert [value for _, _, value in drawn["panels"][0]["lines"]] == ["6", "3"]
    assert [column["date"] for column in drawn["columns"] if column["date"]] == ["1 Nov", "8 Nov", "15 Nov", "22 Nov"]


def test_a_chart_of_nothing_has_no_bars() -> None:
    drawn = chart([], [Panel("Calls", ["main"], [[]], whole, rounded_up)], 60)
    assert (drawn["columns"], drawn["panels"][0]["paths"]) == ([], [("main", "")])
