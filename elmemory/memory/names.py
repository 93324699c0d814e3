"""Extracts a person's name from the text of a name field, and recognises unusual names such as "Null"."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape

from elmemory.memory.caches import kept_briefly
from elmemory.memory.nothing import is_no_name, is_of_phrases, is_role, sense_of
from elmemory.memory.text import bounded_words, cleaned

NAME_FIELDS = "first_name", "last_name", "name"
NAME_LENGTH = 60
MOST_WORDS = 4

# The form of most names, recognised fast for live calls.
_PLAIN = re.compile(r"[^\W\d_]{2,}(?:[ '’-][^\W\d_]{2,}){0,4}")
# \w excludes vowel signs, which names in Hindi, Thai or vocalised Arabic need.
_SIGNS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0dff\u0e30-\u0e4e\u0f71-\u109d\u17b4-\u17d3\u200c\u200d"
# The stroke of "Rajesh s/o Kumar" is part of a name.
_NOT_OF_A_NAME = re.compile(rf"[^\w\s.'’·・/{_SIGNS}-]|[\d_]|(?<!\s[ads])/|/(?![lop]\s)")
_TEMPLATE = re.compile(r"\{\{[^{}]*\}\}")
_WRAPPED = re.compile(r"""["'“”„«‹(\[「『](.+)["'“”»›)\]」』]|([*_~`]{1,3})([^*_~`]+)\2""")
_APOSTROPHES = str.maketrans("`´", "''")
_ADDRESS = re.compile(r"(?:mailto|https?|e-?mail|tel):|www\.", re.IGNORECASE)
_LABELLED = re.compile(r"([^:：=;,(]{1,40})\s?[:：=]\s?(.+)")
_CUT = re.compile(
    r"[()\[\]<>;,:|\\=…（）【】「」；，、：،؛。→]|\s[/&+]\s|(?<=\w\w)/(?=\w\w)|\s[-–—•·~]+\s|—|\.\.|[!?؟](?:\s|$)"
    r"|(?<!\b[Dd]r)(?<!\b[JSjs]r)(?<!\b[Mm][rs])(?<!\b[Mm]rs)(?<!\b[Ss]t)(?<!\bSra)(?<!\bProf)(?<!\bMag)(?<!\bIng)"
    r"(?<!\bDott)(?<!\bMme)(?<!\bRev)(?<=\w\w\w)\.\s"
)
_REMARK = re.compile(
    r"(?<=\S)\s(?:spelled|spelt|spelling|last name|first name|family name|given name|surname|who|whose|calling|"
    r"speaking|from|with|but|or|aka|is|was|said|not|no last|buchstabiert|mit|aber|oder|nachname|vorname|apellido|"
    r"apellidos|con|pero|deletread[oa]|avec|mais|épelé|épelée|prénom|sobrenome|apelido|soletrado|cognome|scritto|"
    r"achternaam|gespeld|nazwisko|фамилия|по буквам|soyadı|née?|alias|a\.k\.a\.|only|here|like|as in|[Uu]nknown|"
    r"[Nn][/ ][Aa]|none|null|undefined)(?=\s|$)"
)
_SPELLED = re.compile(r"(?<![^\W\d_])([^\W\d_](?:(?:\s?[-,–]\s?|\s)[^\W\d_]){2,})(?![^\W\d_])")
_INTRODUCTION = re.compile(
    r"(?:(?:hi|hello|hey|hola|bonjour|hallo|olá|ciao|yes),? )?(?:(?:the )?(?:caller|customer|user|client|patient|"
    r"guest|s?he|they) (?:\w+ )?(?:said|says|stated|states|gave|provided|identified|"
    r"introduced)(?: that)? )?(?:(?:the )?(?:caller|customer|user|client|patient|guest)(?:'s|’s)? (?:(?:first |full |"
    r"last )?name )?(?:is|was)(?: called| named)? |(?:him|her|them)sel(?:f|ves) as |the name |(?:my|his|her|their|"
    r"the) (?:first |full |last |given )?name(?: is|'s|’s| as) |i am |i'm |i’m |this is |it is |it's |it’s |call me |"
    r"they call me |name is |me llamo |mi nombre es |su nombre es |se llama |soy |je m'appelle |je m’appelle |"
    r"mon nom est |je suis |ich hei(?:ß|ss)e |mein name ist |ich bin |der name ist |meu nome é |me chamo |eu sou |"
    r"mi chiamo |il mio nome è |sono |ik heet |mijn naam is |ik ben |nazywam się |mam na imię |jestem |меня зовут |"
    r"мене звати |моё имя |мое имя |jag heter |mitt namn är |jmenuji se |mă numesc |numele meu este |benim adım |"
    r"adım |nama saya |saya |jeg heter |jeg hedder |minun nimeni on |nimeni on |tôi tên là |tên tôi là |με λένε |"
    r"اسمي |मेरा नाम |私の名前は|私は|我叫|我的名字是|我是|제 이름은 |저는 )(?=\S)",
    re.IGNORECASE,
)
_DOUBT = re.compile(
    r"(?:possibly|probably|maybe|perhaps|presumably|likely|might be|could be|something like|sounds like|vielleicht|"
    r"vermutlich|wahrscheinlich|eventuell|evtl\.?|quizás?|tal vez|posiblemente|probablemente|peut-être|probablement|"
    r"sans doute|forse|probabilmente|talvez|provavelmente|misschien|waarschijnlijk|może|chyba|prawdopodobnie|возможно|"
    r"наверное|вероятно|belki|muhtemelen) (?=\S)",
    re.IGNORECASE,
)
_DENIED = frozenset("not nicht pas niet inte ikke nie не".split())
_ENDING = re.compile(
    r"(?:です|と申します|といいます|と言います|입니다|이에요|예요|이라고 합니다|라고 합니다|\sहै|\sहूँ|\sहूं)$"
)
PARTICLES = frozenset(
    "de da do dos das del della degli delle dello dalla di du la le el al van von "
    "der den ter ten zu y e und and i bin ibn bint binti ould".split()
)
_BEGIN_SENTENCES = frozenset("The This There It They Der Die Das El Il Het".split())
# Short words in small letters count as particles: "af Klint", "'t Hooft", "ní Bhriain".
_LONGEST_PARTICLE = 3

# Given names that programs and models also write for "nothing". With a capital they are names.
_ALSO_GIVEN_NAMES = frozenset(("Nil", "Na", "Nan", "Nada", "Nic", "Inga", "Ai", "Will"))
_BESIDE_A_FIRST_NAME = frozenset(("Null", "Nil", "Na", "Nan", "Nada", "Noname"))
_SENTENCE = re.compile(r"(?<=\w\w\w\w[.!?])\s+|(?<=[。！？])|\n")
_OF_A_RESULT = re.compile(
    r"(?:\b(?:value|field|result|output|default|return\w*|extract\w*|set|record\w*|therefore|hence|so|thus|wert|"
    r"valor|valeur)\b\W+(?:\w+\W+){0,2}|[=]\s*)$",
    re.IGNORECASE,
)
# "The name is None because the caller hung up."
_GIVES_CAUSE = re.compile(
    r"\b(?:because|since|due to|hung up|ended|disconnected|weil|da|porque|debido|parce|puisque|perché|omdat|"
    r"ponieważ)\b"
)
_NAMING = re.compile(
    r"(?:\b(?:name|surname|names|i'?m|i am|this is|called|nombre|apellido|llamo|soy|nom|appelle|suis|heiße|heisse|"
    r"namens|nachname|vorname|bin|nome|cognome|sobrenome|apelido|chamo|chiamo|sono|naam|achternaam|heet|ben|nazwisko|"
    r"imię|nazywam|jestem|имя|фамилия|зовут|ім'?я|прізвище|звати|adım|soyadım|isim|nama|namn|efternamn|heter|navn|"
    r"etternavn|hedder|jméno|příjmení|jmenuji|nume|numele|numesc|nimeni|mr|mrs|ms|miss|dr|herr|frau|señora?|monsieur|"
    r"madame|signora?)\b\W+(?:\w+\W+){0,2})$",
    re.IGNORECASE,
)
_GIVEN_NAME_BEFORE = re.compile(r"[^.!?\s]\s+([^\W\d_][^\s,;:.]+)\s+$")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Other evidence in a call about a collected value.

    `rationale` is the reason that ElevenLabs gives for it, `names` are the call's other name fields as collected
    (canonical field to text), `said` the sentences of the caller.
    """

    rationale: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    said: Sequence[str] = ()


NO_EVIDENCE = Evidence()


@kept_briefly(maxsize=4096)
def person_name(text: str) -> str:
    """Return the name at the start of the text, up to a bracket, comma, semicolon or remark; empty without a name.

    "Maya" for "Maya (spelled M-A-Y-A)", "My name is Maya" and "M-A-Y-A". A text with @ or braces has no name. Letters
    of any script, hyphens, apostrophes and full stops are kept, digits are not.
    """
    if _is_plain(text):
        return text
    whole = whole_name(text)
    name = _bare(_REMARK.split(_without_small_words(whole), maxsplit=1)[0])
    if name != whole and (name in _BEGIN_SENTENCES or (is_of_phrases(whole.split()[0]) and is_no_name(whole))):
        return ""
    return bounded_words(name, NAME_LENGTH) if any(char.isalpha() for char in name) else ""


@kept_briefly(maxsize=4096)
def whole_name(text: str) -> str:
    """Return the text of a name field up to a bracket, comma or semicolon: a name, and perhaps other words."""
    if set("{}") & set(_TEMPLATE.sub("", text)):
        return ""
    text = unescape(text).replace("\\'", "'").translate(_APOSTROPHES)
    before_markup = text.partition("<")[0]
    text = cleaned(before_markup if any(map(str.isalpha, before_markup)) else text)
    if wrapped := _WRAPPED.fullmatch(text):
        text = wrapped[1] or wrapped[3]
    if _ADDRESS.match(text):
        return ""
    text = text.lstrip(" ,;:.([-")
    if (labelled := _LABELLED.fullmatch(text)) and is_no_name(labelled[1]):
        text = labelled[2]
    if introduced := _INTRODUCTION.match(text):
        text = text[introduced.end() :]
    text = _ENDING.sub("", text.rstrip(" ."))
    text = _unspelled(text)
    text = _CUT.split(text, maxsplit=1)[0]
    return "" if set("@*•●█■") & set(text) else _bare(text)


def _bare(text: str) -> str:
    """Return letters and the punctuation of names, with single blanks."""
    return " ".join(_NOT_OF_A_NAME.sub(" ", text).split()).strip("-.'’·・ ")


def spoken_name(text: str) -> str:
    """Return the name that an agent may speak: at most four words of `person_name`."""
    name = person_name(text)
    if name.count(" ") < MOST_WORDS:
        return name
    words = name.split()[:MOST_WORDS]
    while len(words) > 1 and words[-1].casefold() in PARTICLES:
        words.pop()
    return " ".join(words)


def _is_plain(text: str) -> bool:
    """Whether the text is one to five words of letters, all capitalised except particles."""
    if len(text) > NAME_LENGTH or not _PLAIN.fullmatch(text):
        return False
    return text.istitle() or all(word in PARTICLES or word[0].isupper() for word in text.split(" "))


def family_name_first(text: str, evidence: Evidence) -> str:
    """Return the given name of "Okafor, Maya" if the call's last name is Okafor; else the text unchanged."""
    family, comma, given = text.partition(",")
    known = evidence.names.get("last_name", "")
    if comma and known and person_name(known).casefold() == person_name(family).casefold():
        return given
    return text


def stated_name(text: str) -> str:
    """Return the text without a word of doubt ("possibly Maya"); empty if it denies the name ("not Maya")."""
    text = text.strip()
    if doubted := _DOUBT.match(text):
        text = text[doubted.end() :]
    first, _, others = text.partition(" ")
    return "" if others and first in _DENIED else text


def is_name(word: str, field_name: str, evidence: Evidence) -> bool:
    """Whether a word that usually says nothing (None, Null, Guest) is a name in this call.

    It must have a capital, and one of these must be true: it is also a given name (Nil); an affirmative sentence of the
    rationale says so ("The caller said her name is Jennifer Null"); the caller gave it as a name; it is part of a
    fuller name of the call; it is a last name beside a first name, unless programs write it for nothing ("None",
    "Unknown") or the rationale denies something.
    """
    words = word.split()
    if not words or len(words) > 3 or not all(_is_capitalised(part) for part in words):
        return False
    if words[0] in _ALSO_GIVEN_NAMES:
        return True
    mentions = list(_mentions(evidence.rationale, word))
    denied = any(
        sense_of(sentence, besides=word).denies for sentence in _SENTENCE.split(evidence.rationale) if sentence
    )
    for before, sentence in mentions:
        sense = sense_of(sentence, besides=word)
        # At the start of a sentence the word is its subject, not a name: "None was provided."
        if not before.strip() or sense.denies or _OF_A_RESULT.search(before) or _GIVES_CAUSE.search(sentence):
            continue
        if sense.reports or _is_named(before):
            return True
    if any(_is_named(before) for sentence in evidence.said for before, _ in _mentions(sentence, word)):
        return True
    if any(re.search(rf"(?i)\b{re.escape('-'.join(word))}\b", sentence) for sentence in evidence.said):
        return True
    if denied:
        return False
    others = [person_name(name) for other, name in evidence.names.items() if other != field_name]
    if any(word in other.split() and len(other.split()) > len(words) and not is_no_name(other) for other in others):
        return True
    first = person_name(evidence.names.get("first_name", ""))
    beside = field_name == "last_name" and bool(first) and not is_no_name(first)
    return beside and (word in _BESIDE_A_FIRST_NAME or all(map(is_role, words)))


def _mentions(text: str, word: str) -> Iterator[tuple[str, str]]:
    """Yield, for each mention in this spelling, the text before it in its sentence, and the sentence."""
    for sentence in _SENTENCE.split(text):
        for match in re.finditer(rf"(?<![\w-]){re.escape(word)}(?![\w-])", sentence):
            yield sentence[: match.start()], sentence


def _is_named(before: str) -> bool:
    """Whether a name follows this text: "my name is …", "Mrs …", "… Jennifer …"."""
    before = before.rstrip("\"'“‘«„.") + " " if before.rstrip() else before
    if _NAMING.search(before):
        return True
    given = _GIVEN_NAME_BEFORE.search(before)
    return given is not None and _is_capitalised(given[1]) and not is_no_name(given[1])


def _is_capitalised(word: str) -> bool:
    return word[:1].isupper() and (len(word) == 1 or not word[1:].isupper())


def _without_small_words(text: str) -> str:
    """Return a capitalised name without the words in small letters after it: "Maya wants to book".

    Particles stay. A single word at the end stays too: some people write names so.
    """
    words = text.split()
    if not words or not words[0][:1].isupper():
        return text
    end = len(words)
    for place, word in enumerate(words[:-1]):
        if word.islower() and len(word) > _LONGEST_PARTICLE and word not in PARTICLES:
            end = place
            break
    small = end
    while words[small - 1].islower():
        small -= 1
    if end < len(words) or (end - small > 1 and words[small] not in PARTICLES):
        end = small
    return " ".join(words[:end])


def _unspelled(text: str) -> str:
    """Return "Maya" for "M-A-Y-A". Letters that spell out a preceding name are dropped."""
    spelled = _SPELLED.search(text)
    if not spelled:
        return text
    letters = "".join(char for char in spelled[1] if char.isalpha())
    before, after = text[: spelled.start()].rstrip(" ,-–"), text[spelled.end() :]
    if before:
        return before
    return letters.capitalize() + after if not after or after[0] in ",;(" else text
