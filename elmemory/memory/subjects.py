"""Decides whether a newer sentence about a caller replaces an older one: by the same, or by a new value.

A wrong replacement hides a medicine or a person, a missed one repeats a sentence: in doubt both stay. Their words are
compared without glue ("the", "is", "now") and numbers. Both stay if each has a word that the other lacks (left, right),
if one has words before what they share, or if only one names a relative or a title.
"""

import re
from difflib import SequenceMatcher
from typing import NamedTuple

from elmemory.memory.caches import kept_briefly
from elmemory.memory.ranking.words import UNSPACED, folded

_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?:-[^\W\d_]+)*(?!\w)")
_NUMBER = re.compile(r"\w*\d(?:[\w.,:/-]*\w)?")
_UNSPACED_RUN = re.compile(f"[{UNSPACED}]+")
_NUMERALS = re.compile("[〇零一二三四五六七八九十百千万两]+")
_EMPTY_PHRASES = re.compile(r"\b(?:after all|at all|any more|en fait|al final)\b", re.IGNORECASE)
_IN_LAW = re.compile(r"\b(\w+) in law\b")
# Words for the caller, in the languages of our extraction prompts: every sentence is about the caller.
CALLER = re.compile(
    r"caller|customer|patient|anrufer|kund|client|llamante|appelant|chiama|chamador|beller|klant|dzwoni|pacjent|pazient"
    r"|pacient|звон|клиент|пациент|musteri|arayan|hasta\b"
)
_SHORTEST_INFLECTED, _LONGEST_ENDING, _SHARE_OF_WORD = 4, 3, 0.8
_FEWEST_IN_COMMON = 2

