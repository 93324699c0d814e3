"""Reads phone numbers from raw ids. All spellings of a number give the same `Number`.

A raw id is a number as people write it, a `tel:`, `sip:` or `whatsapp:` address, or such an address in angle brackets
after a name. Numbers that some countries' plans write in two ways are merged into one form.
"""

import re
import unicodedata
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote

import phonenumbers
from phonenumbers import ValidationResult

from elmemory.memory.fillers import spells_a_word

LONGEST_ID = 256

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# A possible North American number, read without its metadata: that is eight times as fast.
_NORTH_AMERICAN = re.compile(r"1([2-9][0-9]{2}[2-9][0-9]{6})")
_SCHEME = re.compile(r"(sips?|tel|whatsapp|sms|callto):/*", re.IGNORECASE)
_EXTENSION = re.compile(
    r"[ ,;]*(?:,|x|#|ext(?:ension|n)?\b|anexo|ramal|interno|poste|durchwahl|доб)[.:= ,]*[0-9]{1,7}#?", re.IGNORECASE
)
_SPELLED = re.compile(r"\(?\+?[ (]*[0-9][0-9 ()./-]*")
_TRUNK_ZERO = re.compile(r"\( ?0 ?\)")
_TRUNK = re.compile(r"0[1-9]")
_PUNCTUATION = str.maketrans({"\u2212": "-", "\u2043": "-", "\u00b7": ".", "\u2044": "/", "\u2215": "/"})
# E.164 allows fifteen digits. Phone numbers have at most thirteen, with few exceptions in the metadata; ids of
# platforms, such as that of a WhatsApp number, have fifteen or more and no plus.
_LONGEST, _LONGEST_PLAIN = 15, 13

# Region, country code, a pattern for the spelling that is replaced, and its replacement.
_MERGES = (
    ("MX", "52", re.compile(r"(?:1|0(?:1|44|45))([0-9]{10})"), r"\1"),
    ("AR", "54", re.compile(r"90?([0-9]{10})"), r"\1"),
    ("AR", "54", re.compile(r"9(11)15([0-9]{8})"), r"\1\2"),
    ("BR", "55", re.compile(r"0?([1-9]{2})([6-9][0-9]{7})"), r"\g<1>9\2"),
    ("BJ", "229", re.compile(r"([0-9]{8})"), r"01\1"),
    ("CI", "225", re.compile(r"([04-9][0-3][0-9]{6})"), r"01\1"),
    ("CI", "225", re.compile(r"([04-9][4-6][0-9]{6})"), r"05\1"),
    ("CI", "225", re.compile(r"([04-9][7-9][0-9]{6})"), r"07\1"),
)
_UNMERGES = (
    ("MX", "52", re.compile(r"([0-9]{10})"), r"1\1"),
    ("AR", "54", re.compile(r"([0-9]{10})"), r"9\1"),
    ("BR", "55", re.compile(r"([1-9]{2})9([6-9][0-9]{7})"), r"\1\2"),
)
_MERGED_COUNTRIES = frozenset(country for _, country, *_ in _MERGES)
MERGED_REGIONS = frozenset(region for region, *_ in _MERGES)


class Number(NamedTuple):
    """A phone number: country code and national number, digits only."""

    country: str
    national: str

    @property
    def e164(self) -> str:
        return f"+{self.country}{self.national}"


class Conventions(NamedTuple):
    """The settings for reading numbers: DEFAULT_REGION, TRUSTED_SIP_HOSTS, SEPARATE_SPELLINGS."""

    region: str = ""
    sip_hosts: tuple[str, ...] = ()
    separate: tuple[str, ...] = ()


class _Spelled(NamedTuple):
    """The number in an address. `international`: it begins with its country code, even without a plus."""

    text: str
    international: bool = False


