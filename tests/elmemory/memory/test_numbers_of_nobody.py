"""Which numbers are nobody's, which look so and are callers, and what the settings say about both."""

from collections.abc import Iterator

import phonenumbers
import pytest
from django.test import override_settings
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from pytest_django.fixtures import Settings

from elmemory.environment.checks import environment
from elmemory.memory.identity import caller_key, caller_of_ring
from tests.harness.tables import values


@pytest.fixture(autouse=True)
def no_settings(settings: Settings) -> None:
    settings.AGENT_NUMBERS, settings.NOT_CALLERS, settings.DEFAULT_REGION = [], [], ""
    settings.TRUSTED_SIP_HOSTS, settings.SEPARATE_SPELLINGS = [], []


ONE_DIGIT = values("""
    +12222222222|+13333333333|+1 (888) 888-8888|+19999999999|12222222222|+442222222222|+447777777777|+33000000000
    +33777777777|+4911111111111|+49 0000 0000000|+61444444444|+81-999-999-9999|+912222222222|+5511111111111
    +5555555555555|+34666666666|+39 3333333333|+48 777 777 777|+6566666666|+85299999999|+4588888888|+4722222222
    +972555555555|+27777777777|+2348888888888|+99999999999|+77777777777|+66666666666|0000000000|00000000000000
    1111111111|+1 0000000|tel:+12222222222|sip:+19999999999@trunk.example.com|<sip:+10000000000@trunk.example.com>
    whatsapp:+4400000000000
""")
COUNTING = values("""
    +12345678901|12345678901|+12345678|+1 (234) 567-8901|+19876543210|+1 987 654 3210|+441234567890|+44 9876543210
    +91 98765 43210|+911234567890|+49 1234567890|0123456789|0987654321|2345678901|+123456789|+1234567|+123456789012
    +1 012 345 6789|+972 123456789|+234 1234567890|+86 1234567890|sip:+12345678901@trunk.example.com
""")
NO_SUBSCRIBER = values("""
    +12120000000|+1 800 000 0000|+18000000000|+1 604 000 0001|+1-242-000-9999|+49 69 000000|+49 89 0000000
    +44 20 0000 0000|+44 1632 000000|+44 161 000 0000|+33 1 00 00 00 00|+33 600000000|+39 06 000000|+61 2 0000 0000
    +551100000000|+5521000000000|+91 22 00000000|+81 3 0000 0000|+86 10 0000 0000|+34 910000000|+34600000000
    +48 22 0000000|+86 138 0000 0000|+971 4 0000000|+52 55 0000 0000|+27 11 000 0000
""")
NO_AREA = values("""
    +10005550100|+10102345678|+11005550123|+1 123 456 7890|+1 155 555 0100|+1 000 123 4567|+1 099 234 5678
    +1 211 555 2368|+1 311 234 5678|+1 411 555 1212|+1 611 234 5678|+1 911 911 9111|+19115550123|1 (911) 555-0100
    +10987654321
""")
WITHHELD = values("""
    Anonymous|ANONYMOUS|anonymous@anonymous.invalid|sip:anonymous@anonymous.invalid|<sip:anonymous@anonymous.invalid>
    "Anonymous" <sip:anonymous@anonymous.invalid>|"Anonymous" <sip:+14155550100@trunk.example.com>|tel:anonymous
    sip:unavailable@unknown.invalid|sip:+14155550100@anonymous.invalid|Restricted|Unavailable|PRIVATE|Blocked
    blocked caller|withheld|No Caller ID|no-caller-id|Number withheld|Private Number|OUT OF AREA|n/a|none|undefined
    unbekannt|Unbekannte Nummer|anonym|unterdrückt|privado|Número privado|número oculto|oculto|desconhecido|desconocido
    numéro masqué|masqué|inconnu|privé|sconosciuto|anonimo|numero privato|onbekend|afgeschermd|anoniem|nieznany
    zastrzeżony|neznámé|ismeretlen|неизвестно|скрыт|非通知|通知不可能|公衆電話|表示圏外|未知|匿名|私人号码|未知来电
    발신번호표시제한|알 수 없음|غير معروف|חסוי|अज्ञात|निजी|gizli numara|bilinmeyen|okänt|skyddat nummer|dolt nummer
    skjult|hemmelig nummer|ukjent|tuntematon|estetty|άγνωστος|απόκρυψη|ẩn danh|ไม่ทราบ|tidak dikenal|nomor pribadi
""")
KEYPAD = values("""
    +266696687|00266696687|0266696687|1266696687|7378742833|+07378742833|+7378742|8656696|+18656696|18656696|+7748283
    +17748283|+86282452253|86282452253|8628245225|862824522|+2562533|+12562533|+94844353|688632732|862352668
    +668282452253|+33726662436|+72666724886|sip:+8656696@trunk.example.com|tel:+266696687
""")
NO_NUMBER = values("""
    +|0|00|000|0000|+0|+00|+000|+0000000000|-1|--|.|()|+-|#31#|*67|*67 4155550100|+1|+12|+123|+1234|+12345|12345
    72345|741741|262966|911|112|999|1800|49123|447123|+49123|+4420|33123|60611|116117|sip:@trunk.example.com|sip:|tel:
    whatsapp:|sip:+@trunk.example.com|sip:0@trunk.example.com|sip:1000@pbx.example.com|sip:5125550100@pbx.example.com
    sip:alice@example.com|5125550100@pbx.example.com|sip:00442079460000@pbx.example.com|sips:reception@example.com
    +1415555|+1 415 555 010|+14155550100, +14155550101|+14155550100 or +14155550101|+14155550100/+14155550101
    client:+14155550100|%|%%%|%2B|<>|"Maya" <>|"Maya" <sip:maya@example.com>|conv_14155550100|phone: +14155550100
""")
PLATFORM_IDS = values("""
    106540352242922|109876543210987|1098765|112233445566778|493012345678901|431234567890123|206054752593237
    861381234567890|4930123456789012|17841405822304914|100609346426084|US.13491208655302741918|phnum_01
    6281234567890123|3912345678901234
""")


