"""The catalogs hold every text of the admin in every language, and the compiled ones are what was translated."""

import gettext
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.base import DebugLexer, TokenType

from tests.harness.catalogs import LANGUAGES, LOCALE, Entry, catalog, marked, read_texts, templates
from tests.harness.server import ROOT

_PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w*\}|</?\w+[^>]*>")
# Names, and signs of keys: they are alike in every language.
_UNTRANSLATED = {"elmemory", "OpenMemory", "JSON", "J", "K", "s", "min", "colM"}


def test_there_is_a_catalog_for_each_language_of_the_settings() -> None:
    assert {code for code, _ in settings.LANGUAGES} == {"en", *LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_catalog_has_the_texts_of_the_sources_and_no_others(language: str) -> None:
    translated, used = {entry.text for entry in catalog(language)}, marked()
    assert sorted(used - translated) == []
    assert sorted(translated - used) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    left = [entry.text for entry in catalog(language) if entry.is_fuzzy or not all(entry.translations)]
    assert left == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_placeholders_and_tags_of_its_text(language: str) -> None:
    def wrong(entry: Entry) -> list[str]:
        wanted = {frozenset(_PLACEHOLDER.findall(text)) for text in (entry.text.singular, entry.text.plural) if text}
        return [one for one in entry.translations if frozenset(_PLACEHOLDER.findall(one)) not in wanted]

    assert [one for entry in catalog(language) for one in wrong(entry)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalog_is_the_translated_one(language: str) -> None:
    with (LOCALE / language / "LC_MESSAGES/django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for text, translations, _ in catalog(language):
        for number, translation in {1: translations[0], 5: translations[-1]}.items():
            if text.plural:
                assert compiled.ngettext(text.singular, text.plural, number) == translation
            elif text.context:
                assert compiled.pgettext(text.context, text.singular) == translation
            else:
                assert compiled.gettext(text.singular) == translation


@pytest.mark.parametrize("path", templates(), ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_has_no_visible_text_outside_of_a_translation(path: Path) -> None:
    assert visible_text(path.read_text(encoding="utf-8")) - _UNTRANSLATED == set()


def visible_text(template: str) -> set[str]:
    """The words that the template writes by itself, in texts and in attributes that are read."""
    pieces, in_translation = [], False
    for token in DebugLexer(template).tokenize():
        if token.token_type == TokenType.BLOCK:
            name = token.contents.split()[0]
            in_translation = name == "blocktranslate" or (in_translation and name != "endblocktranslate")
        if token.token_type == TokenType.TEXT and not in_translation:
            pieces.append(token.contents)
        else:
            pieces.append(" \0 ")
    return {
        words
        for text in read_texts("".join(pieces))
        for part in text.split("\0")
        if (words := part.strip(" \n·:;,.()←→|–…×"))
        if re.search("[A-Za-z]", words)
    }
