"""Text into terms: what two sentences about the same thing have in common, whatever their wording and script."""

import re
import sys
import unicodedata
from functools import lru_cache

_STOP_WORDS = frozenset(
    "a about also am an and any are as at be been being but by can could d did didn do does doesn doing don ever for from"
    " get got had has have having he her hers him his how i if in into is isn it its just let ll m may me my myself of on"
    " or our ours please re s shall she should so some t than that the their them then there these they this those to too"
    " us ve very was wasn we were what when where whether which who whom whose why will with would you your yours"
    " caller tell told say said".split()
)

# Forms that no rule finds, each line after the word that stands for them all.
_IRREGULAR = {
    form: line.split()[0]
    for line in """
        begin began begun|bite bit bitten|break broke broken|bring brought|build built|buy bought|catch caught
        choose chose chosen|come came|cost costs|cut cuts|deal dealt|draw drew drawn|drink drank drunk
        drive drove driven|eat ate eaten|fall fell fallen|feed fed|feel felt|fight fought|find found|fly flew flown
        forget forgot forgotten|freeze froze frozen|give gave given|go went gone goes|grow grew grown|hang hung
        hear heard|hide hid hidden|hold held|keep kept|know knew known|lay laid|lead led|leave left|lend lent
        lose lost|make made|mean meant|meet met|pay paid|ride rode ridden|ring rang rung|rise rose risen|run ran
        see saw seen|sell sold|send sent|shake shook shaken|shoot shot|show shown|shut shuts|sing sang sung|sit sat
        sleep slept|slide slid|speak spoke spoken|spend spent|stand stood|steal stole stolen|stick stuck
        strike struck|swim swam|take took taken|teach taught|tear tore torn|think thought|throw threw thrown
        understand understood|wake woke woken|wear wore worn|win won|write wrote written
        child children kid kids|man men|woman women|person people|foot feet|tooth teeth|mouse mice|wife wives
        life lives|knife knives|leaf leaves|half halves|mom mum mommy mummy mother|dad daddy father
        good better best|bad worse worst
        1 one|2 two|3 three|4 four|5 five|6 six|7 seven|8 eight|9 nine|10 ten|11 eleven|12 twelve|15 fifteen
        20 twenty|30 thirty|40 forty|50 fifty|mg milligram milligrams|kg kilo kilos kilogram kilograms
    """.replace("\n", "|").split("|")
    if line.strip()
    for form in line.split()[1:]
}


def _ranges(characters: list[int]) -> str:
    """The code points as the inside of a regular expression's character class."""
    ends = [(first, last) for first, last in zip(characters, characters[1:] + [0], strict=True) if last != first + 1]
    starts = [characters[0]] + [after for _, after in ends[:-1]]
    return "".join(f"{chr(first)}-{chr(last)}" for first, (last, _) in zip(starts, ends, strict=True))


# Vowel signs are part of a word in many scripts, and `\w` leaves them out.
_MARKS = _ranges([code for code in range(0x370, 0x10000) if unicodedata.category(chr(code)) in ("Mn", "Mc")])
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_MARKS}])*")
# Thai, Lao, Myanmar, Khmer, kana, Han and Hangul: no spaces between words, or endings that no stemmer here knows.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_POSSESSIVE = re.compile(r"['’]s\b")
_PARTS = re.compile(r"\d+|\D+")


def terms(text: str) -> list[str]:
    """The words that carry meaning, folded and stemmed, in their order; all words where nothing else is left."""
    return terms_of(words(text))


def terms_of(spoken: list[str]) -> list[str]:
    """The same for words that `words` found."""
    return [term for word in spoken if word not in _STOP_WORDS for term in _terms(word)] or [
        term for word in spoken for term in _terms(word)
    ]


def words(text: str) -> list[str]:
    """All words, folded, in their order."""
    return _WORD.findall(_POSSESSIVE.sub("", folded(text)))


def is_empty(text: str) -> bool:
    """Whether the text is made of words that say nothing of what it is about."""
    return all(word in _STOP_WORDS for word in words(text))


def folded(text: str) -> str:
    """The text without case, accents and presentation forms."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold())))


@lru_cache(maxsize=1 << 16)
def _terms(word: str) -> tuple[str, ...]:
    if not word.isascii() and _UNSPACED.search(word):
        return _pairs(word)
    parts = _PARTS.findall(word)
    # "20mg" is also "20" and "mg".
    return (word, *(_term(part) for part in parts)) if len(parts) > 1 else (_term(word),)


def _pairs(word: str) -> tuple[str, ...]:
    """Each two neighbouring characters where words are not spaced; what is between such runs as it is."""
    found: list[str] = []
    end = 0
    for run in _UNSPACED.finditer(word):
        text = run.group()
        found += [word[end : run.start()], *(text[at : at + 2] for at in range(max(len(text) - 1, 1)))]
        end = run.end()
    return tuple(term for term in (*found, word[end:]) if term)


def _term(word: str) -> str:
    return sys.intern(_stem(_IRREGULAR.get(word, word)))


def _stem(word: str) -> str:
    """English endings off, in the manner of Porter; it only has to treat the forms of one word alike."""
    if len(word) < 4 or not word.isascii():
        return word
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]
    for ending in "ing", "ed":
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2 and _VOWEL.search(stem) and not word.endswith("eed"):
            word = stem[:-1] if stem[-1] == stem[-2] and stem[-1] not in "aeiolsz" else stem
            word = word[:-1] + "y" if ending == "ed" and word.endswith("i") else word
            break
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) > 3:
            word = word.removesuffix(ending) + instead
            break
    word = word[:-1] if word.endswith("e") and len(word) > 3 else word
    return word[:-1] + "i" if word.endswith("y") and len(word) > 2 and word[-2] not in "aeiou" else word


_VOWEL = re.compile("[aeiouy]")
_ENDINGS = (
    ("ization", "iz"),
    ("ational", "at"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("iveness", "iv"),
    ("ation", "at"),
    ("ement", ""),
    ("ment", ""),
    ("ness", ""),
    ("ally", "al"),
    ("ing", ""),
    ("ion", ""),
    ("ful", ""),
    ("ly", ""),
)