# Words for a change or an end: a sentence with one may replace a longer sentence.
_CHANGES = frozenset(
    "now longer not no never anymore doesn don isn can cannot stopped instead jetzt nun nicht kein keine keinen"
    " mehr statt ahora ya nunca maintenant desormais ne n plus pas non piu ora adesso nao ja agora mais deixou"
    " niet geen meer nu nie juz teraz не теперь больше уже нет artik artık degil simdi icke inte langre ikke ei"
    " enaa".split()
)
_GLUE = _CHANGES | frozenset(
    "per because since against wegen gegen contra contre contro przeciw a an the is are was be been has have had do"
    " does did he she his her hers they their them it its who that this which of to in on at for from with by as named"
    " called also still currently very s t d ll der die das den dem des ein eine einen einem einer eines ist sind"
    " war hat haben er sie ihr ihre ihren ihrem ihrer sein seine es zu von vom mit im am auf fur bei als namens"
    " heisst auch noch derzeit seit el la los las un una esta ha tiene su sus de del al en por con que se lo"
    " tambien aun le les une est sont ont il elle sa ses du au aux dans pour avec qui actuellement aussi l gli i"
    " uno e suo sua suoi sue di della dello dei degli delle da dal nel che anche o os um uma tem seu seus suas do"
    " dos no na em para com tambem het een heeft zijn haar hij zij te op voor met ook nog jest ma jego jej w z od"
    " dla tez у в на с к по для что это есть его ее она он их также ещё еще bir ile icin".split()
)
_COUNTS = frozenset(
    "once twice two three four five six seven eight nine ten eleven twelve einmal zweimal dreimal viermal zwei"
    " drei vier funf sechs sieben acht neun zehn elf zwolf dos tres cuatro cinco seis siete ocho nueve diez doce"
    " deux trois quatre cinq sept huit neuf dix onze douze due tre quattro cinque sei sette otto nove dieci undici"
    " dodici dois duas quatro sete oito dez doze twee drie vijf zes zeven negen tien twaalf dwa dwie trzy cztery"
    " piec szesc siedem osiem dziewiec dziesiec два две три четыре пять шесть семь восемь девять десять iki uc"
    " dort bes altı yedi sekiz dokuz".split()
)
# Words that mark a list: a shorter sentence does not replace it, since each item counts.
_LISTS = frozenset(
    "and or but und oder aber y o pero et ou mais e ed ma mas en of maar i oraz lub ale и или но ve".split()
)
# Beside these "of" is English; else it is the Dutch "or".
_ENGLISH = frozenset("the she he they her his their caller customer has takes lives".split())
# Relatives, friends and titles: compared as whole words, because another ending may be another person.
_PEOPLE = frozenset(
    "mother father mom mum dad son daughter brother sister husband wife partner child children kid kids baby aunt"
    " uncle cousin nephew niece grandmother grandfather grandma grandpa grandson granddaughter friend neighbour"
    " neighbor assistant boss colleague mother-in-law father-in-law son-in-law daughter-in-law brother-in-law"
    " sister-in-law law stepson stepdaughter stepmother stepfather twin mr mrs ms miss dr mutter vater sohn"
    " tochter bruder schwester mann frau ehemann ehefrau kind kinder tante onkel cousine neffe nichte oma opa"
    " grossmutter grossvater enkel enkelin freund freundin nachbar nachbarin schwiegermutter schwiegervater"
    " schwager schwagerin schwiegersohn schwiegertochter herr herrn madre padre hijo hija hijos hermano hermana"
    " marido esposo esposa mujer pareja tia tio primo prima sobrino sobrina abuela abuelo nieto nieta amigo amiga"
    " vecino vecina suegra suegro cunado cunada yerno nuera senor senora sra mere pere fils fille frere soeur mari"
    " femme epoux epouse oncle neveu ami amie voisin voisine belle-mere beau-pere beau-frere belle-soeur grand-"
    " mere grand-pere monsieur madame mme figlio figlia fratello sorella marito moglie zia zio cugino cugina"
    " nipote nonna nonno amico amica vicino vicina suocera suocero cognato cognata signor signora mae pai filho"
    " filha irmao irma avo neto neta sogra sogro cunhado cunhada senhor senhora moeder vader zoon dochter broer"
    " zus man vrouw vriend vriendin buurman buurvrouw schoonmoeder schoonvader schoonzus zwager heer mevrouw matka"
    " ojciec syn corka brat siostra maz zona babcia dziadek wnuk wnuczka przyjaciel przyjaciolka sasiad sasiadka"
    " tesciowa tesc szwagier szwagierka pan pani мать отец мама папа сын дочь брат сестра муж жена бабушка дедушка"
    " внук внучка друг подруга сосед соседка свекровь свекор теща тесть зять невестка anne baba annesi babasi oglu"
    " kizi kardesi esi kocasi karisi kayinvalidesi kayinpederi bey hanim".split()
)
_GLUE_UNSPACED = re.compile(
    "来电者|來電者|客户|客戶|患者|现在|現在|目前|已经|已經|不再|依然|仍然|仍|的|了|は|を|が|に|の|です|ます|現在|お客様"
)
_PEOPLE_UNSPACED = re.compile("[父母爸妈媽夫妻儿兒女子兄弟姐姊妹哥娘嫂婆爷爺奶孙孫叔姨姑舅岳友邻鄰伯祖義先息]")


class _Said(NamedTuple):
    """A parsed sentence: its words, its unspaced text, and its numbers.

    `words` are pairs: a word, and whether it counts only in this form. `apart` says for each word whether anything
    is between it and the previous word.
    """

    words: tuple[tuple[str, bool], ...]
    run: str
    numbers: frozenset[str]
    apart: tuple[bool, ...]
    changes: bool
    lists: bool


def replaces(newer: str, older: str) -> bool:
    """Whether the newer sentence replaces the older one: it says the same, or has another value for its subject."""
    new, old = _said(newer), _said(older)
    if new[:3] == old[:3]:
        return bool(new.words or new.run or new.numbers)
    words = _words_only_in_one(new, old)
    runs = _parts_only_in_one(new.run, old.run)
    if words is None or runs is None or not (new.words or new.run):
        return False
    (added, lost), (added_run, lost_run) = words, runs
    if not lost and not lost_run:
        in_common = len(old.words) + len(old.run)
        return in_common >= _FEWEST_IN_COMMON or not (added or added_run)
    if added or added_run or len(new.words) + len(new.run) < _FEWEST_IN_COMMON:
        return False
    # The newer sentence says less, so it must have another value or an end.
    return not old.lists and (new.changes or bool(new.numbers - old.numbers))


def says_the_same(one: str, other: str) -> bool:
    """Whether two sentences have the same words and numbers."""
    return _said(one)[:3] == _said(other)[:3]


