from bench.report import Report

BEFORE = """\
# Performance

Taken by hand.

| | bar | figure | |
| --- | --- | --- | --- |
| ring | fast | 3 ms | met |
| search | fast | 9 ms | **not met** |

## Ring

Old.

| a |
| --- |
| 1 |

## By hand

Stays.
"""


def measured() -> Report:
    report = Report()
    report.table("Ring", ("a",), [("2",)], "New.")
    report.table("Deliveries", ("b",), [("3",)])
    report.bar("search", "fast", "1 ms", met=True)
    return report


def test_what_was_measured_takes_the_place_of_the_sections_and_bars_of_the_same_names() -> None:
    written = measured().markdown(BEFORE, whole=False)
    assert [line for line in written.splitlines() if line.startswith("## ")] == [
        "## Ring",
        "## By hand",
        "## Deliveries",
    ]
    assert "| 1 |" not in written
    assert "\nNew.\n" in written
    assert "\n## By hand\n\nStays.\n" in written
    assert "| ring | fast | 3 ms | met |\n| search | fast | 1 ms | met |\n" in written
    assert written.startswith("# Performance\n\nTaken by hand.\n")


def test_a_document_in_which_nothing_was_measured_stays_as_it_is() -> None:
    assert Report().markdown(BEFORE, whole=False) == BEFORE


def test_when_all_was_measured_the_head_is_of_this_machine_and_other_sections_stay() -> None:
    written = measured().markdown(BEFORE, whole=True)
    assert "Taken by hand." not in written
    assert "| ring | fast" not in written
    assert "\n## By hand\n\nStays.\n" in written
