"""The sentences and dates of a card in one language.

Sentences come from the catalogs in `elmemory/locale/`, names of months from Django's. A language without a catalog uses
those of LANGUAGE, else English.
"""

from collections.abc import Callable
from datetime import date
from functools import cache, lru_cache
from gettext import GNUTranslations
from pathlib import Path

from django.conf import settings
from django.utils.dateformat import format as format_date
from django.utils.translation import override

from elmemory.memory.language_codes import language_code, variants
from elmemory.memory.text import as_sentence

_CATALOGS = Path(__file__).resolve().parent.parent / "locale"
ENGLISH = "en"
# Django capitalises names of months in these languages, which do not.
_LOWER_CASE_MONTHS = frozenset(("it", "pt"))
# November in Django's Hindi catalog, and its usual spelling.
_MISSPELT = "नवमबर", "नवंबर"
# These languages write no blank between sentences.
_UNSPACED = frozenset(("ja", "zh"))


class Phrases:
    """The phrases of one language with a catalog."""

    def __init__(self, language: str) -> None:
        with (_CATALOGS / language / "LC_MESSAGES" / "card.mo").open("rb") as file:
            catalog = GNUTranslations(file)
        self._language = language
        # Not named like gettext's functions, whose texts makemessages adds to the admin's catalogs. Cached, because
        # a ring with SPOKEN_FACTS composes its profile.
        self.text: Callable[[str], str] = lru_cache(maxsize=256)(catalog.gettext)
        self.counted: Callable[[str, str, int], str] = lru_cache(maxsize=1024)(catalog.ngettext)
        self._in_context: Callable[[str, str], str] = lru_cache(maxsize=1024)(catalog.pgettext)
        self._full_stop = self._in_context("end of a sentence", ".")
        self._blank = "" if language in _UNSPACED else " "
        self._lower: Callable[[str], str] = str.lower if language in _LOWER_CASE_MONTHS else str

    def day(self, day: date) -> str:
        """Return the day in the words of a sentence, such as "7 October 2026"."""
        if self._language == ENGLISH:
            return f"{day.day} {day:%B %Y}"  # without Django's catalogs
        pattern = self._in_context("date, first of a month" if day.day == 1 else "date", "j F Y")
        with override(self._language):
            return self._lower(format_date(day, pattern)).replace(*_MISSPELT)

    def sentence(self, text: str) -> str:
        """Return the text with a full stop, unless it ends with punctuation."""
        return as_sentence(text, self._full_stop)

    def joined(self, *sentences: str) -> str:
        return self._blank.join(filter(None, sentences))

    def label(self, name: str) -> str:
        """Return the label of a fact, translated if the catalog has it."""
        return self._in_context("fact", name)

    def before_summary(self, day: str) -> str:
        """Return the text before the summary of a call on this day."""
        return self.text("On {day}: {summary}").format(day=day, summary="")


def phrases_for(language: str) -> Phrases:
    """Return the phrases for a language code; those of LANGUAGE if the language is unknown or has no catalog."""
    return _phrases_for(language, settings.LANGUAGE)


@lru_cache(maxsize=256)
def _phrases_for(language: str, default: str) -> Phrases:
    return _phrases(_catalog_of(language) or _catalog_of(language_code(default)) or ENGLISH)


@cache
def _phrases(language: str) -> Phrases:
    return Phrases(language)


@cache
def languages() -> frozenset[str]:
    """Return the codes of the languages with a catalog."""
    return frozenset(path.parent.parent.name for path in _CATALOGS.glob("*/LC_MESSAGES/card.mo"))


def _catalog_of(language: str) -> str:
    return next((code for code in variants(language) if code in languages()), "")
