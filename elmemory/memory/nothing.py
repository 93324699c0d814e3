"""Whether a text says anything at all: marks of redaction and phrases for "not provided" do not.

Extractors write what they did not find in words, in the language of the call: "The caller did not mention it". Such a
phrase is known by rule. Its words are all of those that such phrases are made of, and among them is a negation with
a verb of giving, saying or knowing ("not provided"), or a word that says nothing by itself ("unknown"). One word of
another kind makes it a value: "None of the family smokes", "does not eat gluten". The words of each language are in
`nothing_words`.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from elmemory.memory.nothing_words import SPACED, UNSPACED

_LONGEST_PHRASE = 240
_LONGEST_STEM = 16
_MASK = re.compile(
    r"\[[^\[\]]{1,40}\]|<[^<>]{1,40}>|\{\{[^{}]{0,40}\}\}|\{[^{}:\"']{0,40}\}|%[A-Z_]+%|\$\{[^{}]{0,40}\}"
)
_PLACEHOLDER = re.compile(r"[A-Z0-9_ #:-]+")
_PLACEHOLDER_WORDS = frozenset(
    "redacted removed hidden masked name names given family first last middle surname email address phone number "
    "person pii date of birth dob location city none null unknown n a na not available provided inaudible unclear "
    "unintelligible blank empty silence user caller customer your placeholder value insert here full anonymized "
    "credit card ssn account private confidential censored deleted omitted".split()
)
_ONLY_MARKS = re.compile(r"[\s*#•·●█▇■▒░_.\-?…–—/\\|,;:!'\"()\[\]<>{}@+~=]*")
_CROSSES = re.compile(r"[xX×*#•●█_\s.\-()+/]{3,}")
_SEGMENT_END = re.compile(r"[.!?](?=\s|$)|[。！？;；:：,，、،؛()\[\]（）【】\n|–—]|\s-+\s|\.\.+")
_TOKEN_END = re.compile(r"[\s!-/:-@\[-`{-~…–—«»“”„‘’。、，！？：；।॥؟،؛¿¡・·（）【】\u200b-\u200f]+")
_UNSPACED_MARKS = re.compile(r"[\s!-/:-@\[-`{-~…–—«»“”‘’。、，！？：；・·（）【】「」]+")
_UNSPACED_SCRIPT = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_MARKS_OF_ACCENTS = re.compile(r"[\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u0640]")
_SAME_LETTERS = str.maketrans(
    {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "ى": "ي", "ة": "ه", "’": "'", "ʼ": "'"}
)
_OPEN_TAIL = re.compile(
    r"(?:the )?(?:caller|customer|user|client|patient|guest|speaker|person|they|he|she)s? (?:did not|didn't|has not|hasn't|"
    r"never|does not|doesn't) (?:ever |explicitly |specifically |directly )?(?:mention|specify|state|disclose|indicate)"
    r"(?:ed|d|s)?\b(?!.*\b(?:but|however|although|except|until|because)\b)"
    r"|(?:there (?:is|was) )?no (?:mention|information|indication|details?|data)\b(?:\s\w+)? (?:of|about|regarding|on|as to)\b"
    r"(?!.*\b(?:but|however|although|except)\b)"
)
# The beginnings of "mention" in the languages with blanks.
_MENTION = tuple(
    "mention mencion menzion erwahn genannt nannte nennt vermeld genoemd noemde wspomn упом згад zmin namn nevn naevn "
    "maini emlit spomen спомен αναφ belirt bahset يذكر تذكر ذكر menyebut disebut उल्लेख".split()
)
_NEGATION_MAY_FOLLOW = frozenset(("de", "nl", "sv", "da", "no", "fi", "hu", "tr", "hi", "el"))
# In these fields "did not answer" and "not given" are what the field asks for.
_OUTCOME_FIELDS = frozenset(
    "outcome status result disposition consent permission agreement approval resultado ergebnis statut estado "
    "einwilligung zustimmung consentimiento consentimento consentement consenso stato esito".split()
)


class _Words:
    """Words of one kind: whole ones, beginnings (`provid*`), and phrases of several (`not_known`)."""

    def __init__(self, entries: Sequence[str]) -> None:
        self.entries = folded = [fold(entry) for entry in entries]
        self._whole = frozenset(entry for entry in folded if "_" not in entry and not entry.endswith("*"))
        self._starts = tuple(entry[:-1] for entry in folded if "_" not in entry and entry.endswith("*"))
        self.phrases = [entry.split("_") for entry in folded if "_" in entry]

    def __contains__(self, token: str) -> bool:
        return token in self._whole or (bool(self._starts) and token.startswith(self._starts))

    def found_in(self, tokens: Sequence[str]) -> Iterator[int]:
        """Positions of the tokens that are words or parts of phrases of this kind."""
        for position, token in enumerate(tokens):
            if token in self:
                yield position
        for phrase in self.phrases:
            for start in range(len(tokens) - len(phrase) + 1):
                if all(map(_is, phrase, tokens[start : start + len(phrase)])):
                    yield from range(start, start + len(phrase))


class _Language(NamedTuple):
    code: str
    no: _Words
    give: _Words
    mute: _Words
    alone: _Words
    none: _Words
    name: _Words
    fill: _Words


class _Script(NamedTuple):
    nothing: re.Pattern[str]
    name: re.Pattern[str]
    fill: re.Pattern[str]


@lru_cache(maxsize=4096)
def says_nothing(text: str, field: str = "") -> bool:
    """Whether the value of a field is a mark or a phrase for "nothing", in any of the languages.

    `field` is the field's name: its words may stand in the phrase ("no budget was mentioned"), and what the field
    itself asks for is no phrase (`documents_provided`: "not provided").
    """
    text = text.strip()
    if is_mask(text):
        return True
    if len(text) > _LONGEST_PHRASE:
        return False
    folded = fold(text)
    own = _own_words(field)
    if own & _OUTCOME_FIELDS:
        return folded.strip(" .!") in _BARE
    if _OPEN_TAIL.match(folded):
        return True
    segments = [tokens for part in _SEGMENT_END.split(folded) if (tokens := _tokens(part))]
    if any(_says_nothing_in(language, segments, own) for language in _languages_of(chain.from_iterable(segments))):
        return True
    return bool(_UNSPACED_SCRIPT.search(folded)) and _unspaced(folded, field, names=False)


@lru_cache(maxsize=4096)
def names_nobody(text: str) -> bool:
    """Whether what stands in a name's place is no name: "caller", "the user", "anonymous", "Speaker 2", "did not say".

    More is taken for a phrase than in other fields: a name holds no negation with a verb of saying.
    """
    if says_nothing(text, "name"):
        return True
    folded = fold(text)
    tokens = [token for token in _tokens(folded) if not token.isdecimal()]
    if not tokens:
        return True
    if len(words := text.split()) > 1 and words[1].islower() and any(tokens[0] in known.no for known in _languages()):
        return True  # "no thanks", but not the names "No Min-ji" and "Ni Luh"
    for language in _languages_of(tokens, names=True):
        covered = {*language.name.found_in(tokens), *language.alone.found_in(tokens), *language.none.found_in(tokens)}
        if covered and covered | set(language.fill.found_in(tokens)) == set(range(len(tokens))):
            return True
        if len(tokens) > 1 and _denies(language, tokens, set()):
            return True
        if len(tokens) > 1 and _refuses(language, tokens):
            return True
        # "Caller hung up before the agent could ask", which no other rule knows.
        role = 1 if tokens[0] in language.fill else 0
        if len(tokens) > role + 2 and tokens[role] in language.name and text.split()[-1:] == [text.split()[-1].lower()]:
            return language.code == "en"
    if _UNSPACED_SCRIPT.search(folded):
        return _unspaced(folded, "", names=True)
    return False


def is_mask(text: str) -> bool:
    """Whether the text is nothing but marks that stand for words taken out: `[NAME]`, `<REDACTED>`, `{{name}}`, `***`."""
    if _ONLY_MARKS.fullmatch(text):
        return True
    if _CROSSES.fullmatch(text) and sum(char in "xX×" for char in text) != 2:
        return True
    masks = _MASK.findall(text)
    return bool(masks) and all(map(_is_placeholder, masks)) and bool(_ONLY_MARKS.fullmatch(_MASK.sub("", text)))


class Sense(NamedTuple):
    """What a sentence does, in the language that most of its words belong to."""

    denies: bool
    tells: bool


def sense_of(sentence: str, *, besides: str) -> Sense:
    """Whether a sentence denies or refuses something, and whether it says that somebody said something.

    The words of `besides` do not count: whether "None" is a name is what is asked.
    """
    left_out = set(_tokens(fold(besides)))
    tokens = [token for token in _tokens(fold(sentence)) if token not in left_out]
    language = max(_languages(), key=lambda known: len(set(chain(*(kind.found_in(tokens) for kind in known[1:])))))
    unspaced = any(script.nothing.search(fold(sentence)) for script in _scripts().values())
    denies = any(True for kind in (language.no, language.mute, language.alone) for _ in kind.found_in(tokens))
    return Sense(denies or unspaced, any(token in language.give for token in tokens))


def is_role(word: str) -> bool:
    """Whether a word stands for a person ("guest") and is no word for nothing ("unknown") in any language."""
    token = fold(word)
    languages = _languages()
    return any(token in known.name for known in languages) and not any(
        token in known.alone or token in known.none for known in languages
    )


def fold(text: str) -> str:
    """The text without case, accents and the variants of a letter; apostrophes are all alike."""
    if text.isascii():
        return text.casefold().replace("ma'am", "maam")
    text = unicodedata.normalize("NFKC", text).casefold().translate(_SAME_LETTERS)
    text = _MARKS_OF_ACCENTS.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", text).replace("ma'am", "maam")


def _says_nothing_in(language: _Language, segments: Sequence[Sequence[str]], own: frozenset[str]) -> bool:
    """Whether all segments are made of the language's words for nothing, and one of them says so."""
    said = False
    for tokens in segments:
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


