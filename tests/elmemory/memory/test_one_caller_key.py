"""One person has one caller key, however a carrier, a SIP trunk, WhatsApp or a form spells the number."""

import pytest
from pytest_django.fixtures import Settings

from elmemory.environment.checks import environment
from elmemory.memory.identity import caller_key, caller_of_ring, former_keys


@pytest.fixture(autouse=True)
def no_settings(settings: Settings) -> None:
    settings.AGENT_NUMBERS, settings.NOT_CALLERS, settings.DEFAULT_REGION = [], [], ""
    settings.TRUSTED_SIP_HOSTS, settings.SEPARATE_SPELLINGS = [], []


SPELLINGS = {
    "+12125550123": [
        "tel:+1-212-555-0123",
        "tel:+12125550123;ext=7",
        "TEL:+1(212)555.0123",
        "tel:2125550123;phone-context=+1",
        "sip:+12125550123@gw.example.net",
        "<sip:+12125550123@gw.example.net>",
        '"Okafor, Maya" <sip:+12125550123@gw.example.net>;tag=a6c85cf',
        "Maya <tel:+12125550123>",
        "sip:+12125550123;phone-context=gw.example.net@gw.example.net;user=phone",
        "sip:12125550123@gw.example.net;user=phone",
        "sip:2125550123;phone-context=+1@gw.example.net;user=phone",
        "sips:+1-212-555-0123@[2001:db8::7]:5061;transport=tls",
        "sip:%2B12125550123@192.0.2.7:5060",
        "sip:+12125550123:secret@gw.example.net?subject=call",
        "+12125550123@gw.example.net",
        "+12125550123;user=phone",
        "+12125550123 ext. 44",
        "+1 212 555 0123 extension 44",
        "+12125550123x44",
        "+12125550123#44",
        "+12125550123,44",
        "+12125550123,,44#",
        "0012125550123",
        "00 1 212 555 0123",
        "01112125550123",
        "+0012125550123",
        "%2B12125550123",
        "%252B1%20212%20555%200123",
        "\u200b+12125550123\u200b",
        "\u202a+1 212 555 0123\u202c",
        "\u2066+12125550123\u2069",
        "\ufeff+12125550123",
        "+1\u00ad212\u00ad555\u00ad0123",
        "+1\u2010212\u2010555\u20100123",
        "+1\u2011212\u2012555\u20130123",
        "+1\u2014212\u2015555\u22120123",
        "+1\u00a0212\u00a0555\u202f0123",
        "+1\u2009(212)\u2003555\u30000123",
        "\uff0b\uff11\uff12\uff11\uff12\uff15\uff15\uff15\uff10\uff11\uff12\uff13",
        "+\u0661\u0662\u0661\u0662\u0665\u0665\u0665\u0660\u0661\u0662\u0663",
        "+\u06f1\u06f2\u06f1\u06f2\u06f5\u06f5\u06f5\u06f0\u06f1\u06f2\u06f3",
        "+\u0967\u0968\u0967\u0968\u096b\u096b\u096b\u0966\u0967\u0968\u0969",
        "+1/212/555.0123",
        "+1.212.555.0123",
        "(+1) 212 555 0123",
        "+ 1 212 555 0123",
        "+1\t212\t555\t0123\r\n",
        '"+12125550123"',
        "whatsapp:12125550123",
        "WhatsApp:+12125550123",
        "sms:+12125550123",
        " 12125550123",
    ],
    "+4930901820": [
        "+49 (0) 30 901820",
        "+49(0)30/901820",
        "0049 (0)30 90 18 20",
        "004930901820",
        "01149 30 901820",
        "+49\u201130\u2011901820",
        "+49 30 901820 Durchwahl 20",
        "tel:+49-30-901820",
    ],
    "+447700900145": ["+44 (0)7700 900145", "0044 7700 900145", "tel:+44-7700-900145", "447700900145"],
    "+34912345678": ["+34 (0) 912 345 678", "0034 91 234 56 78", "+34 912\u2013345\u2013678"],
    "+33142685300": ["+33 (0)1 42 68 53 00", "0033142685300", "+33.1.42.68.53.00", "<tel:+33-1-42-68-53-00>"],
    "+390612345678": ["+39 06 1234 5678", "+39 (0)6 12345678", "0039 06/12345678", "sip:+390612345678@gw.example.it"],
    "+390236618300": ["+39 02 36618300", "390236618300"],
    "+74951234567": ["+7 8 495 123-45-67", "+7 (495) 123-45-67", "0074951234567", "tel:+7-495-123-45-67"],
    "+77012345679": ["+7 701 234 56 79", "+7 8 701 234 5679", "77012345679"],
    "+525512345678": [
        "+5215512345678",
        "5215512345678",
        "+52 1 55 1234 5678",
        "whatsapp:+5215512345678",
        "whatsapp:5215512345678",
        "sip:+5215512345678@gw.example.mx",
        "005215512345678",
        "+52 55 1234 5678",
        "525512345678",
        "+52 044 55 1234 5678",
        "+52 01 55 1234 5678",
    ],
    "+523312345678": ["+52 1 33 1234 5678", "+52 33 1234 5678"],
    "+541123456789": [
        "+5491123456789",
        "+54 9 11 2345-6789",
        "+54 11 2345-6789",
        "5491123456789",
        "whatsapp:5491123456789",
        "+54 11 15 2345-6789",
        "+54 9 11 15 2345-6789",
        "+54 9 011 2345-6789",
        "+54 (0) 11 2345-6789",
    ],
    "+543514123456": ["+54 9 351 412-3456", "+54 351 412-3456", "+54 351 15 412-3456"],
    "+5511987654321": [
        "+55 11 8765-4321",
        "+551187654321",
        "551187654321",
        "whatsapp:551187654321",
        "+55 11 98765-4321",
        "+55 (0) 11 98765-4321",
        "005511987654321",
    ],
    "+5585991234567": ["+55 85 9123-4567", "+55 85 99123-4567"],
    "+551121234567": ["+55 11 2123-4567", "551121234567"],
    "+2290195123456": ["+229 95 12 34 56", "+229 01 95 12 34 56", "whatsapp:22995123456"],
    "+2250707123456": ["+225 07 12 34 56", "+225 07 07 12 34 56", "whatsapp:22507123456"],
    "+2250544123456": ["+225 44 12 34 56", "+225 05 44 12 34 56"],
    "+2250140123456": ["+225 40 12 34 56", "+225 01 40 12 34 56"],
}


