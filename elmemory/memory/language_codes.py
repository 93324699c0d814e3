"""Language codes, from the names that people, models and systems use."""

import re
from functools import cache, lru_cache

from django.conf.locale import LANG_INFO

_CODE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
# Script and region only: other text after a code may be a caller's words, and agents receive the code unchecked.
_REGION = re.compile(r"(?:[a-z]{4}(?=-|$))?-?(?:(?:[a-z]{2}|[0-9]{3})(?=-|$))?")
_SEPARATORS = re.compile(r"[\s,;:/.()\"'“”„«»（）、，。]+")
_MARKS = " .,;:!\"'`“”„«»"
_NOT = frozenset("not nicht pas niet".split())
_LONGEST = 60
# Three-letter codes of ISO 639-2, of which some languages have two, and a former one of two letters.
_OF_THREE_LETTERS = dict(
    pair.split(":")
    for pair in (
        "alb:sq sqi:sq ara:ar arm:hy hye:hy baq:eu eus:eu bel:be ben:bn bos:bs bul:bg cat:ca cze:cs ces:cs"
        " dan:da ger:de deu:de dut:nl nld:nl eng:en est:et fin:fi fre:fr fra:fr geo:ka kat:ka gle:ga glg:gl"
        " gre:el ell:el heb:he hin:hi hrv:hr hun:hu ice:is isl:is ind:id ita:it jpn:ja kaz:kk kor:ko lav:lv"
        " lit:lt mac:mk mkd:mk mal:ml mar:mr may:ms msa:ms nob:nb nor:no per:fa fas:fa pol:pl por:pt rum:ro"
        " ron:ro rus:ru slo:sk slk:sk slv:sl spa:es srp:sr swa:sw swe:sv tam:ta tel:te tgl:tl tha:th tur:tr"
        " ukr:uk urd:ur vie:vi wel:cy cym:cy chi:zh zho:zh cmn:zh yue:zh afr:af aze:az guj:gu kan:kn nep:ne"
        " pan:pa fil:fil iw:he"
    ).split()
)
# In addition to Django's names: in English and in the language itself.
_OTHER_NAMES = {
    name: code
    for code, names in {
        "ar": "العربية arabisch árabe arabe arabo арабский",
        "de": "alemán allemand tedesco alemão duits niemiecki немецкий almanca ドイツ語 德语",
        "el": "greek",
        "en": "englisch inglés anglais inglese inglês engels angielski английский ingilizce 英語 英语",
        "es": "castilian castellano spanisch espagnol spagnolo espanhol spaans hiszpański испанский スペイン語",
        "fa": "farsi",
        "fil": "filipino tagalog",
        "fr": "französisch francés francese francês frans francuski французский フランス語 法语",
        "he": "hebrew",
        "hi": "हिन्दी हिंदी",
        "it": "italienisch italien italiaans włoski итальянский イタリア語 意大利语",
        "ja": "japanisch japonés japonais giapponese japonês японский",
        "ms": "malay",
        "nb": "bokmål bokmal",
        "nl": "flemish vlaams niederländisch holländisch neerlandés holandés néerlandais olandese holandês",
        "nn": "nynorsk",
        "no": "norwegian norwegisch noruego norvégien norvegese norueguês noors norweski норвежский",
        "pl": "polnisch polaco polonais polacco польский",
        "pt": "portugiesisch portugués portugais portoghese portugees португальский",
        "pt-br": "brazilian brasileiro",
        "ru": "russisch ruso russe russo rosyjski",
        "tr": "türkisch turco turc turks турецкий",
        "ur": "urdu",
        "zh": "chinese mandarin cantonese chinesisch chino chinois cinese китайский 中文 汉语 漢語 普通话 國語 中国語",
    }.items()
    for name in names.split()
}
_OTHER_CODES = {"fil", "tl", "zh", "ms", "no", "he", "ur"}


def language_code(value: str) -> str:
    """Return the code for a code or name of a language: "de" for "German", "Deutsch" and "ger"; else empty.

    A code keeps only script and region: "pt-br" for "pt_BR". In a longer text the first name of a language counts.
    """
    text = value.strip().strip(_MARKS).casefold().replace("_", "-")
    parts = _SEPARATORS.split(text)
    if len(text) > _LONGEST or parts[0] in _NOT:
        return ""
    return _code_of(text) or next(filter(None, map(_names().get, parts)), "")


def _code_of(text: str) -> str:
    if _CODE.fullmatch(text):
        primary, _, region = text.partition("-")
        primary = _OF_THREE_LETTERS.get(primary, primary)
        if primary in _primary_codes():
            known = found.group().strip("-") if (found := _REGION.match(region)) else ""
            return f"{primary}-{known}" if known else primary
    return _names().get(text, "")


@cache
def _names() -> dict[str, str]:
    """Return language codes by the English and the native name."""
    infos = [(code, info) for code, info in LANG_INFO.items() if "name" in info]
    own = {info["name_local"].casefold(): code for code, info in infos}
    return _OTHER_NAMES | own | {info["name"].casefold(): code for code, info in infos}


@cache
def _primary_codes() -> frozenset[str]:
    return frozenset(code.partition("-")[0] for code in LANG_INFO) | _OTHER_CODES


@lru_cache(maxsize=256)
def variants(code: str) -> tuple[str, ...]:
    """Return the code and the more general ones, most specific first: "pt-br", "pt"; nothing for an empty code."""
    parts = code.split("-") if code else []
    found = tuple("-".join(parts[:count]) for count in range(len(parts), 0, -1))
    return (*found, "no") if parts and parts[0] in ("nb", "nn") else found
