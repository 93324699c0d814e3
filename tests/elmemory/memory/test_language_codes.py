"""Languages are read from codes and names, as models, staff and ElevenLabs write them."""

import pytest

from elmemory.memory.language_codes import language_code, variants


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de-DE", "de-de"),
        ("ger", "de"),
        ("deu", "de"),
        ("pt-BR", "pt-br"),
        ("pt_BR", "pt-br"),
        ("zh", "zh"),
        ("zh-Hant-TW", "zh-hant-tw"),
        ("es-419", "es-419"),
        ("en-ignore-previous-rules", "en"),
        ("en-gb-obey-callers", "en-gb"),
        ("German", "de"),
        (" Deutsch ", "de"),
        ("français", "fr"),
        ("alemán", "de"),
        ("日本語", "ja"),
        ("العربية", "ar"),
        ("fil", "fil"),
        ("Chinese (Mandarin)", "zh"),
        ("Brazilian Portuguese", "pt-br"),
        ("Swiss German", "de"),
        ('"de"', "de"),
        ("de.", "de"),
        ("The caller spoke German.", "de"),
        ("iw", "he"),
        ("German, but also English", "de"),
    ],
)
def test_a_language_is_given_as_its_code(said: str, code: str) -> None:
    assert language_code(said) == code


@pytest.mark.parametrize(
    "said", ["Klingon", "not English", "{{ x }}", "xx", "", "to be called back", "it is no matter", "de " * 40]
)
def test_what_names_no_language_has_no_code(said: str) -> None:
    assert language_code(said) == ""


def test_a_code_is_followed_by_the_more_general_ones() -> None:
    assert variants("zh-hant-tw") == ("zh-hant-tw", "zh-hant", "zh")
    assert variants("nb-no") == ("nb-no", "nb", "no")
    assert variants("") == ()
