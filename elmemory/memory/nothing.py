"""Recognises texts that say nothing: redaction marks, and phrases for "not provided".

If extractors find no value, they say so in the language of the call: "The caller did not mention it". The rule for such
phrases: all words are typical of them, and there is a negation with a verb of giving, saying or knowing ("not
provided"), or a word that alone says nothing ("unknown"). Any other word makes the text a value: "None of the family
smokes", "does not eat gluten". `nothing_words` lists the words of each language.
"""

import re
from collections.abc import Sequence, Set
from itertools import chain
from typing import NamedTuple

from elmemory.memory.caches import kept_briefly
from elmemory.memory.language_codes import language_code
from elmemory.memory.languages import Language, fold, languages, languages_of, scripts, tokens_of

_LONGEST_PHRASE = 240
_LONGEST_CODE = 3
_LONGEST_ABBREVIATION = len("k. A.")
_MASK = re.compile(
    r"\[[^\[\]]{1,40}\]|<[^<>]{1,40}>|\{\{[^{}]{0,40}\}\}|\{[^{}:\"']{0,40}\}|%[A-Z_]+%|\$\{[^{}]{0,40}\}"
)
_PLACEHOLDER = re.compile(r"[A-Z0-9_ #:-]+")
_PLACEHOLDER_WORDS = frozenset(
    "redacted removed hidden masked name names given family first last middle surname email address phone number "
    "person pii date of birth dob location city none null unknown n a na not available provided inaudible unclear "
    "unintelligible blank empty silence user caller customer your placeholder value insert here full anonymized "
    "credit card ssn social security account private confidential censored deleted omitted".split()
)
_ONLY_MARKS = re.compile(r"[\s*#•·●█▇■▒░_.\-?…–—/\\|,;:!'\"()\[\]<>{}@+~=]*")
_CROSSES = re.compile(r"[xX×*#•●█_\s.\-()+/]{3,}")
_SEGMENT_END = re.compile(r"[.!?](?=\s|$)|[。！？;；:：,，、،؛()\[\]（）【】\n|–—]|\s-+\s|\.\.+")
_UNSPACED_MARKS = re.compile(r"[\s!-/:-@\[-`{-~…–—«»“”‘’。、，！？：；・·（）【】「」]+")
_UNSPACED_SCRIPT = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_OPEN_TAIL = re.compile(
    r"(?:the )?(?:caller|customer|user|client|patient|guest|speaker|person|they|he|she)s? (?:did not|didn't|has "
    r"not|hasn't|"
    r"never|does not|doesn't) (?:ever |explicitly |specifically |directly )?(?:mention|specify|state|disclose|"
    r"indicate)"
    r"(?:ed|d|s)?\b(?!.*\b(?:but|however|although|except|until|because)\b)"
    r"|(?:there (?:is|was) )?no (?:mention|information|indication|details?|data)\b(?:\s\w+)? (?:of|about|"
    r"regarding|on|as to)\b"
    r"(?!.*\b(?:but|however|although|except)\b)"
)
# A short phrase with a remark: "N/A (the call was too short)". A remark with "but" may contain a value.
_WITH_REMARK = re.compile(r"(.{2,40}?)(?:\s*[(\[（【;；.。]|\s+[-–—]+\s|\s*[–—])\s*(?=[^\W\d_])(.+)", re.DOTALL)
_NOT_APPLICABLE = frozenset(("n/a", "not applicable", "n.a", "na"))
_BUT = re.compile(r"\b(?:but|however|although|except|until|pero|mais|mas|ma|aber|maar|men|ale|но|але|ama|tetapi)\b")
# The beginnings of "mention" in spaced languages.
_MENTION = tuple(
    "mention mencion menzion erwahn genannt nannte nennt vermeld genoemd noemde wspomn упом згад zmin namn nevn naevn "
    "maini emlit spomen спомен αναφ belirt bahset يذكر تذكر ذكر menyebut disebut उल्लेख".split()
)
# A title before a name in small letters: "mr john smith".
_TITLES = frozenset(
    "mr mrs ms miss mx sir madam herr frau fraulein senor senora senorita sr sra srta monsieur madame mademoiselle mme "
    "mlle senhor senhora signore signora signorina meneer mevrouw mijnheer dhr mevr pani fru hr froken herra rouva "
    "domnul doamna bapak ibu encik first last given lady".split()
)
_STAFF = frozenset(("agent", "assistant"))
_NEGATION_MAY_FOLLOW = frozenset(("de", "nl", "sv", "da", "no", "fi", "hu", "tr", "hi", "el"))
# Truth values in place of a name. No and True are also names.
_TRUTH = frozenset(("yes", "Yes", "YES", "no", "NO", "true", "TRUE", "false", "False", "FALSE"))
_BARE = frozenset(("none", "null", "nil", "nan", "n/a", "n.a", "na", "unknown", "undefined", "unspecified"))
# In these fields "did not answer" and "not given" are values.
_OUTCOME_FIELDS = frozenset(
    "outcome status result disposition consent permission agreement approval resultado ergebnis statut estado "
    "einwilligung zustimmung consentimiento consentimento consentement consenso stato esito".split()
)


