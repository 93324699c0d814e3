"""What callers say is data: it is cleaned and bounded before an agent speaks it or a prompt holds it."""

import math
import re
import unicodedata

_MARKUP = re.compile(r"<[^<>]*>|\{\{[^{}]*\}\}|[{}<>`]")
_SENTENCE_END = re.compile(r"[.!?…。！？]['\"”’)\]]*(?=\s|$)")
_NOT_A_NAME = re.compile(r"[^\w\s.'’·-]|[\d_]")
# What most texts and names are: there is nothing to take out of them, and a live call waits.
_PLAIN = re.compile(r"(?:[!-;=?-_a-z|~]+ )*[!-;=?-_a-z|~]+|")
_PLAIN_NAME = re.compile(r"[A-Za-z]+(?:[ '-][A-Za-z]+)*")
_NO_VALUE = frozenset(
    "|-|–|—|?|none|null|nil|nan|n/a|n.a|na|unknown|undefined"
    "|not provided|not specified|not mentioned|not available|not given".split("|")
)

NAME_LENGTH = 60
VALUE_LENGTH = 200
SUMMARY_LENGTH = 600


def cleaned(text: str) -> str:
    """The text on one line, without control characters, markup and template braces."""
    if _PLAIN.fullmatch(text):
        return text
    text = unicodedata.normalize("NFC", text)
    text = "".join(" " if char.isspace() else char for char in text if char.isspace() or _is_printable(char))
    while (stripped := _MARKUP.sub(" ", text)) != text:
        text = stripped
    return " ".join(text.split())


def spoken_name(text: str) -> str:
    """A person's name as an agent may say it: letters of any script, hyphens, apostrophes, full stops.

    What is left of hostile or absurd input is short and harmless; it may be empty.
    """
    if len(text) <= NAME_LENGTH and _PLAIN_NAME.fullmatch(text):
        return text
    name = " ".join(_NOT_A_NAME.sub(" ", cleaned(text)).split()).strip("-.'’· ")
    return bounded_words(name, NAME_LENGTH) if any(char.isalpha() for char in name) else ""


def bounded_words(text: str, length: int) -> str:
    """At most `length` characters, cut between words where there are any."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    if not text[length - 1].isspace():
        cut = cut.rpartition(" ")[0] or cut
    return cut.rstrip(" ,;:-") + "…"


def bounded_sentences(text: str, length: int = SUMMARY_LENGTH) -> str:
    """At most `length` characters, cut after a sentence; within the first one where even that is too long."""
    if len(text) <= length:
        return text
    ends = [match.end() for match in _SENTENCE_END.finditer(text[: length + 1]) if match.end() <= length]
    return text[: ends[-1]] if ends else bounded_words(text, length)


def as_sentence(text: str) -> str:
    """The text with a full stop where it ends without any mark."""
    text = text.strip()
    return text if not text or _SENTENCE_END.search(text[-3:]) else f"{text}."


def usable_value(value: object) -> str | None:
    """A data-collection value as text, or None where it says nothing.

    Texts, numbers, booleans and flat lists of them are values; null, empty ones and the words that models write for
    "nothing" (`"None"`, `"null"`, `"N/A"`, `"unknown"`, …) are not.
    """
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return f"{value}" if math.isfinite(value) else None
        case list():
            items = (usable_value(item) for item in value if not isinstance(item, list))
            return ", ".join(item for item in items if item) or None
        case str():
            text = value.strip()
            return None if text.casefold().rstrip(".") in _NO_VALUE else text
    return None


def field_name(raw: str) -> str:
    """`First Name`, `firstName` and `first-name` are all the field `first_name`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", unicodedata.normalize("NFC", raw).replace("’", "").replace("'", ""))
    return "_".join(re.findall(r"[^\W_]+", words.casefold()))


def _is_printable(char: str) -> bool:
    # Format characters (Cf) hide text or turn it round; the joiners that scripts need are among them and kept.
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn") or char in "\u200c\u200d"
