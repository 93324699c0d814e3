"""Values of data collection as a person writes them."""

import pytest

from elmemory.environment.env import Environment
from elmemory.memory.values import usable_value


@pytest.mark.parametrize(
    "value",
    [None, "", "  ", "None", "null", "N/A", "n/a", "unknown", "Unknown.", "-", "undefined", [], {}, float("inf")],
)
def test_what_says_nothing_is_no_value(value: object) -> None:
    assert usable_value(value) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" Maya ", "Maya"),
        (0, "0"),
        (3.5, "3.5"),
        (True, "yes"),
        (False, "no"),
        (["a", None, "b"], "a, b"),
        ("Nonesuch", "Nonesuch"),
    ],
)
def test_texts_numbers_and_answers_are_values(value: object, text: str) -> None:
    assert usable_value(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (4.0, "4"),
        (-2.0, "-2"),
        (-0.0, "0"),
        (0.1 + 0.7, "0.8"),
        (2.675, "2.675"),
        (19.99, "19.99"),
        (1 / 3, "0.333333333333"),
        (0.00001, "0.00001"),
        (2e15, "2000000000000000"),
        (1e18, "1000000000000000000"),
        (10**25, "1" + "0" * 25),
        (10**120, None),
        (float("nan"), None),
        (float("-inf"), None),
    ],
)
def test_a_number_is_written_as_people_do(value: float, text: str | None) -> None:
    assert usable_value(value, "party_size") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        ("True", "yes"),
        ("true", "yes"),
        ("TRUE", "yes"),
        (False, "no"),
        ("False", "no"),
        ("No", "No"),
        ("Yes, if it rains", "Yes, if it rains"),
        ([True, 2.0, "False"], "yes, 2, no"),
    ],
)
def test_true_and_false_have_one_spelling(value: object, text: str) -> None:
    assert usable_value(value, "wants_callback") == text


def test_defaults_of_dynamic_variables_are_spelled_as_facts_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNAMIC_VARIABLES", '{"vip": false, "level": 2.0, "plan": "basic", "note": null, "on": true}')
    assert Environment().json_object("DYNAMIC_VARIABLES", "{}") == {
        "vip": "no", "level": "2", "plan": "basic", "note": "", "on": "yes",
    }  # fmt: skip