def _denies(language: _Language, tokens: Sequence[str], of_field: Set[int]) -> bool:
    """Whether a negation goes with a verb of giving, saying or knowing: "not provided", "no name was given"."""
    no = {position for position in language.no.found_in(tokens)}
    give = {position for position in language.give.found_in(tokens)} - no - set(of_field)
    if not no or not give:
        return False
    return language.code in _NEGATION_MAY_FOLLOW or min(no) < max(give)


def _mentions_not(language: _Language, tokens: Sequence[str]) -> bool:
    """Whether somebody is said not to have mentioned something: then it may be named by one word of any kind."""
    mentioned = any(token.startswith(_MENTION) for token in tokens)
    return mentioned and any(True for _ in language.name.found_in(tokens)) and _denies(language, tokens, set())


def _refuses(language: _Language, tokens: Sequence[str]) -> bool:
    mute = set(language.mute.found_in(tokens))
    return bool(mute) and bool(set(language.give.found_in(tokens)) - mute)


def _unspaced(folded: str, field: str, *, names: bool) -> bool:
    """The rule for scripts without blanks: nothing is left when the words of such phrases are taken out."""
    compact = _UNSPACED_MARKS.sub("", folded)
    for script in _scripts().values():
        rest, found = script.nothing.subn("\0", compact)
        if found and rest.strip("\0"):
            for word in _tokens(fold(field.replace("_", " "))):
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