@pytest.mark.parametrize(
    "ids",
    [ONE_DIGIT, COUNTING, NO_SUBSCRIBER, NO_AREA, WITHHELD, KEYPAD, NO_NUMBER, PLATFORM_IDS],
    ids=["one digit", "counting", "no subscriber", "no area", "withheld", "keypad", "no number", "ids of platforms"],
)
def test_it_is_nobody(ids: list[str]) -> None:
    found = {raw: (caller_key(raw), caller_of_ring(raw, "+14155550199")) for raw in ids}
    assert found == dict.fromkeys(ids, (None, None))


LIKE_FILLERS = values("""
    +12002000000|+14152000000|+1 212 555 0000|+1 415 555 5555|+1 888 222 2222|+1 800 555 1111|+1 234 567 8902
    +1 201 234 5678|+1 310 234 5678|+1 911 0001|+1 555 0111|+1 415 200 0001|+1 989 999 9999|+1 719 266 2837
    +17378742833|+44 20 7000 0000|+44 7700 900123|+44 113 496 0000|+44 1234 567891|+49 30 1234567|+49 1512 3456789
    +49 30 200000|+33 1 23 45 67 89|+33 6 12 34 56 78|+34 612 345 678|+34 600 000 001|+39 06 1234567|+39 312 345 6789
    +48 12 345 67 89|+36 1 234 5678|+31 6 12345678|+32 470 12 34 56|+41 78 123 45 67|+45 32 12 34 56|+45 20 00 00 01
    +46 70 123 45 67|+47 22 00 00 00|+47 40 61 23 45|+351 912 345 678|+353 85 012 3456|+30 691 234 5678|+7 912 345-67-89
    +90 501 234 56 78|+972 50-234-5678|+971 50 123 4567|+91 81234 56789|+86 131 2345 6789|+81 90-1234-5678
    +82 10-2000-0000|+65 8123 4567|+852 5123 4567|+61 412 345 678|+64 21 123 4567|+27 71 123 4567|+234 802 123 4567
    +254 712 123456|+20 100 123 4567|+52 222 123 4567|+57 321 1234567|+56 2 2123 4567|+51 912 345 678|+62 812-345-678
    +63 905 123 4567|+66 81 234 5678|+84 91 234 56 78|+92 301 2345678|+880 1812-345678|+380 50 123 4567|+40 712 034 567
""")


def test_it_is_a_caller_though_it_looks_like_a_filler() -> None:
    digits = {number: "+" + "".join(filter(str.isdecimal, number)) for number in LIKE_FILLERS}
    assert {number: caller_key(number) for number in LIKE_FILLERS} == digits


def test_the_numbers_kept_for_examples_are_callers_in_every_area() -> None:
    areas = 201, 212, 242, 303, 415, 416, 555, 604, 700, 787, 800, 876, 888, 900, 989
    numbers = [f"+1{area}5550{last}" for area in areas for last in range(100, 200)]
    assert [number for number in numbers if caller_key(number) != number] == []


