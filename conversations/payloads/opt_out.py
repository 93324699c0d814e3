"""The opt-out that an agent collects: a truth value in the result of data collection named by OPT_OUT_FIELD."""

import re
import unicodedata

from django.conf import settings

from conversations.payloads.analysis import CollectedItem, values_collected
from elmemory.memory.fields import canonical_field
from elmemory.memory.text import field_name


def _plain(text: str) -> str:
    """The text as it is compared: one spelling of letters, in lower case, without invisible marks."""
    plain = unicodedata.normalize("NFKC", text).replace("\ufe0f", "").replace("’", "'").casefold()
    return "".join(char for char in plain if unicodedata.category(char) != "Cf")


# A sentence that begins with one of these means yes: "ja, bitte", "Yes, do not remember me".
_YES = frozenset(
    _plain(
        """
        yes yeah yep yup y true ja jawohl jo joo jah jaha oui ouais vrai sí si si' sì sim vero verdadero verdadeiro da
        adevărat tak prawda ano pravda áno igen igaz jā jah taip evet doğru bəli kyllä po vërtetë bai baie wahr waar
        sant sann да так правда истина вярно тачно ие иә ооба тийм ναι ναί αληθές αληθες כן نعم أجل بلى ايوه أيوه بله
        آری جی ہاں հա այո დიახ კი हाँ हां जी होय হ্যাঁ જી હા ஆம் ஆமாம் అవును ಹೌದು അതെ ඔව් ใช่ แม่น ແມ່ນ បាទ ចាស ဟုတ်ကဲ့ はい ええ 是 是的
        对 對 对的 對的 네 예 ya iya opo oo ndiyo ndio yebo eya ee bẹẹni vâng có dạ
        """
    ).split()
)
# These mean yes only alone: a sentence that begins with one may mean anything.
_YES_ALONE = frozenset(
    _plain(
        """
        1 1_0 t x on ok okay sure certainly absolutely definitely correct right confirmed agreed checked opt_out
        opted_out natürlich sicher genau klar richtig stimmt zutreffend d'accord bien_sûr exact certainement claro
        por_supuesto correcto cierto certo correto esatto certamente naturalmente claro_que_sim verdade klopt tosi
        totta točno istina totoo benar betul sandt kweli đúng verdad конечно верно точно σωστά בטח נכון صحيح درست सही सच
        好 好的 同意 真 同意する うん そう そうです 맞아요 맞습니다 응 그렇습니다 참 ✓ ✔ ☑ ✅
        """
    ).split()
)
# In other languages sentences begin with these: "Da der Kunde …", "Ya no …". Before three words they do not mean yes.
_YES_BEFORE_MARK = frozenset("da ya si po jo ano co ho vero y e ee".split())
_UNSPACED_YES = "はい", "是的", "ใช่", "对的", "對的"
_BETWEEN_WORDS = re.compile(r"[\s.,;:!?…。、，！？；：،؛।·()\[\]\"“”„«»*/|_–—-]+")


def asks_for_opt_out(analysis: object) -> bool:
    """Whether any value that was collected for OPT_OUT_FIELD means yes."""
    name = canonical_field(settings.OPT_OUT_FIELD)
    return bool(name) and any(is_yes(value) for value in values_collected(analysis, name))


def is_opt_out_field(item: CollectedItem) -> bool:
    """Whether this result is the opt-out. The opt-out is not stored as a fact."""
    name = canonical_field(settings.OPT_OUT_FIELD)
    return bool(name) and name in (item.field, canonical_field(item.id))


def is_yes(value: object) -> bool:
    """Whether a truth value, as models write it in many languages, means yes. The field's own name also means yes."""
    match value:
        case bool():
            return value
        case int() | float():
            return value == 1
        case list():
            return any(is_yes(item) for item in value)
        case str():
            return _says_yes(value)
    return False


def _says_yes(value: str) -> bool:
    words = [word for word in _BETWEEN_WORDS.split(_plain(value)) if word]
    if not words:
        return False
    begins_other = words[0] in _YES_BEFORE_MARK and re.match(r"\W*\w+(?:\s+\w+){3}", _plain(value))
    return (
        (words[0] in _YES and not begins_other)
        or words[0].startswith(_UNSPACED_YES)
        or "_".join(words) in _YES_ALONE
        or canonical_field(field_name(value)) == canonical_field(settings.OPT_OUT_FIELD)
    )