def read_number(raw: str, conventions: Conventions) -> Number | None:
    """Return the number in a raw id; None if there is none, or a network's word for a withheld number.

    It may be a filler: see `fillers.is_filler`.
    """
    if _E164.fullmatch(raw):
        return _international(raw[1:], conventions.separate)
    spelled = _spelled(_plain(raw), conventions.sip_hosts)
    if spelled is None or not _SPELLED.fullmatch(spelled.text):
        return None
    digits = _digits(spelled.text)
    if spells_a_word(digits):
        return None
    if _TRUNK_ZERO.search(spelled.text) and digits != (without := _digits(_TRUNK_ZERO.sub("", spelled.text))):
        # In Italy the zero belongs to the number; elsewhere it is not dialled from abroad. The plan decides.
        return _read(digits, spelled, conventions, valid=True) or _read(without, spelled, conventions)
    return _read(digits, spelled, conventions)


def other_spellings(number: Number, separate: tuple[str, ...] = ()) -> list[str]:
    """Return the E.164 spellings of this number that had their own keys before merging."""
    return [
        Number(country, pattern.sub(kept, number.national)).e164
        for region, country, pattern, kept in _UNMERGES
        if country == number.country and region not in separate and pattern.fullmatch(number.national)
    ]


def _plain(raw: str) -> str:
    """Return the id with digits, punctuation and blanks of any script as ASCII, without invisible marks."""
    for _ in range(2):
        if "%" in raw:
            raw = unquote(raw)
    if not raw.isascii():
        raw = "".join(map(_plain_character, unicodedata.normalize("NFKC", raw).translate(_PUNCTUATION)))
    return " ".join(raw.split()).strip("\"' ") if "<" not in raw else raw


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    match unicodedata.category(character):
        case "Cf" | "Mn" | "Me":
            return ""
        case "Pd":
            return "-"
        case "Zs":
            return " "
    return character


def _spelled(address: str, trusted: tuple[str, ...]) -> _Spelled | None:
    """Return the text of the number in an address; None if it contains none that identifies a caller."""
    if "<" in address:
        name, _, address = address.rpartition("<")
        address, closed, _ = address.partition(">")
        if not closed or name.strip("\"' ").casefold() == "anonymous":  # RFC 3323
            return None
        address = address.strip()
    scheme = _SCHEME.match(address)
    kind = scheme[1].lower() if scheme else ""
    rest = address[scheme.end() :].strip() if scheme else address
    user, at, place = rest.partition("?")[0].rpartition("@") if "@" in rest else (rest.partition("?")[0], "", "")
    user, *of_user = user.split(";")
    host, *of_uri = place.split(";")
    parameters = dict(_parameter(each) for each in (*of_user, *of_uri))
    is_sip = bool(at) or kind.startswith("sip")
    if is_sip:
        if not _is_trusted(host, trusted):
            return None
        user = user.partition(":")[0]
    user = user.strip()
    text = user if _SPELLED.fullmatch(user) else _without_extension(user)
    if text.startswith(("+", "(+")):
        return _Spelled(text)
    context = parameters.get("phone-context", "")
    if context.startswith("+") and context[1:].isdecimal():
        return _Spelled(context + text)
    if is_sip and parameters.get("user") != "phone":
        return None
    return _Spelled(text, international=kind == "whatsapp")


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().lower()


def _without_extension(text: str) -> str:
    """Return the number before an extension, which is a desk's, not another line's."""
    for extension in _EXTENSION.finditer(text):
        if extension.end() == len(text):
            return text[: extension.start()]
    return text


def _is_trusted(host: str, trusted: tuple[str, ...]) -> bool:
    host = host.strip().lower()
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    if name.endswith(".invalid"):  # RFC 3323: the host of an anonymous caller
        return False
    return not trusted or name in map(str.lower, trusted)


def _digits(text: str) -> str:
    return re.sub(r"[^0-9+]", "", text)