# What libphonenumber gives as a region's example, and is nobody's here.
EXAMPLES_OF_NOBODY = {
    "+431234567890": "1234567890 in Vienna: all ten digits in a row",
}
# The key of an example whose country has two spellings of one number.
EXAMPLES_RESPELLED = {"+5491123456789": "+541123456789"}


def examples() -> Iterator[tuple[str, str]]:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE):
            if example := phonenumbers.example_number_for_type(region, kind):
                yield region, phonenumbers.format_number(example, PhoneNumberFormat.E164)


def test_the_numbers_of_every_region_are_callers_in_each_format() -> None:
    wrong = []
    for region, number in examples():
        if number in EXAMPLES_OF_NOBODY:
            continue
        example = phonenumbers.parse(number)
        international, rfc, national = (
            phonenumbers.format_number(example, kind)
            for kind in (PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.RFC3966, PhoneNumberFormat.NATIONAL)
        )
        keys = [caller_key(spelling) for spelling in (number, number[1:], international, rfc)]
        with override_settings(DEFAULT_REGION=region):
            keys += [caller_key(spelling) for spelling in (national, number[1:])]
        if set(keys) != {EXAMPLES_RESPELLED.get(number, number)}:
            wrong.append((region, number, keys))
    assert wrong == []


@pytest.mark.parametrize("number", EXAMPLES_OF_NOBODY)
def test_an_example_that_is_a_filler_can_be_made_a_caller(settings: Settings, number: str) -> None:
    assert caller_key(number) is None
    settings.NOT_CALLERS = [f"!{number}"]
    assert caller_key(number) == number


@pytest.mark.parametrize(
    "entry", ["+14155550111", "1 (415) 555-0111", "0014155550111", "tel:+1-415-555-0111", "+1415555011*", "1 415 555*"]
)
@pytest.mark.parametrize("spelling", ["+14155550111", "14155550111", "sip:+14155550111@trunk.example.com"])
def test_a_number_named_in_not_callers_is_nobody(settings: Settings, entry: str, spelling: str) -> None:
    settings.NOT_CALLERS = ["+442079460018", entry]
    assert caller_key(spelling) is None
    assert caller_of_ring(spelling, "+14155550199") is None
    assert caller_key("+14155540111") == "+14155540111"


def test_a_national_number_in_not_callers_is_read_as_callers_are(settings: Settings) -> None:
    settings.NOT_CALLERS, settings.DEFAULT_REGION = ["030 901820"], "DE"
    assert caller_key("+4930901820") is None


@pytest.mark.parametrize("entry", ["!+6588888888", "!65 8888 8888", "!+658888*"])
def test_a_filler_that_is_somebody_is_spared(settings: Settings, entry: str) -> None:
    settings.NOT_CALLERS = [entry]
    assert caller_key("+65 8888 8888") == "+6588888888"
    assert caller_key("+6566666666") is None


def test_one_number_is_spared_out_of_a_range(settings: Settings) -> None:
    settings.NOT_CALLERS = ["+1415555*", "!+14155550111"]
    assert caller_key("+14155550111") == "+14155550111"
    assert caller_key("+14155550112") is None


def test_a_changed_setting_holds_at_once(settings: Settings) -> None:
    assert caller_key("+14155550113") == "+14155550113"
    settings.NOT_CALLERS = ["+14155550113"]
    assert caller_key("+14155550113") is None


def test_our_own_number_is_ours_whatever_it_looks_like(settings: Settings) -> None:
    settings.AGENT_NUMBERS, settings.NOT_CALLERS = ["+1 888 888 8888", "+14155550199"], ["+14155550199"]
    assert caller_of_ring("+18888888888", "+14155550100") == "+14155550100"
    assert caller_of_ring("+14155550199", "+14155550100") == "+14155550100"


def finding(name: str) -> list[str]:
    return [fault.msg for fault in environment() if fault.msg.startswith(name)]


def test_an_entry_that_names_no_number_is_reported(settings: Settings) -> None:
    settings.NOT_CALLERS = ["+14155550111", "+1 999*", "!+6588888888", "+10000000000"]
    assert finding("NOT_CALLERS") == []
    settings.NOT_CALLERS = ["+14155550111", "the office", "*", "+1415"]
    assert finding("NOT_CALLERS") == ["NOT_CALLERS: entry 2, 3, 4 cannot be read."]