@pytest.mark.parametrize(
    ("key", "spelling"), [(key, each) for key, spellings in SPELLINGS.items() for each in spellings]
)
def test_every_spelling_is_the_one_key(key: str, spelling: str) -> None:
    assert caller_key(spelling) == key
    assert caller_key(key) == key


@pytest.mark.parametrize(
    ("region", "spelling", "key"),
    [
        ("US", "011 44 20 7946 0018", "+442079460018"),
        ("US", "(212) 555-0123", "+12125550123"),
        ("US", "sip:2125550123@gw.example.net;user=phone", "+12125550123"),
        ("GB", "0207 946 0018", "+442079460018"),
        ("GB", "00 1 212 555 0123", "+12125550123"),
        ("DE", "0151 23456789", "+4915123456789"),
        ("DE", "4915112345678", "+4915112345678"),
        ("DE", "whatsapp:390612345678", "+390612345678"),
        ("IT", "393123456789", "+393123456789"),
        ("MX", "55 1234 5678", "+525512345678"),
        ("MX", "5215512345678", "+525512345678"),
        ("AR", "011 15-2345-6789", "+541123456789"),
        ("AR", "11 2345-6789", "+541123456789"),
        ("BR", "(11) 98765-4321", "+5511987654321"),
        ("BR", "551187654321", "+5511987654321"),
        ("RU", "8 (495) 123-45-67", "+74951234567"),
        ("KZ", "8 701 234 5679", "+77012345679"),
        ("JP", "010 1 212 555 0123", "+12125550123"),
        ("AU", "0011 1 212 555 0123", "+12125550123"),
        ("IN", "098123 45678", "+919812345678"),
        ("GB", "07700 900 123", "+447700900123"),
        ("IL", "050-123-4568", "+972501234568"),
        ("MX", "044 55 1234 5678", "+525512345678"),
        ("MX", "01 55 1234 5678", "+525512345678"),
        ("BR", "(21) 8765-4321", "+5521987654321"),
        ("BR", "021 8765-4321", "+5521987654321"),
        ("AR", "9 11 2345 6789", "+541123456789"),
        ("DE", "4534412345", "+4534412345"),
        ("DE", "41781234567", "+41781234567"),
        ("AT", "22365012345", "+22365012345"),
        ("DE", "30901820", "+4930901820"),
        ("FR", "612345678", "+33612345678"),
    ],
)
def test_a_number_is_read_as_it_is_dialled_in_the_region(
    settings: Settings, region: str, spelling: str, key: str
) -> None:
    settings.DEFAULT_REGION = region
    assert caller_key(spelling) == key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+525512345678", "+525512345679"),
        ("+541123456789", "+543514123456"),
        ("+551121234567", "+5511921234567"),
        ("+390612345678", "+39612345678"),
        ("+2250707123456", "+2250507123456"),
        ("+12125550123", "+442125550123"),
    ],
)
def test_two_lines_stay_two_callers(one: str, other: str) -> None:
    assert caller_key(one) != caller_key(other)


