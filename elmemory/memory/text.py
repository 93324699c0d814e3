"""Cleans and bounds text before an agent reads it: what callers say is data."""

import math
import re
import unicodedata
from decimal import Decimal
from itertools import pairwise

from elmemory.memory.caches import kept_briefly

_MARKUP = re.compile(
    r"<[^<>]*>|\{\{[^{}]*\}\}|[{}<>`｛｝＜＞﹛﹜﹤﹥｀]"
    # These characters as HTML entities.
    r"|&(?:[lg]t|[lr]brace|[lr]cub|grave|#0*(?:60|62|96|123|125)|#x0*(?:3c|3e|60|7b|7d));?",
    re.IGNORECASE,
)
# Invisible characters that can hide text: variation selectors, fillers, and joiners that join nothing.
_UNSEEN = re.compile(
    "[\ufe00-\ufe0d\U000e0100-\U000e01ef\u034f\u180b-\u180d\u2800\u3164\uffa0]"
    "|(?<![^\x00-\x7f])[\u200c\u200d]|(?<=[\u200c\u200d])[\u200c\u200d]"
)
_LIST_ITEM = re.compile(r"\s*[\r\n]+\s*|^\s*|\s+(?=[•▪‣]\s)|(?<=[。！？])(?=[^\s」』”）])")
_BULLET = re.compile(r"^(?:[-*•▪‣·–]|\(?\d{1,2}[.)])\s+")
# A full stop that does not end a sentence: "Dr. Weber", "am 3. März", "J. Orlova".
_NOT_ENDED = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|dra|prof|st|sr|sra|srta|hr|fr|nr|ca|bzw|dott|sig|ing|approx|z\. ?b)|\b[^\W\d_]"
    r"|\b(?:am|den|dem|der|vom|zum|bis|ab|seit|im) \d{1,2})\.$",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?…。！？।؟]['\"”’)\]]*(?=\s|$)")
# Not "Flat No. 7", where the full stop precedes the last word.
_ENDED = re.compile(r"[.!?…。！？।؟]['\"”’)\]」』”）]{0,2}$")
# Chinese and Japanese write no blank after a sentence.
_CUTTING_END = re.compile(rf"{_SENTENCE_END.pattern}|[。！？]['\"”’)\]」』）]*")
# Most texts need no cleaning; recognised fast for live calls.
_PLAIN = re.compile(r"(?:[!-%'-;=?-_a-z|~]+ )*[!-%'-;=?-_a-z|~]+|")

VALUE_LENGTH = 200
SUMMARY_LENGTH = 600
_ABSURD, _HUGE, _TINY = 10**100, 1e21, 1e-9


def cleaned(text: str) -> str:
    """Return the text on one line, without control and invisible characters, markup and template braces."""
    if _PLAIN.fullmatch(text):
        return text
    # Removing characters may join others into new markup.
    while (clean := _cleaned_once(text)) != text:
        text = clean
    return text


def _cleaned_once(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        text = "".join(" " if char.isspace() else char for char in text if char.isspace() or _is_printable(char))
    return " ".join(_MARKUP.sub(" ", _UNSEEN.sub("", text)).split())


def bounded_words(text: str, length: int) -> str:
    """Return at most `length` characters, cut between words if possible."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    if not text[length - 1].isspace():
        cut = cut.rpartition(" ")[0] or cut
    return cut.rstrip(" ,;:-") + "…"


def bounded_sentences(text: str, length: int = SUMMARY_LENGTH) -> str:
    """Return at most `length` characters, cut after a sentence, or within the first if that is too long."""
    if len(text) <= length:
        return text
    ends = [match.end() for match in _CUTTING_END.finditer(text[: length + 1]) if match.end() <= length]
    return text[: ends[-1]] if ends else bounded_words(text, length)


def sentences(text: str) -> list[str]:
    """Split the text into sentences, each with the blanks before it."""
    ends = [0, *(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]
    return [text[start:end] for start, end in pairwise(ends) if start != end]


def statements(text: str) -> list[str]:
    """Split a text into sentences and list items, without blanks and bullets around them."""
    found: list[str] = []
    for line in _LIST_ITEM.split(text):
        begun = ""
        for sentence in sentences(_BULLET.sub("", line)):
            begun += sentence
            if not _NOT_ENDED.search(begun):
                found.append(begun.strip())
                begun = ""
        found.append(begun.strip())
    return [one for one in found if any(char.isalnum() for char in one)]


def as_sentence(text: str, full_stop: str = ".") -> str:
    """Return the text with a full stop, unless it ends with punctuation."""
    text = text.strip()
    return text if not text or _ENDED.search(text) else f"{text}{full_stop}"


def as_written(value: bool | int | float) -> str:
    """Return a JSON number or boolean as people write it: "4" for 4.0, "0.3" for 0.30000000000000004, "yes" for true.

    At most twelve significant digits after a decimal point; empty for NaN, infinities and numbers of absurd length.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not math.isfinite(value) if isinstance(value, float) else abs(value) >= _ABSURD:
        return ""
    if isinstance(value, float) and not value.is_integer():
        digits = f"{value:.12g}"
        return digits if "e" in digits and abs(value) < _TINY else f"{Decimal(digits):f}"
    return f"{int(value)}" if abs(value) < _HUGE or isinstance(value, int) else f"{value:.12g}"


def counted(number: int, one: str, many: str = "") -> str:
    """Return the number with its noun: "1 call", "2 calls". In English, as commands and the audit log are."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


@kept_briefly(maxsize=512)
def field_name(raw: str) -> str:
    """Return `first_name` for `First Name`, `firstName` and `first-name`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", unicodedata.normalize("NFC", raw).replace("’", "").replace("'", ""))
    return "_".join(re.findall(r"[^\W_]+", words.casefold()))


def _is_printable(char: str) -> bool:
    # Format characters (Cf) hide or reverse text. Only the joiners that scripts need are kept.
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn") or char in "\u200c\u200d"
