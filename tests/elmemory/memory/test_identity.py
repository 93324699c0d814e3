import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from elmemory.memory.identity import caller_key, caller_of_call, caller_of_ring

# No area is 211 to 911, and no subscriber number begins with 000.
NATIONAL = st.integers(2_002_000_000, 9_899_999_999).filter(lambda n: n // 10**7 % 100 != 11 and n % 10**7 >= 10**4)
E164 = NATIONAL.map("+1{}".format)


@pytest.fixture(autouse=True)
def no_numbers_of_ours(settings: Settings) -> None:
    settings.AGENT_NUMBERS, settings.DEFAULT_REGION = [], ""


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ("+14155550100", "+14155550100"),
        ("14155550100", "+14155550100"),
        ("15550100", "+15550100"),
        (14155550100, "+14155550100"),
        (" +1 (415) 555-0100 ", "+14155550100"),
        ("+442079460018", "+442079460018"),
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("+390612345678", "+390612345678"),
        ("sip:+14155550100@trunk.example.com", "+14155550100"),
        ("sip:+14155550100@trunk.example.com;user=phone", "+14155550100"),
        ("SIPS:+14155550100@trunk.example.com", "+14155550100"),
        ("whatsapp:+14155550100", "+14155550100"),
    ],
)
def test_a_number_in_any_spelling_is_its_e164_form(raw: object, key: str) -> None:
    assert caller_key(raw) == key


@pytest.mark.parametrize("word", ["anonymous", "restricted", "unknown", "private", "unavailable", "blocked"])
@pytest.mark.parametrize("spelling", ["{}", " {} ", "sip:{}@anonymous.invalid", "+{}"])
def test_a_withheld_number_is_nobody(word: str, spelling: str) -> None:
    for spelled in (word, word.upper(), word.title()):
        assert caller_key(spelling.format(spelled)) is None


@pytest.mark.parametrize("number", ["266696687", "7378742833", "8656696", "7748283", "86282452253", "2562533"])
@pytest.mark.parametrize("spelling", ["+{}", "{}", "sip:+{}@trunk.example.com", "whatsapp:+{}"])
def test_a_withheld_number_on_the_keypad_is_nobody(number: str, spelling: str) -> None:
    assert caller_key(spelling.format(number)) is None


def test_a_real_number_that_holds_those_digits_is_somebody() -> None:
    assert caller_key("+1 737 874 2833") == "+17378742833"


@pytest.mark.parametrize(
    "raw",
    [
        *("", " ", None, "null", "None", "{{system__caller_id}}", "{{ system__caller_id }}", "Maya", "+1-800-FLOWERS"),
        *("sip:maya@example.com", "sip:14155550100@example.com", "whatsapp:maya", "client:maya", "user@example.com"),
        *("+", "+0", "0", "12", "+1", "911", "++14155550100", "+1415555010012345678", "1" * 400, "٣" * 11),
        *(True, False, 1.5, float("nan"), -14155550100, 10**40, b"+14155550100", ["+14155550100"], {}, object()),
    ],
)
def test_what_is_no_number_is_nobody(raw: object) -> None:
    assert caller_key(raw) is None


@given(st.one_of(st.text(), st.integers(), st.from_regex(r"(sip:|whatsapp:)?\+?[0-9 ()-]{0,24}(@.*)?", fullmatch=True)))
def test_whatever_comes_a_key_is_stable_and_e164(raw: object) -> None:
    key = caller_key(raw)
    if key is not None:
        assert key.startswith("+")
        assert key[1:].isascii()
        assert key[1:].isdecimal()
        assert caller_key(key) == key
        assert caller_key(f"sip:{key}@example.com") == key


@given(E164)
def test_a_lost_plus_comes_back(number: str) -> None:
    assert caller_key(number[1:]) == caller_key(number) == number


@pytest.mark.parametrize(
    ("region", "raw", "key"),
    [
        ("US", "(415) 555-0100", "+14155550100"),
        ("DE", "030 901820", "+4930901820"),
        ("DE", "0049 30 901820", "+4930901820"),
        ("GB", "020 7946 0018", "+442079460018"),
        ("DE", "+14155550100", "+14155550100"),
        ("DE", "14155550100", "+14155550100"),
        ("US", "15550100", "+15550100"),
    ],
)
def test_national_forms_are_read_where_they_are_valid(settings: Settings, region: str, raw: str, key: str) -> None:
    settings.DEFAULT_REGION = region
    assert caller_key(raw) == key


def test_at_the_ring_the_caller_is_who_calls() -> None:
    assert caller_of_ring("+14155550100", "+14155550199") == "+14155550100"


def test_at_the_ring_of_an_outbound_call_the_caller_is_who_is_called(settings: Settings) -> None:
    settings.AGENT_NUMBERS = ["1 415 555 0199"]
    assert caller_of_ring("+14155550199", "+14155550100") == "+14155550100"


def test_our_own_number_is_never_a_caller(settings: Settings) -> None:
    settings.AGENT_NUMBERS = ["+14155550198", "+14155550199"]
    assert caller_of_ring("+14155550199", "+14155550198") is None
    assert caller_of_ring("+14155550199", None) is None


def test_a_stranger_who_rings_us_is_not_taken_for_the_called_number() -> None:
    assert caller_of_ring("anonymous", "+14155550199") is None


def call(**changes: object) -> str | None:
    parties = {"outbound": False, "external_number": None, "caller_id": None, "called_number": None} | changes
    return caller_of_call(**parties)  # type: ignore[arg-type]


def test_a_finished_call_belongs_to_its_external_number() -> None:
    assert call(external_number="+14155550100", caller_id="+14155550155") == "+14155550100"


def test_without_it_an_inbound_call_belongs_to_the_caller_id() -> None:
    assert call(caller_id="+14155550100", called_number="+14155550199") == "+14155550100"


def test_without_it_an_outbound_call_belongs_to_the_called_number() -> None:
    assert call(outbound=True, caller_id="+14155550199", called_number="+14155550100") == "+14155550100"


@pytest.mark.parametrize("nothing", [None, "", [], ["+14155550155"], {}, True, 1.5])
def test_an_external_number_that_says_nothing_leaves_it_to_the_others(nothing: object) -> None:
    assert call(external_number=nothing, caller_id="+14155550100") == "+14155550100"
    assert call(external_number=nothing, called_number="+14155550101", outbound=True) == "+14155550101"


def test_a_withheld_external_number_is_not_replaced_by_another() -> None:
    assert call(external_number="anonymous", caller_id="+14155550100") is None