def _words_only_in_one(newer: _Said, older: _Said) -> tuple[list[str], list[str]] | None:
    """Return the words that the newer sentence adds and those it lacks; None if its subject is another."""
    new, old = newer.words, older.words
    if _are_of_other_subjects(frozenset(new), frozenset(old)):
        return None
    added = [at for at, word in enumerate(new) if not any(_is_same(word, other) for other in old)]
    lost = [at for at, word in enumerate(old) if not any(_is_same(word, other) for other in new)]
    if added and lost:
        return None
    for alone, said in ((added, newer), (lost, older)):
        for at in alone:
            word, is_exact = said.words[at]
            # "A horse trailer" is no horse; "her son Theo" is her son.
            follows = at > 0 and not said.apart[at] and not is_exact and at - 1 not in alone
            if at == 0 or follows or word in _PEOPLE:
                return None
    return [new[at][0] for at in added], [old[at][0] for at in lost]


def _are_of_other_subjects(new: frozenset[tuple[str, bool]], old: frozenset[tuple[str, bool]]) -> bool:
    """Whether each surely has a word that the other lacks, in any form. A fast check, enough for most pairs."""
    added, lost = new - old, old - new
    if not added or not lost:
        return False
    return not (_starts(added) <= _starts(old) or _starts(lost) <= _starts(new))


def _starts(words: frozenset[tuple[str, bool]]) -> set[str]:
    return {word[: _SHORTEST_INFLECTED - 1] for word, _ in words}


def _is_same(one: tuple[str, bool], other: tuple[str, bool]) -> bool:
    """Whether both are forms of one word. Names and people must be spelled the same."""
    (word, is_exact), (word_of_other, is_other_exact) = one, other
    if word == word_of_other:
        return True
    if is_exact or is_other_exact:
        return False
    shorter, longer = sorted((word, word_of_other), key=len)
    if longer.startswith(shorter) and len(shorter) >= _SHORTEST_INFLECTED - 1:
        return len(longer) - len(shorter) <= 1 + (len(shorter) > _SHORTEST_INFLECTED)
    shared = next((at for at, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    is_long = shared >= max(_SHORTEST_INFLECTED, _SHARE_OF_WORD * len(longer))
    return is_long and len(longer) - shared <= _LONGEST_ENDING


def _parts_only_in_one(new: str, old: str) -> tuple[str, str] | None:
    """Return the parts that the new unspaced text adds and lacks; None if its subject is another."""
    if new == old:
        return "", ""
    if set(new) - set(old) and set(old) - set(new):
        return None
    added = lost = ""
    for kind, start, end, start_new, end_new in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        if kind == "replace" or start == start_new == 0:
            return None
        added, lost = added + new[start_new:end_new], lost + old[start:end]
    if (added and lost) or _PEOPLE_UNSPACED.search(added + lost):
        return None
    return added, lost


@kept_briefly(maxsize=1 << 12)
def _said(sentence: str) -> _Said:
    text = _IN_LAW.sub(r"\1-in-law", _EMPTY_PHRASES.sub(" ", sentence))
    run = _GLUE_UNSPACED.sub("", _NUMERALS.sub("", "".join(_UNSPACED_RUN.findall(folded(text)))))
    numerals = _NUMERALS.findall("".join(_UNSPACED_RUN.findall(text)))
    spaced = _UNSPACED_RUN.sub(" ", text)
    words, apart, seen, end = [], [], set[str](), 0
    for found in _WORD.finditer(spaced):
        raw = found.group()
        word = folded(raw)
        seen.add(word)
        is_named = raw[0].isupper()
        if CALLER.match(word) or (word in _GLUE and (not is_named or found.start() == 0)):
            continue
        if (word in _LISTS or word in _COUNTS) and not is_named:
            continue
        words.append((word, is_named or word in _PEOPLE))
        apart.append(bool(spaced[end : found.start()].strip()))
        end = found.end()
    joining = seen & _LISTS - ({"of"} if seen & _ENGLISH else set())
    lists = bool(joining) or bool(re.search(r"[,;、，；和与與]", sentence))
    changes = not _CHANGES.isdisjoint(seen)
    return _Said(
        tuple(words),
        run,
        frozenset([*_NUMBER.findall(spaced), *numerals, *(seen & _COUNTS)]),
        tuple(apart),
        changes,
        lists,
    )
