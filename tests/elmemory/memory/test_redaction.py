import pytest
from pytest_django.fixtures import Settings

from elmemory.memory.redaction import redacted

CARD, SSN = "[card number]", "[social security number]"


@pytest.mark.parametrize(
    "number",
    """
    4111111111111111|4111 1111 1111 1111|4111-1111-1111-1111|4111–1111–1111–1111|4111, 1111, 1111, 1111
    4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1|4111.1111.1111.1111|4111 - 1111 - 1111 - 1111|4111\u00a01111\u00a01111\u00a01111
    ４１１１ １１１１ １１１１ １１１１|٤١١١ ١١١١ ١١١١ ١١١١|4222222222222|4242424242424242|5555555555554444
    2223003122003222
    378282246310005|3714 496353 98431|6011111111111117|30569309025904|3056 930902 5904|36227206271667
    3530111333300000|6200000000000005|5019717010103742|6304000000000000|6759649826438453
    """.strip()
    .replace("\n", "|")
    .split("|"),
)
def test_a_card_number_is_replaced(number: str) -> None:
    assert redacted(f"My card is {number.strip()}.") == f"My card is {CARD}."


@pytest.mark.parametrize(
    "pause",
    [
        "，",
        "、",
        "。",
        "،",
        "\u200f، ",
        "।",
        "・",
        " · ",
        "•",
        "…",
        "... ",
        " ... ",
        "－",
        "ー",
        "～",
        "\u200b",
        "\ufeff",
    ],
)
def test_a_card_number_with_the_pauses_of_any_script_is_replaced(pause: str) -> None:
    assert redacted(f"号码 {pause.join(['4111', *['1111'] * 3])} 谢谢") == f"号码 {CARD} 谢谢"


def test_what_stands_beside_a_card_number_stays() -> None:
    text = "First 4111 1111 1111 1111 12/27, then 5555555555554444; call +1 415 555 0123."
    assert redacted(text) == f"First {CARD} 12/27, then {CARD}; call +1 415 555 0123."


def test_a_card_number_inside_unspaced_text_is_replaced() -> None:
    assert redacted("番号は4111111111111111です") == f"番号は{CARD}です"


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "+4915112345678",
        "+1 415 555 0123",
        "DE89 3704 0044 0532 0130 00",
        "conv_4111111111111111",
        "The year 2026, 12 people, 300 dollars.",
        "2026-10-07T10:00:00+00:00",
        "12 345 678 90",
        "",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("number", ["123-45-6789", "123–45–6789", "123 - 45 - 6789", "078-05-1120", "899-99-9999"])
def test_a_social_security_number_is_replaced(number: str) -> None:
    assert redacted(f"It is {number}, thanks.") == f"It is {SSN}, thanks."


@pytest.mark.parametrize(
    "number",
    ["000-12-3456", "666-12-3456", "900-12-3456", "123-00-1234", "123-45-0000", "1123-45-6789", "123-45-67890"],
)
def test_a_number_that_is_never_assigned_stays(number: str) -> None:
    assert redacted(number) == number


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("My social is 123 45 6789", ""),
        ("SSN: 123456789", ""),
        ("123 45 6789", "What is your social security number?"),
        ("1 2 3, 4 5, 6 7 8 9", "Your SSN, please?"),
        ("123456789", "Social security number"),
        ("Mi seguro social es 123 45 6789", ""),
    ],
)
def test_blanks_between_the_digits_need_words_that_name_the_number(text: str, context: str) -> None:
    assert SSN in redacted(text, context)
    assert "6789" not in redacted(text, context).replace(" ", "")


def test_nine_digits_without_such_words_stay() -> None:
    assert redacted("My order is 123 45 6789", "Which order?") == "My order is 123 45 6789"


@pytest.mark.parametrize(
    ("setting", "left"),
    [(["cards"], "123-45-6789"), (["SSN"], "4111111111111111"), (["off"], "4111111111111111 123-45-6789")],
)
def test_redact_names_what_is_replaced(settings: Settings, setting: list[str], left: str) -> None:
    settings.REDACT = setting
    assert left in redacted("4111111111111111 123-45-6789")


def test_further_patterns_are_replaced_by_their_name(settings: Settings) -> None:
    settings.REDACT_PATTERNS = {"account number": r"\bAC-\d{6}\b"}
    assert redacted("It is AC-123456 and 4111111111111111.") == f"It is [account number] and {CARD}."


def test_digits_spoken_as_words_are_not_found() -> None:
    spoken = "four one one one " * 4
    assert redacted(spoken) == spoken
