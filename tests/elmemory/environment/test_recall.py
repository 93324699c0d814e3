import time

import pytest
from pytest_django.fixtures import Settings

from elmemory.environment.checks import environment


def faults(settings: Settings, **values: object) -> list[str]:
    for name, value in values.items():
        setattr(settings, name, value)
    return [fault.msg for fault in environment() if fault.msg.startswith(tuple(values))]


@pytest.mark.parametrize("variable", ["SPOKEN_FACTS", "SEARCHABLE_FACTS"])
@pytest.mark.parametrize("names", [[], ["all"], ["None"], ["first_name", "Preferred Time", "姓名"]])
def test_fields_in_any_spelling_may_be_named(settings: Settings, variable: str, names: list[str]) -> None:
    assert faults(settings, **{variable: names}) == []


@pytest.mark.parametrize("variable", ["SPOKEN_FACTS", "SEARCHABLE_FACTS"])
@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["city", "!!!", "_"], "entry 2, 3 is no field"),
        (["none", "city"], "all and none cannot be combined with other entries"),
    ],
)
def test_what_is_no_field_is_reported(settings: Settings, variable: str, names: list[str], problem: str) -> None:
    assert faults(settings, **{variable: names}) == [f"{variable}: {problem}."]


def test_what_redact_cannot_know_is_reported(settings: Settings) -> None:
    assert faults(settings, REDACT=["cards", "SSN"]) == []
    assert faults(settings, REDACT=["off"]) == []
    assert faults(settings, REDACT=["cards", "ibans"]) == ["REDACT: entry 2 is unknown."]
    assert faults(settings, REDACT=["off", "cards"]) == ["REDACT: off cannot be combined with other entries."]


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(", "is no regular expression"),
        ("*", "is no regular expression"),
        ("", "matches where nothing is"),
        (r"\d*", "matches where nothing is"),
        (r"(a+)+$", "takes too long on long texts"),
        (r"(\d+)*x", "takes too long on long texts"),
        (r"([a-z]+\s?)+:", "takes too long on long texts"),
        (r"(q|qq)+z", "takes too long on long texts"),
        (r"\w*\w*\w*\w*!!", "takes too long on long texts"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_reported_soon(settings: Settings, pattern: str, problem: str) -> None:
    began = time.monotonic()
    assert faults(settings, REDACT_PATTERNS={"mine": pattern}) == [f"REDACT_PATTERNS: entry 1 {problem}."]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("pattern", [r"\bAC-\d{6}\b", r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}", r"(?i)policy \d{3,12}"])
def test_a_pattern_of_bounded_repeats_is_fine(settings: Settings, pattern: str) -> None:
    assert faults(settings, REDACT_PATTERNS={"account number": pattern}) == []


@pytest.mark.parametrize("name", ["", "[x]", "{{x}}", "a" * 41, "<b>"])
def test_the_name_of_a_pattern_must_fit_into_brackets(settings: Settings, name: str) -> None:
    assert faults(settings, REDACT_PATTERNS={name: "x"}) == ["REDACT_PATTERNS: entry 1 has no usable name."]


@pytest.mark.parametrize("field", ["", "do_not_remember", "Do Not Remember", "忘记我"])
def test_any_one_field_may_opt_a_caller_out(settings: Settings, field: str) -> None:
    assert faults(settings, OPT_OUT_FIELD=field) == []


@pytest.mark.parametrize("field", ["!!!", "first_name", "do_not_remember, opt_out", "forget; opt_out", "surname"])
def test_what_cannot_opt_a_caller_out_is_reported(settings: Settings, field: str) -> None:
    assert faults(settings, OPT_OUT_FIELD=field) == ["OPT_OUT_FIELD: this is not the name of such a field."]