@kept_briefly(maxsize=4096)
def says_nothing(text: str, field: str = "") -> bool:
    """Whether the value of a field is a redaction mark or a phrase for "nothing", in any language.

    `field` is the field's name. Its words may be in the phrase ("no budget was mentioned"), unless they make it a value
    (`documents_provided`: "not provided").
    """
    text = text.strip()
    if is_mask(text):
        return True
    # "nb", Norwegian, is also short for "niet bekend".
    if "language" in field and len(text) <= _LONGEST_CODE and language_code(text):
        return False
    if len(text) > _LONGEST_PHRASE:
        return False
    folded = fold(text)
    own = _own_words(field)
    if own & _OUTCOME_FIELDS:
        return folded.strip(" .!") in _BARE
    if _OPEN_TAIL.match(folded):
        return True
    if (noted := _WITH_REMARK.fullmatch(folded)) and not _BUT.search(noted[2]) and _is_short_denial(noted[1]):
        return True
    parts = _SEGMENT_END.split(folded) if len(folded) > _LONGEST_ABBREVIATION else [folded]
    segments = [tokens for part in parts if (tokens := tokens_of(part))]
    if any(_says_nothing_in(language, segments, own) for language in languages_of(chain.from_iterable(segments))):
        return True
    return bool(_UNSPACED_SCRIPT.search(folded)) and _unspaced(folded, field, names=False)


@kept_briefly(maxsize=4096)
def is_no_name(text: str) -> bool:
    """Whether the text of a name field is no name: "caller", "the user", "anonymous", "Speaker 2", "did not say".

    Stricter than `says_nothing`: a name has no negation with a verb of saying.
    """
    if text.strip(" .!") in _TRUTH or says_nothing(text, "name"):
        return True
    folded = fold(text)
    tokens = [token for token in tokens_of(folded) if not token.isdecimal()]
    if not tokens:
        return True
    words = text.split()
    if _describes_a_person(words):
        return True
    if len(words) > 1 and words[1].islower() and any(tokens[0] in known.no for known in languages()):
        return True  # "no thanks", but not the names "No Min-ji" and "Ni Luh"
    for language in languages_of(tokens, names=True):
        covered = {*language.name.found_in(tokens), *language.alone.found_in(tokens), *language.none.found_in(tokens)}
        if covered and covered | set(language.fill.found_in(tokens)) == set(range(len(tokens))):
            return True
        if len(tokens) > 1 and _denies(language, tokens, set()):
            return True
        if len(tokens) > 1 and _refuses(language, tokens, "name"):
            return True
        # "Caller hung up before the agent could ask"
        role = 1 if tokens[0] in language.fill else 0
        person = len(tokens) > 2 and tokens[role] in language.name and tokens[role] not in _TITLES
        if person and words[-1].islower():
            return True
    if _UNSPACED_SCRIPT.search(folded):
        return _unspaced(folded, "", names=True)
    return False


def is_mask(text: str) -> bool:
    """Whether the text consists of redaction marks only: `[NAME]`, `<REDACTED>`, `{{name}}`, `***`."""
    if _ONLY_MARKS.fullmatch(text):
        return True
    if _CROSSES.fullmatch(text) and sum(char in "xX×" for char in text) != 2:
        return True
    masks = _MASK.findall(text)
    return bool(masks) and all(map(_is_placeholder, masks)) and bool(_ONLY_MARKS.fullmatch(_MASK.sub("", text)))


class Sense(NamedTuple):
    """Whether a sentence denies, and whether it reports, in the language of most of its words."""

    denies: bool
    reports: bool


def sense_of(sentence: str, *, besides: str) -> Sense:
    """Return whether a sentence denies or refuses something, and whether it reports that something was said.

    The words of `besides` do not count: they are the possible name.
    """
    left_out = set(tokens_of(fold(besides)))
    tokens = [token for token in tokens_of(fold(sentence)) if token not in left_out]
    language = max(languages(), key=lambda known: len(set(chain(*(kind.found_in(tokens) for kind in known[1:])))))
    unspaced = any(script.nothing.search(fold(sentence)) for script in scripts().values())
    denies = any(True for kind in (language.no, language.mute, language.alone) for _ in kind.found_in(tokens))
    return Sense(denies or unspaced, any(token in language.give for token in tokens))


def is_of_phrases(word: str) -> bool:
    """Whether the word occurs in phrases for "nothing", in any language."""
    token = fold(word)
    return any(token in kind for language in languages() for kind in language[1:])


def is_role(word: str) -> bool:
    """Whether the word means a person ("guest"), and not "nothing" ("unknown") in any language."""
    token = fold(word)
    return any(token in known.name for known in languages()) and not any(
        token in known.alone or token in known.none for known in languages()
    )