def _read(digits: str, spelled: _Spelled, conventions: Conventions, *, valid: bool = False) -> Number | None:
    """Return the number of these digits, with or without a plus. With `valid`, only one in use by its plan."""
    separate = conventions.separate
    if digits.startswith("+"):
        # No country code begins with a zero: a program has put the plus before 00.
        return _international(digits[1:].removeprefix("00"), separate, valid=valid)
    if conventions.region and not spelled.international:
        if number := _of_region(digits, conventions):
            lacks_trunk = digits == number.national and _writes_trunk(conventions.region)
            return (_international(digits, separate, valid=True) if lacks_trunk else None) or number
        if valid:
            return None
    for dialled_abroad in ("00", "011"):
        if digits.startswith(dialled_abroad):
            number = _international(digits.removeprefix(dialled_abroad), separate, valid=valid)
            if number:
                return number
    if len(digits) >= _LONGEST:
        return None
    if number := _international(digits, separate, valid=valid):
        return number
    if conventions.region and not spelled.international and _TRUNK.match(digits):
        # A range reserved for films, or newer than the metadata: with a trunk prefix it is a number of the region.
        return _parsed(digits, conventions.region, separate, valid=False)
    return None


def _of_region(digits: str, conventions: Conventions) -> Number | None:
    """Return a valid number of the region, in national form or with the country code but no plus."""
    code = str(phonenumbers.country_code_for_region(conventions.region))
    if digits.startswith(code) and (number := _international(digits, conventions.separate, valid=True)):
        return number
    digits = _merged(code, digits, conventions.separate)
    return _parsed(digits, conventions.region, conventions.separate, valid=True)


@cache
def _writes_trunk(region: str) -> bool:
    """Whether numbers of the region are always written with a 0 in front: "4534412345" is Danish, not German."""
    plan = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if plan is None or plan.national_prefix != "0":
        return False
    optional = any(form.national_prefix_optional_when_formatting for form in plan.number_format)
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    written = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL) if example else ""
    return not optional and written.startswith("0")


def _international(digits: str, separate: tuple[str, ...], *, valid: bool = False) -> Number | None:
    """Return the number of these digits, which begin with the country code; None if the plan has no such length."""
    if not valid and (fast := _NORTH_AMERICAN.fullmatch(digits)):
        return None if spells_a_word(digits) else Number("1", fast[1])
    if spells_a_word(digits) or len(digits) > _LONGEST:
        return None
    for country in _MERGED_COUNTRIES:
        if digits.startswith(country):
            digits = country + _merged(country, digits[len(country) :], separate)
    return _parsed(f"+{digits}", None, separate, valid=valid or len(digits) > _LONGEST_PLAIN)


def _parsed(spelled: str, region: str | None, separate: tuple[str, ...], *, valid: bool) -> Number | None:
    try:
        parsed = phonenumbers.parse(spelled, region)
    except phonenumbers.NumberParseException:
        return None
    possible = phonenumbers.is_possible_number_with_reason(parsed)
    # A number without area code identifies no one, except examples such as +1 555 0100.
    local = possible == ValidationResult.IS_POSSIBLE_LOCAL_ONLY and parsed.country_code == 1
    if not (local or possible == ValidationResult.IS_POSSIBLE):
        return None
    if valid and not phonenumbers.is_valid_number(parsed):
        return None
    number = Number(str(parsed.country_code), phonenumbers.national_significant_number(parsed))
    number = number._replace(national=_merged(number.country, number.national, separate))
    if number.e164 == spelled or _parsed_again(number) == number.e164:
        return number
    return None


def _parsed_again(number: Number) -> str:
    """Return the E.164 form after parsing it again. Rows of zeros lose one each time: they are no caller's number."""
    try:
        parsed = phonenumbers.parse(number.e164, None)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _merged(country: str, national: str, separate: tuple[str, ...]) -> str:
    """Return the national number in its canonical spelling."""
    for region, code, pattern, kept in _MERGES:
        if code == country and region not in separate and pattern.fullmatch(national):
            return pattern.sub(kept, national)
    return national
