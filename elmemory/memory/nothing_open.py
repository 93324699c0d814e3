"""Recognises values of free-text fields that say that nothing is open, promised, settled or worth keeping.

Models write such a sentence where they should give null: "No open requests.", "Keine Zusage.". `nothing` does not find
them, because they deny the field's own subject ("No allergies" is a value). The rule here: all words are typical of
phrases for nothing or of the field's subject, and one of them denies. Any other word makes the text a value ("No reply
from the landlord yet"), and so does the denial of an end ("Not settled"). A text that only agrees or denies ("yes")
says nothing either, unless it settles a request.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain

from elmemory.memory.caches import kept_briefly
from elmemory.memory.fields import CALLER_PROFILE, RESOLVED_REQUEST, SENTENCES
from elmemory.memory.languages import Language, Words, fold, languages_of, tokens_of

_LONGEST = 160
_YES = frozenset("yes true ja oui si sim tak da да так evet نعم हाँ हां はい 是 是的 예 네".split())
_NO = frozenset("no false nein non nao nie nee нет ні hayir لا नहीं いいえ 否 不是 아니요 아니오".split())
# Per language: words of requests, promises and what becomes of them; then those of lasting information.
_OPEN = """
en: request* promis* commit* undertak* agreed open outstanding pending await* wait* need* require* remain* resol*
en: settl* unresolved unsettled fulfil* complet* done handled closed follow action* item* task* issue* matter*
de: anfrage* anliegen wunsch* wunsche* offen* aussteh* aus unerledigt* zusage* zugesagt* versprech* versproch*
de: versprich* zusicher* wart* erwart* brauch* benotig* erledig* geklart* abgeschlossen*
es: solicitud* peticion* promes* promet* compromis* comprom* pendient* abiert* espera* necesit* resuel* resolv*
fr: demande* requete* promes* promis promet* engag* cours suspens attent* attend* ouvert* besoin resolu* regle*
it: richiest* promess* promett* impegn* sospes* apert* attes* attend* bisogno risolt*
pt: pedido* solicitac* promess* promet* compromiss* compromet* pendent* abert* espera* precis* resolv*
nl: verzoek* belofte* beloofd* belooft toezeg* toegezegd* open openstaand* wacht* nodig opgelost* afgehandeld*
pl: prosb* zadan* obietnic* obiec* otwart* zaleg* oczek* potrzeb* rozwiaz*
ru: запрос* просьб* обещан* обещал* пообещал* открыт* незаверш* ожида* ждет нужно решен*
tr: talep* istek* soz vaat* acik bekle* gerek*
ar: طلب* طلبات وعد* وعود مفتوح* معلق* قايم* قائم* ينتظر
hi: अनुरोध* वादा वादे खुला खुले लंबित प्रतीक्षा* बाकी
"""
_LASTING = """
en: last* personal* noteworth* worth* noting note noted to_remember worth_remembering relevant important long term fact*
de: dauerhaft* bleibend* personlich* besonder* wichtig* relevant* merkenswert* nennenswert*
es: durader* permanent* personal* relevant* important* destac*
fr: durable* permanent* personnel* notable* important* pertinent* particul*
it: durevol* durat* permanent* personal* rilevant* important* particolar*
pt: durador* permanent* pessoa* relevant* important*
nl: blijvend* duurzaam* duurzame persoonlijk* relevant* belangrijk* bijzonder*
pl: trwal* osobist* istotn* wazn*
ru: долговременн* постоянн* личн* важн* значим*
"""
# Words around them.
_AROUND = """
en: agent assistant anything something everything earlier previous prior further left over up make made makes making
en: after next all to about themself
de: agent* agentin assistent* etwas alles fruher* vorherig* mehr weiter* macht* gemacht gab gegeben es gibt ist sind war
de: wurde wurden worden blieb bleibt steht stehen erzahl* angab* angaben
es: agente asistente algo anterior* previ* hizo hecho asunto* queda* quedo todo hay habia
fr: agent* l d assistant* reste precedent* anterieur* fait quelque chose tout y en il a
it: agente assistente l qualcosa tutto c e ha precedent* fatto fatta resta corso
pt: agente assistente algo tudo ha houve anterior* feito feita fez resta*
nl: agent assistent iets alles er is zijn werd werden eerder* gedaan heeft vraag vragen
pl: agent* asystent* niczego wczesniejsz* spraw* zlozy* zlozono ma sa
ru: агент* оператор* ассистент* прежн* предыдущ* дал дало дано вопрос*
tr: onceki var
ar: يوجد توجد هناك سابق* الوكيل
hi: है किया हुआ एजेंट ने
"""
# In these the earlier request is still open.
_UNSETTLED = """
en: not_resol* not_settl* not_fulfil* not_complet* not_been not_yet unresolved unsettled still_open still_pending
en: still_outstanding still_waiting still_unresolved remains_open remains_unresolved remains_pending wasn_t_resol*
en: wasn_t_settl* isn_t_resol* isn_t_settl* hasn_t haven_t has_not have_not not_fixed not_be_resol* not_fully
en: not_entirely partially_resol* partly_resol* nobody_called no_one_called
de: nicht_erledigt nicht_geklart nicht_gelost nicht_abgeschlossen noch_nicht noch_offen weiterhin_offen bleibt_offen
de: immer_noch_offen nicht_angekommen unerledigt ungelost ungeklart
es: no_se_resolv* no_se_ha_resuelt* no_fue_resuelt* no_esta_resuelt* sin_resolver sigue_pendient* sigue_abiert*
es: todavia_no no_ha_llegado aun_no
fr: pas_resolu* pas_ete_resolu* pas_ete_regl* pas_encore non_resolu* toujours_en_attente toujours_ouvert*
fr: encore_ouvert* encore_en_attente
it: non_risolt* non_e_stata_risolt* non_e_stato_risolt* non_ancora ancora_apert* ancora_in_sospeso irrisolt*
pt: nao_resolv* nao_foi_resolv* ainda_nao ainda_abert* ainda_pendent* continua_abert* continua_pendent*
nl: niet_opgelost niet_afgehandeld nog_niet nog_open nog_steeds_open
pl: nie_rozwiaz* nie_zostal* jeszcze_nie wciaz_otwart* nadal_otwart*
ru: не_решен* не_был* еще_не все_еще нерешен*
tr: cozulme* henuz
ar: لم_يحل لم_تحل
hi: नहीं_हुआ नहीं_हुई अभी_तक
"""
_UNSPACED_NOTHING = re.compile(
    "(?:目前|当前|當前)?(?:[没沒]有?|[无無])(?:任何|其他)?(?:未?(?:解决|解決|完成|处理|處理)|待(?:办|辦|处理|處理|解决|解決)|未决|开放)?的?"
    "(?:请求|請求|要求|事项|事項|需求|问题|問題|承诺|承諾)"
    "|(?:客服|代理|坐席|助理)?(?:[没沒]有?|未)(?:作出|做出|给出|許下|许下)?(?:任何)?(?:承诺|承諾)"
    "|[没沒]有?(?:任何)?(?:值得|需要)(?:记录|記錄|记住|記住|注意)的?(?:信息|資訊|内容|內容|事项)?"
    "|(?:未解決|未完了|保留中|進行中|対応待ち)?の?(?:依頼|要望|リクエスト|約束|用件|案件)(?:は|も|事項は)?(?:特に)?"
    "(?:な(?:い|し)|無し|ありません(?:でした)?|ございません|していない|していません|しなかった)(?:です)?"
    "|(?:미해결|대기중인|남은|열린|진행중인)?(?:요청|약속|문의)(?:사항)?(?:이|은|가|는|을|도)?(?:없[가-힣]*|하지않[가-힣]*)"
)
_UNSPACED_UNSETTLED = re.compile(
    "未解[决決]|[没沒]有?解[决決]|尚未|仍未|[还還][没沒]|(?:解決|対応|完了)(?:され)?て(?:い)?(?:ない|ません)|まだ|미해결|해결되지|아직"
)
_STILL_OPEN = frozenset("open pending outstanding offen pendiente ouvert aperto pendente".split())
# Wishes in the words for "not provided": "Do not share data", "prefers not to be recorded".
_WISH = re.compile(
    r"(?:please )?(?:do not|don't|never) (?!know|have)\w|.*\bto be (?:recorded|named|asked|called|contacted)\b"
    r"|(?:(?:the )?\w+ )?(?:cannot|can't) hear\b"
)
# Withdraws the request itself. "No longer wants the newsletter" may ask for something: to cancel it.
_WITHDRAWN = re.compile(
    r"(?:the |her |his |their )?(?:\w+ )?request (?:was|is|has been) (?:withdrawn|no longer needed)"
    r"|(?:(?:the )?\w+ )?(?:withdrew|(?:has|have) withdrawn) (?:the|her|his|their) (?:earlier |open )?request"
    r"|(?:(?:der |die )?\w+ hat )?(?:die|das|seine?|ihre?) (?:anfrage|anliegen) (?:wurde |ist )?zuruckgezogen"
    r"|(?:(?:el |la )?\w+ )?(?:retiro|ha retirado) (?:la|su) (?:solicitud|peticion)"
    r"|(?:(?:le |la )?\w+ )?a retire (?:la|sa) demande|(?:(?:il |la )?\w+ )?ha ritirato la (?:sua )?richiesta"
    r"|(?:(?:o |a )?\w+ )?retirou o (?:seu )?pedido|(?:(?:de )?\w+ )?heeft (?:het|zijn|haar) verzoek ingetrokken"
)
# In other phrases for nothing these deny; here they are about a thing: "Cannot open the item", "Noch offen".
_NO_DENIAL = frozenset("missing insufficient unable cannot can couldn won wouldn noch want wants calls".split())
# Denied, these say that something is open: "Not settled".
_FINISHED = Words(
    "resol* settl* fulfil* complet* done handled erledig* geklart* abgeschlossen* resuel* resolu* regle* risolt*"
    " opgelost* afgehandeld* rozwiaz* решен*".split()
)
_MARKS = re.compile(r"[\W_]+")
_SEGMENT_END = re.compile(r"[.!?;:,—–]+(?=\s|$)|\s-\s|[()\[\]]")


@kept_briefly(maxsize=4096)
def says_nothing_open(text: str, field: str) -> bool:
    """Whether the value of a free-text field (`fields.SENTENCES`) says that there is nothing to say.

    In RESOLVED_REQUEST also whether it says that the earlier request is still open, since a value there settles it.
    """
    if field not in SENTENCES or len(text) > _LONGEST:
        return False
    folded = fold(text)
    bare = _MARKS.sub(" ", folded).strip()
    if bare in _NO or (bare in _YES and field != RESOLVED_REQUEST):
        return True
    compact = bare.replace(" ", "")
    if field == RESOLVED_REQUEST and (bare in _STILL_OPEN or _is_unsettled(tokens_of(folded), compact)):
        return True
    if _UNSPACED_NOTHING.fullmatch(compact):
        return True
    segments = [tokens for part in _SEGMENT_END.split(folded) if (tokens := tokens_of(part))]
    found = languages_of(chain.from_iterable(segments))
    return any(_denies_all(language, segments, field) for language in found)


def is_wish(text: str, field: str) -> bool:
    """Whether the value of a free-text field asks for something in words that elsewhere say nothing. English only."""
    return field in SENTENCES and bool(_WISH.match(fold(text)))


def is_withdrawn(request: str) -> bool:
    """Whether a request only says that the caller withdrew one: "The caller withdrew the request"."""
    return bool(_WITHDRAWN.fullmatch(fold(request).strip(" .!")))


def _denies_all(language: Language, segments: Sequence[Sequence[str]], field: str) -> bool:
    """Whether all words are of such phrases in this language, one denies, and one names the field's subject."""
    code = language.code
    subject, around = _table(_LASTING if field == CALLER_PROFILE else _OPEN).get(code), _table(_AROUND).get(code)
    if not subject or not around:
        return False
    denied = False
    for tokens in segments:
        no = {*language.no.found_in(tokens), *language.alone.found_in(tokens), *language.none.found_in(tokens)}
        is_open = bool(no) and any(token in _FINISHED for token in tokens)
        if field != RESOLVED_REQUEST and (is_open or not _NO_DENIAL.isdisjoint(tokens)):
            return False
        about = {*subject.found_in(tokens)}
        kinds = language.give, language.name, language.fill, around
        others = {*chain.from_iterable(words.found_in(tokens) for words in kinds)}
        if no | about | others != set(range(len(tokens))):
            return False
        # "Has no personal e-mail" is lasting, "Nothing personal" and "No personal details" are nothing.
        says = field != CALLER_PROFILE or any(token in language.give or token in language.none for token in tokens)
        denied = denied or (bool(no) and says and (bool(about - no) or len(no) == len(tokens)))
    return denied


def _is_unsettled(tokens: Sequence[str], compact: str) -> bool:
    found: Iterator[bool] = (True for words in _table(_UNSETTLED).values() for _ in words.found_in(tokens))
    return next(found, False) or bool(_UNSPACED_UNSETTLED.search(compact))


@lru_cache(maxsize=4)
def _table(text: str) -> dict[str, Words]:
    """The words of each language, by its code."""
    entries: dict[str, list[str]] = {}
    for line in text.strip().splitlines():
        code, _, words = line.partition(": ")
        entries.setdefault(code, []).extend(words.split())
    return {code: Words(words) for code, words in entries.items()}
