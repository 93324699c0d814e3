"""Every catalog is complete, compiled, and says what a native would."""

import ast
import re
from datetime import date
from gettext import GNUTranslations
from pathlib import Path
from string import Formatter

import pytest
from pytest_django.fixtures import Settings

from elmemory.memory.briefing import calls
from elmemory.memory.phrases import languages, phrases_for
from tests.harness.server import ROOT

LOCALE = ROOT / "elmemory" / "locale"
CODES = sorted(path.name for path in LOCALE.iterdir())
DAY, FIRST = date(2026, 11, 22), date(2026, 3, 1)

each_language = pytest.mark.parametrize("code", CODES)


def written(code: str) -> dict[tuple[str, str], list[str]]:
    """The translations in a .po file, by context and message."""
    text = (LOCALE / code / "LC_MESSAGES" / "card.po").read_text(encoding="utf-8")
    entries: dict[tuple[str, str], list[str]] = {}
    for block in text.split("\n\n")[1:]:
        said = [line.split(" ", 1) for line in block.splitlines() if not line.startswith("#")]
        values = {name: str(ast.literal_eval(value)) for name, value in said}
        forms = [value for name, value in values.items() if name.startswith("msgstr")]
        entries[values.get("msgctxt", ""), values["msgid"]] = forms
    return entries


def compiled(path: Path) -> dict[tuple[str, str], list[str]]:
    with path.open("rb") as file:
        catalog: dict[str | tuple[str, int], str] = GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    entries: dict[tuple[str, str], list[str]] = {}
    for key, value in catalog.items():
        name = key if isinstance(key, str) else key[0]
        if name:
            context, _, message = name.rpartition("\x04")
            entries.setdefault((context, message), []).append(value)
    return entries


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_there_is_a_catalog_for_every_language_of_our_prompts_and_of_the_recall_set() -> None:
    assert set("en de es fr it pt nl pl ja zh hi ar ko ru tr".split()) == set(CODES) == set(languages())


@each_language
def test_the_compiled_catalog_is_that_of_the_written_one(code: str) -> None:
    assert compiled(LOCALE / code / "LC_MESSAGES" / "card.mo") == written(code)


@each_language
def test_a_catalog_translates_every_phrase_with_its_placeholders(code: str) -> None:
    english, other = written("en"), written(code)
    assert english.keys() == other.keys()
    for (context, message), forms in other.items():
        assert all(forms), message
        if context != "date" and not context.startswith("date,"):
            allowed = placeholders(message) | ({"count"} if "once" in message else set())
            assert all(placeholders(form) <= allowed for form in forms), message
            assert all("{day}" in form or "لم" in form for form in forms) or "{day}" not in message


@pytest.mark.parametrize(
    ("code", "day", "first"),
    [
        ("en", "22 November 2026", "1 March 2026"),
        ("de", "22. November 2026", "1. März 2026"),
        ("es", "22 de noviembre de 2026", "1 de marzo de 2026"),
        ("fr", "22 novembre 2026", "1er mars 2026"),
        ("it", "22 novembre 2026", "1º marzo 2026"),
        ("pt", "22 de novembro de 2026", "1º de março de 2026"),
        ("nl", "22 november 2026", "1 maart 2026"),
        ("pl", "22 listopada 2026", "1 marca 2026"),
        ("ru", "22 ноября 2026 года", "1 марта 2026 года"),
        ("ar", "22 نوفمبر 2026", "1 مارس 2026"),
        ("hi", "22 नवंबर 2026", "1 मार्च 2026"),
        ("tr", "22 Kasım 2026", "1 Mart 2026"),
        ("ja", "2026年11月22日", "2026年3月1日"),
        ("zh", "2026年11月22日", "2026年3月1日"),
        ("ko", "2026년 11월 22일", "2026년 3월 1일"),
    ],
)
def test_a_day_is_written_as_people_say_it(code: str, day: str, first: str) -> None:
    assert (phrases_for(code).day(DAY), phrases_for(code).day(FIRST)) == (day, first)


@pytest.mark.parametrize(
    ("code", "counts", "words"),
    [
        ("pl", (1, 2, 5, 12, 22), ("połączenie", "połączenia", "połączeń", "połączeń", "połączenia")),
        ("ru", (1, 2, 5, 11, 21), ("звонок", "звонка", "звонков", "звонков", "звонок")),
        ("ar", (1, 2, 3, 11, 100), ("مكالمة واحدة", "مكالمتان", "3 مكالمات", "11 مكالمة", "100 مكالمة")),
    ],
)
def test_a_count_has_the_plural_form_of_its_language(
    code: str, counts: tuple[int, ...], words: tuple[str, ...]
) -> None:
    said = [calls(count, "D", 0, "", phrases_for(code)) for count in counts]
    assert all(re.search(rf"{word}\b", text) for word, text in zip(words, said, strict=True)), said


@pytest.mark.parametrize("code", ["ja", "zh"])
def test_japanese_and_chinese_have_no_western_punctuation(code: str) -> None:
    texts = [form for forms in written(code).values() for form in forms]
    texts += [calls(*counts, phrases_for(code)) for counts in ((3, "D", 0, ""), (0, "", 1, "D"), (3, "D", 2, "D"))]
    assert [text for text in texts if re.search(r"[.,:;()] ?", text)] == []
    assert phrases_for(code).joined("一。", "二。") == "一。二。"
    assert phrases_for(code).sentence("一") == "一。"


def test_arabic_has_its_own_commas() -> None:
    texts = [form for forms in written("ar").values() for form in forms]
    assert [text for text in texts if re.search("[,;]", text)] == []


def test_a_variant_has_the_phrases_of_its_language() -> None:
    assert phrases_for("pt-br") is phrases_for("pt")


def test_a_language_without_a_catalog_has_the_phrases_of_the_setting(settings: Settings) -> None:
    assert phrases_for("sw") is phrases_for("en")
    settings.LANGUAGE = "de"
    assert phrases_for("sw") is phrases_for("de")
    assert phrases_for("") is phrases_for("de")
