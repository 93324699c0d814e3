"""Turns texts in languages other than English into terms, by their stop words, stems and scripts."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from functools import cache
from itertools import chain, pairwise

from elmemory.memory.caches import on_clearing
from elmemory.memory.ranking.words import STOP_WORDS, folded, is_unspaced, pairs, split, terms

ENGLISH = "en"
_UNKNOWN = "xx"

# Snowball's algorithm for each language; others are not stemmed.
_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "es": "spanish",
    "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali",
    "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
# The languages of ElevenLabs' agents that have a list of stop words.
_LANGUAGES = frozenset(
    "ar bg ca cs da de el en es et fa fi fr he hi hr hu hy id it ja ko lt lv ms nl no pl pt ro ru sk sl sv th tl tr uk"
    " ur vi zh".split()
)
_SCRIPTS = {
    "ja": re.compile("[\u3040-\u30ff]"),
    "ko": re.compile("[\uac00-\ud7af]"),
    "th": re.compile("[\u0e00-\u0e7f]"),
}
# Thai, Lao, Myanmar, Khmer: pairs of letters are too short to be distinctive.
_UNSPACED_LETTERS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_OTHER_CODES = {"fil": "tl", "nb": "no", "nn": "no", "iw": "he", "in": "id"}
# Interchangeable letters, besides those with accents.
_SAME_LETTERS = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ى": "ي", "ة": "ه"})
_MOST_KNOWN_WORDS = 1 << 15
_LEAST_VOTES = 1.5
# English texts have at least a quarter of English stop words, others at most a twelfth.
_ENGLISH_SHARE = 0.15


def language_stated(code: object) -> str:
    """Return the language of a code such as "pt-br" or "fil": `_UNKNOWN` for an unknown code, empty for none."""
    language = str(code or "").replace("_", "-").split("-")[0].lower()
    language = _OTHER_CODES.get(language, language)
    return language if language in _LANGUAGES or language in _STEMMERS else _UNKNOWN if language else ""


def terms_in(language: str, text: str) -> list[str]:
    """Return the terms of a text in this language: words that carry meaning, folded and stemmed."""
    if language == ENGLISH:
        return terms(text)
    spoken = spoken_words(text)
    found = _telling_terms(language, spoken) or [term for word in spoken for term in _terms(language, word)]
    if language == "vi":  # Vietnamese writes syllables apart, and many words have two
        found += [f"{first} {second}" for first, second in pairwise(map(folded, spoken))]
    return found


def telling_terms_in(language: str, text: str) -> list[str]:
    """Return the terms of words that carry meaning, in a language other than English; none if no word does."""
    return _telling_terms(language, spoken_words(text))


def _telling_terms(language: str, spoken: Iterable[str]) -> list[str]:
    return list(chain.from_iterable(map(_telling(language).__getitem__, spoken)))


def spoken_words(text: str) -> list[str]:
    """Return the words of a text in lower case, with accents, which stemmers need."""
    return split(text.lower() if text.isascii() else unicodedata.normalize("NFC", text.casefold()))


def language_of(
    spoken: Collection[str], among: Collection[str] = _LANGUAGES, otherwise: str = ENGLISH, least: float = _LEAST_VOTES
) -> str:
    """Return the language of `among` with the most stop words among these different words; else `otherwise`.

    Each word has one vote, divided among its languages. The language needs `least` votes.
    """
    known = _languages_of_stop_words()
    votes = dict[str, float]()
    for word in spoken:
        languages = (_language_of_script(word),) if is_unspaced(word) else known.get(word, ())
        for language in languages:
            if language in among:
                votes[language] = votes.get(language, 0.0) + 1 / len(languages)
    best = max(votes, key=lambda language: (votes[language], language == otherwise, language), default=otherwise)
    return best if votes.get(best, 0.0) >= least else otherwise


def is_english(spoken: Collection[str]) -> bool:
    """Whether enough of these different words are English stop words to rule out other languages."""
    return bool(spoken) and len(STOP_WORDS.intersection(spoken)) >= _ENGLISH_SHARE * len(spoken)


def _language_of_script(word: str) -> str:
    """Return the language of a word in an unspaced script."""
    return next((language for language, script in _SCRIPTS.items() if script.search(word)), "zh")


class _Telling(dict[str, tuple[str, ...]]):
    """Maps a word to its terms in a language; a stop word has none."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language = language
        self._stop_words = frozenset(map(_plain, _stop_words(language)))

        on_clearing(self.clear)

    def __missing__(self, word: str) -> tuple[str, ...]:
        if len(self) >= _MOST_KNOWN_WORDS:
            self.clear()
        if _plain(word) in self._stop_words:
            found: tuple[str, ...] = ()
        else:
            found = tuple(term for term in _terms(self._language, word) if term not in self._stop_words)
        self[word] = found
        return found


@cache
def _telling(language: str) -> _Telling:
    return _Telling(language)


def _terms(language: str, word: str) -> tuple[str, ...]:
    if _UNSPACED_LETTERS.search(word):
        plain = folded(word)
        return tuple(plain[at : at + 3] for at in range(max(len(plain) - 2, 1)))
    if is_unspaced(word):
        return tuple(pairs(folded(word)))
    return (_plain(_stemmer(language)(word)),)


def _plain(word: str) -> str:
    return folded(word).translate(_SAME_LETTERS)


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    import Stemmer  # type: ignore[import-not-found]

    if language not in _STEMMERS:
        return str
    stem: Callable[[str], str] = Stemmer.Stemmer(_STEMMERS[language], 0).stemWord
    return stem


@cache
def _languages_of_stop_words() -> dict[str, tuple[str, ...]]:
    import stopwordsiso

    found = defaultdict[str, list[str]](list)
    for language in sorted(_LANGUAGES):
        # The package's list for English contains country codes.
        for word in STOP_WORDS if language == ENGLISH else stopwordsiso.stopwords(language):
            found[word].append(language)
    return {word: tuple(languages) for word, languages in found.items()}


def _stop_words(language: str) -> Collection[str]:
    import stopwordsiso

    return stopwordsiso.stopwords(language)