def _languages_of(tokens: Iterable[str], *, names: bool = False) -> list[_Language]:
    """The languages in which one of the tokens can be what makes a phrase for nothing; most values hold none."""
    index = _languages_by_token()
    found: set[int] = set()
    for token in tokens:
        for length in range(2, min(len(token), _LONGEST_STEM) + 1):
            found.update(index.get(token[:length] + "*", ()))
        found.update(index.get(token, ()))
        if names:
            found.update(index.get(f"name:{token}", ()))
    return [_languages()[number] for number in sorted(found)]


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
    return frozenset(_tokens(fold(field.replace("_", " "))))


def _akin(token: str, word: str) -> bool:
    """Whether two words have the same stem, roughly: "diet" and "dietary", "allergies" and "allergy"."""
    if token == word:
        return True
    return len(token) > 3 and len(word) > 3 and token[: (n := max(4, min(len(token), len(word)) - 3))] == word[:n]


def _is(pattern: str, token: str) -> bool:
    return token.startswith(pattern[:-1]) if pattern.endswith("*") else token == pattern


def _tokens(text: str) -> list[str]:
    return [token for token in _TOKEN_END.split(text) if token]


@lru_cache(maxsize=1)
def _languages() -> list[_Language]:
    languages = []
    for section in re.split(r"\n(?=\[)", SPACED.strip()):
        title, *lines = section.splitlines()
        kinds: dict[str, list[str]] = {kind: [] for kind in _Language._fields if kind != "code"}
        for line in lines:
            kind, _, words = line.partition(": ")
            kinds[kind] += words.split()
        languages.append(_Language(title.strip("[]"), **{kind: _Words(words) for kind, words in kinds.items()}))
    return languages


@lru_cache(maxsize=1)
def _languages_by_token() -> dict[str, set[int]]:
    index: defaultdict[str, set[int]] = defaultdict(set)
    for number, language in enumerate(_languages()):
        for words in (language.no, language.mute, language.alone, language.none):
            for entry in words.entries:
                first, _, rest = entry.partition("_")
                index[first if rest or not entry.endswith("*") else entry].add(number)
        for entry in language.name.entries:
            index[f"name:{entry.partition('_')[0]}"].add(number)
    return dict(index)


@lru_cache(maxsize=1)
def _scripts() -> dict[str, _Script]:
    scripts = {}
    for section in re.split(r"\n(?=\[)", UNSPACED.strip()):
        title, *lines = section.splitlines()
        kinds: dict[str, list[str]] = {kind: [] for kind in _Script._fields}
        for line in lines:
            kind, _, pattern = line.partition(": ")
            # Of two words that begin alike the longer one counts.
            longest_first = sorted(pattern.split("|"), key=len, reverse=True) if kind == "fill" else [pattern]
            kinds[kind].append(fold("|".join(longest_first)))
        scripts[title.strip("[]")] = _Script(**{kind: re.compile("|".join(parts)) for kind, parts in kinds.items()})
    return scripts


_BARE = frozenset(("none", "null", "nil", "nan", "n/a", "n.a", "na", "unknown", "undefined", "unspecified"))