@pytest.mark.parametrize(
    ("region", "one", "other"),
    [
        ("AR", "+5491123456789", "+541123456789"),
        ("BR", "+551177654321", "+5511977654321"),
    ],
)
def test_two_spellings_stay_apart_where_the_setting_says_so(
    settings: Settings, region: str, one: str, other: str
) -> None:
    assert caller_key(one) == caller_key(other)
    settings.SEPARATE_SPELLINGS = [region]
    assert (caller_key(one), caller_key(other)) == (one, other)


def test_sip_counts_from_any_host_until_some_are_named(settings: Settings) -> None:
    calls = ["sip:+12125550123@gw.example.net", "<sip:+12125550123@GW.example.net:5060>", "+12125550123@gw.example.net"]
    stranger = "sip:+12125550123@gw.example.org"
    assert {caller_key(each) for each in (*calls, stranger)} == {"+12125550123"}
    settings.TRUSTED_SIP_HOSTS = ["gw.example.net", "[2001:db8::7]"]
    assert {caller_key(each) for each in calls} == {"+12125550123"}
    assert caller_key("sip:+12125550123@[2001:db8::7]:5060") == "+12125550123"
    for other in (stranger, "sip:+12125550123@gw.example.net.example.org", "sip:+12125550123", "sip:+12125550123@"):
        assert caller_key(other) is None
    assert caller_key("+12125550123") == caller_key("tel:+12125550123") == "+12125550123"


@pytest.mark.parametrize(
    "spelling", ["sip:+12125550199@gw.example.net", "0012125550199", "+1\u2011212\u2011555\u20110199"]
)
def test_our_own_numbers_are_read_the_same_way(settings: Settings, spelling: str) -> None:
    settings.AGENT_NUMBERS = [spelling]
    assert caller_of_ring("+12125550199", "+12125550123") == "+12125550123"
    settings.AGENT_NUMBERS = ["+12125550199"]
    assert caller_of_ring(spelling, "+12125550123") == "+12125550123"


def test_settings_that_cannot_be_right_are_reported(settings: Settings) -> None:
    def found() -> set[str]:
        return {fault.msg.partition(":")[0] for fault in environment() if "E03" in str(fault.id)}

    settings.SEPARATE_SPELLINGS, settings.TRUSTED_SIP_HOSTS = ["AR", "MX"], ["gw.example.net", "192.0.2.7", "[::1]"]
    assert found() == set()
    settings.SEPARATE_SPELLINGS, settings.TRUSTED_SIP_HOSTS = ["US"], ["sip:gw.example.net"]
    assert found() == {"SEPARATE_SPELLINGS", "TRUSTED_SIP_HOSTS"}


def test_a_key_knows_the_keys_that_it_replaced(settings: Settings) -> None:
    assert former_keys("+541123456789") == ["+5491123456789"]
    assert former_keys("+5511987654321") == ["+551187654321"]
    assert former_keys("+525512345678") == ["+5215512345678"]
    assert former_keys("+12125550123") == former_keys("+551121234567") == []
    settings.SEPARATE_SPELLINGS = ["AR"]
    assert former_keys("+541123456789") == []