def _describes_a_person(words: Sequence[str]) -> bool:
    """Whether the text describes a person by a role in small letters: "Existing client", "Maya's mother"."""
    if not words[0][:1].isupper() or len(words) > 3 or fold(words[0]) in _TITLES:
        return False
    role = fold(words[-1])
    return words[-1].islower() and any(role in known.name for known in languages()) and len(words) > 1


def _says_nothing_in(language: Language, segments: Sequence[Sequence[str]], own: frozenset[str]) -> bool:
    """Whether all segments consist of the language's words for "nothing", and one of them denies or refuses."""
    said = False
    for tokens in segments:
        if not _STAFF.isdisjoint(tokens) and not any(token.startswith("ask") for token in tokens):
            return False  # "The agent did not answer" is a complaint, so a value
        every = set(range(len(tokens)))
        words = {*language.no.found_in(tokens), *language.give.found_in(tokens), *language.mute.found_in(tokens)}
        words |= {*language.fill.found_in(tokens), *language.name.found_in(tokens)}
        alone, none = set(language.alone.found_in(tokens)), set(language.none.found_in(tokens))
        of_field = {position for position, token in enumerate(tokens) if any(_akin(token, word) for word in own)}
        other = every - words - alone - none - of_field
        if len(other) == 1 and _mentions_not(language, tokens):
            return True
        if other:
            return False
        said = said or (
            bool(alone - of_field)
            or (
                bool(none)
                and every <= none | {*language.fill.found_in(tokens), *language.give.found_in(tokens)} - of_field
            )
            or _denies(language, tokens, of_field)
            or _refuses(language, tokens)
        )
    return said


def _denies(language: Language, tokens: Sequence[str], of_field: Set[int]) -> bool:
    """Whether a verb of giving, saying or knowing is negated: "not provided", "no name was given"."""
    no = set(language.no.found_in(tokens))
    give = set(language.give.found_in(tokens)) - no - set(of_field)
    if not no or not give:
        return False
    return language.code in _NEGATION_MAY_FOLLOW or min(no) < max(give)


def _is_short_denial(phrase: str) -> bool:
    """Whether a phrase of one or two words denies that something was given: "not provided", "no proporcionado"."""
    tokens = tokens_of(phrase)
    if len(tokens) > 2:
        return False
    return phrase in _NOT_APPLICABLE or any(_denies(language, tokens, set()) for language in languages_of(tokens))


def _mentions_not(language: Language, tokens: Sequence[str]) -> bool:
    """Whether the phrase says that a person did not mention something. One other word may name that."""
    mentioned = any(token.startswith(_MENTION) for token in tokens)
    return mentioned and any(True for _ in language.name.found_in(tokens)) and _denies(language, tokens, set())


def _refuses(language: Language, tokens: Sequence[str], *other_kinds: str) -> bool:
    """Whether a verb of refusing occurs with one of saying, or with a word of `other_kinds`."""
    mute = set(language.mute.found_in(tokens))
    refused = chain(*(getattr(language, kind).found_in(tokens) for kind in ("give", *other_kinds)))
    return bool(mute) and not mute.issuperset(refused)


def _unspaced(folded: str, field: str, *, names: bool) -> bool:
    """Whether unspaced text says nothing: nothing is left without the words of such phrases."""
    compact = _UNSPACED_MARKS.sub("", folded)
    for script in scripts().values():
        rest, found = script.nothing.subn("\0", compact)
        if found and rest.strip("\0"):
            for word in tokens_of(fold(field.replace("_", " "))):
                # "No allergies" is a value of the field `allergies`, "allergies not mentioned" is not.
                rest = rest.replace(word, "") if len(compact) - len(rest) >= 3 else rest
        rest, people = script.name.subn("", rest)
        if not names and not found:
            continue
        if (found or people) and not script.fill.sub("", rest).strip("\0"):
            return True
        if names and found and len(compact) > 6:
            return True
    return False


def _is_placeholder(mask: str) -> bool:
    inside = mask.strip("[]<>{}%$ ")
    if mask.startswith(("{", "$", "%")):
        return True
    if mask.startswith("</") or not inside:
        return True
    return bool(_PLACEHOLDER.fullmatch(inside)) or _PLACEHOLDER_WORDS.issuperset(
        re.findall(r"[^\W\d_]+", inside.casefold())
    )


def _own_words(field: str) -> frozenset[str]:
    return frozenset(tokens_of(fold(field.replace("_", " "))))


def _akin(token: str, word: str) -> bool:
    """Whether two words have the same stem, roughly: "diet" and "dietary", "allergies" and "allergy"."""
    if token == word:
        return True
    return len(token) > 3 and len(word) > 3 and token[: (n := max(4, min(len(token), len(word)) - 3))] == word[:n]
