"""The days, "last time", "first call" and "now" that questions in other languages than English name."""

from datetime import date

import pytest

from elmemory.memory import kinds
from elmemory.memory.ranking import rank
from elmemory.memory.ranking.dates import Days
from elmemory.memory.ranking.time_words import days_in, time_words
from elmemory.memory.ranking.words import folded
from elmemory.memory.records import Memory

TODAY = date(2026, 11, 28)  # a Saturday
CODES = "en de fr es it pt nl pl ru tr ar hi ja zh ko".split()


def named(language: str, text: str) -> set[str]:
    """The days that the text names, as `first` or `first..last`, without those to come."""
    found = days_in(language, folded(text), TODAY)
    return {written(days) for days in found if days.first <= TODAY.toordinal()}


def written(days: Days) -> str:
    first, last = (date.fromordinal(day).isoformat() for day in days)
    return first if first == last else f"{first}..{last}"


LAST_WEEK, LAST_MONTH, LAST_TUESDAY = "2026-11-16..2026-11-22", "2026-10-01..2026-10-31", "2026-11-24"
TUESDAY_OF_LAST_WEEK, THREE_DAYS_AGO, TWO_WEEKS_AGO = "2026-11-17", "2026-11-25", "2026-11-11..2026-11-17"


@pytest.mark.parametrize(
    ("language", "question", "days"),
    [
        ("de", "Was hat sie am 9. April 2026 gesagt?", "2026-04-09"),
        ("de", "Was war am 3.10. mit dem Zähler?", "2026-10-03"),
        ("de", "Worum ging es letzten Dienstag?", LAST_TUESDAY),
        ("de", "Was sagte er am Dienstag letzter Woche?", TUESDAY_OF_LAST_WEEK),
        ("de", "Was wollte sie letzten Monat?", LAST_MONTH),
        ("de", "Was hat er vor drei Tagen bestellt?", THREE_DAYS_AGO),
        ("de", "Was hat sie vorgestern gemeldet?", "2026-11-26"),
        ("de", "Was war im Oktober?", LAST_MONTH),
        ("fr", "Qu'a-t-elle demandé le 1er octobre ?", "2026-10-01"),
        ("fr", "Qu'a-t-il dit mardi dernier ?", LAST_TUESDAY),
        ("fr", "Et mardi de la semaine dernière ?", TUESDAY_OF_LAST_WEEK),
        ("fr", "Qu'a-t-elle dit il y a trois jours ?", THREE_DAYS_AGO),
        ("fr", "le mois dernier", LAST_MONTH),
        ("es", "¿Qué dijo el martes pasado?", LAST_TUESDAY),
        ("es", "¿Qué pidió hace dos semanas?", TWO_WEEKS_AGO),
        ("es", "¿Qué pasó el 3 de octubre de 2026?", "2026-10-03"),
        ("es", "el lunes de la semana pasada", "2026-11-16"),
        ("it", "Che cosa ha detto martedì scorso?", LAST_TUESDAY),
        ("it", "tre giorni fa", THREE_DAYS_AGO),
        ("it", "il 1º ottobre", "2026-10-01"),
        ("pt", "O que ela disse na terça-feira passada?", LAST_TUESDAY),
        ("pt", "o que disse na terça", LAST_TUESDAY),
        ("pt", "há duas semanas", TWO_WEEKS_AGO),
        ("nl", "Wat zei ze vorige dinsdag?", LAST_TUESDAY),
        ("nl", "drie dagen geleden", THREE_DAYS_AGO),
        ("nl", "vorige maand", LAST_MONTH),
        ("pl", "Co powiedziała w zeszły wtorek?", LAST_TUESDAY),
        ("pl", "w zeszłym tygodniu", LAST_WEEK),
        ("pl", "3 października", "2026-10-03"),
        ("ru", "Что она сказала в прошлый вторник?", LAST_TUESDAY),
        ("ru", "в прошлом месяце", LAST_MONTH),
        ("ru", "три дня назад", THREE_DAYS_AGO),
        ("ru", "3 октября 2026 года", "2026-10-03"),
        ("tr", "Geçen salı ne dedi?", LAST_TUESDAY),
        ("tr", "3 Ekim'de ne oldu?", "2026-10-03"),
        ("tr", "iki hafta önce", TWO_WEEKS_AGO),
        ("ar", "ماذا قالت يوم الثلاثاء الماضي؟", LAST_TUESDAY),
        ("ar", "قبل أسبوعين", TWO_WEEKS_AGO),
        ("ar", "في أكتوبر", LAST_MONTH),
        ("hi", "पिछले मंगलवार को क्या कहा?", LAST_TUESDAY),
        ("hi", "सोलह अक्टूबर को", "2026-10-16"),
        ("hi", "तीन दिन पहले", THREE_DAYS_AGO),
        ("hi", "कल क्या कहा था?", "2026-11-27"),
        ("ja", "先週の火曜日に何と言いましたか", TUESDAY_OF_LAST_WEEK),
        ("ja", "十月三日にはどんな相談がありましたか", "2026-10-03"),
        ("ja", "三日前", THREE_DAYS_AGO),
        ("ja", "先週末", "2026-11-21..2026-11-22"),
        ("zh", "上周二她说了什么？", TUESDAY_OF_LAST_WEEK),
        ("zh", "10月3日", "2026-10-03"),
        ("zh", "两周前", TWO_WEEKS_AGO),
        ("ko", "지난주 화요일에 뭐라고 했나요?", TUESDAY_OF_LAST_WEEK),
        ("ko", "10월 3일", "2026-10-03"),
        ("ko", "3일 전", THREE_DAYS_AGO),
    ],
)
def test_a_question_names_its_days(language: str, question: str, days: str) -> None:
    assert days in named(language, question)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Welche 3 Tabletten nimmt sie?"),
        ("de", "Will er zum Mai-Treffen gehen?"),
        ("de", "Was hat Frau März bestellt?"),
        ("de", "Wohnt August Müller noch dort?"),
        ("de", "Wie viele Tage dauert die Kur?"),
        ("de", "Welche Version 3.3 ist installiert?"),
        ("de", "guten Morgen"),
        ("hi", "कल की अपॉइंटमेंट कितने बजे है?"),
        ("fr", "Combien des 3 comprimés prend Avril ?"),
        ("fr", "Il a passé sa semaine au lit"),
        ("es", "¿Quién es Abril y qué 3 pastillas toma?"),
        ("es", "¿Cuándo llega, por la mañana?"),
        ("it", "Il cognome è Maggio?"),
        ("pt", "a segunda consulta e a terça parte"),
        ("nl", "Mei neemt de 3 pillen"),
        ("pl", "Maja bierze 3 tabletki"),
        ("ru", "Майя принимает 3 таблетки, среда обитания"),
        ("tr", "Nisan hanım 3 tablet alıyor"),
        ("ar", "كم من 3 أقراص تتناول؟"),
        ("hi", "3 गोलियां कब लेती हैं?"),
        ("ja", "3錠と3個の薬"),
        ("zh", "3片药和五月花"),
        ("ko", "알약 3개"),
    ],
)
def test_what_is_no_day_is_not_taken_for_one(language: str, text: str) -> None:
    assert days_in(language, folded(text), TODAY) == []


@pytest.mark.parametrize(
    ("language", "last_time", "first_time", "now"),
    [
        ("en", "What did she report last time?", "What did they want in the first call?", "Where do they live now?"),
        (
            "de",
            "Was hat sie beim letzten Anruf gemeldet?",
            "Worum ging es im ersten Gespräch?",
            "Was isst er derzeit?",
        ),
        (
            "fr",
            "Qu'a-t-elle dit au dernier appel ?",
            "Que voulait-il au premier appel ?",
            "Que prend-il maintenant ?",
        ),
        ("es", "¿Qué pidió la última vez?", "¿Qué quería en la primera llamada?", "¿Qué leche toma ahora?"),
        ("it", "Che cosa ha chiesto l'ultima volta?", "Perché ha chiamato la prima volta?", "Che cosa prende adesso?"),
        ("pt", "O que pediu na última ligação?", "O que queria na primeira chamada?", "Qual é o endereço atual?"),
        ("nl", "Wat wilde hij de laatste keer?", "Waar ging het eerste gesprek over?", "Wat is het huidige adres?"),
        ("pl", "O co prosiła ostatnim razem?", "O co chodziło w pierwszej rozmowie?", "Ile tabletek bierze teraz?"),
        ("ru", "На что жаловалась в последний раз?", "О чём был первый звонок?", "Где он живёт сейчас?"),
        ("tr", "Son aramada ne istedi?", "İlk görüşmede ne istedi?", "Paketler artık nereye bırakılmalı?"),
        ("ar", "ماذا طلبت في آخر اتصال؟", "ماذا أرادت في المكالمة الأولى؟", "ما عنوانه الحالي؟"),
        ("hi", "पिछली बार क्या कहा?", "पहली कॉल में क्या चाहिए था?", "अब क्या लगाते हैं?"),
        ("ja", "前回の電話で何と言いましたか", "最初の電話の用件は何でしたか", "今はどこに住んでいますか"),
        ("zh", "上一次来电她需要什么？", "第一次来电是为了什么？", "现在住在哪里？"),
        ("ko", "지난번에 뭐라고 했나요?", "첫 통화는 무슨 일이었나요?", "지금 어디 사나요?"),
    ],
)
def test_a_question_is_about_the_last_call_the_first_one_or_now(
    language: str, last_time: str, first_time: str, now: str
) -> None:
    words = time_words(language)
    patterns = (words.last_time, words.first_time, words.now)
    for number, question in enumerate((last_time, first_time, now)):
        assert patterns[number].search(folded(question)), question
    assert not words.last_time.search(folded(first_time))
    assert not words.first_time.search(folded(last_time))


@pytest.mark.parametrize(
    ("language", "question"),
    [("de", "Was hat sie sonst noch gesagt?"), ("fr", "Veut-elle encore du café ?"), ("it", "Vuole ancora un caffè?")],
)
def test_what_asks_for_more_does_not_ask_for_now(language: str, question: str) -> None:
    assert not time_words(language).now.search(folded(question))


def said(number: int, day: str, content: str, language: str) -> Memory:
    metadata = {
        "kind": kinds.MESSAGE,
        "conversation_id": f"conv_{number}",
        "called_at": f"{day}T10:00:00+00:00",
        "position": 1,
        "main_language": language,
    }
    return Memory(str(number), "caller", content, metadata=metadata, salience=0.8)


GERMAN = [
    said(1, "2026-03-03", "Der Zähler im Keller ist kaputt und zeigt nichts mehr an.", "de"),
    said(2, "2026-10-12", "Der neue Zähler ist da, jetzt fehlt noch die Rechnung.", "de"),
    said(3, "2026-11-24", "Der Zähler läuft wieder, aber der Monteur kam zu spät.", "de"),
]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Was hat sie am 3. März zum Zähler gesagt?", "1"),
        ("Was sagte sie letzten Monat über den Zähler?", "2"),
        ("Was war letzten Dienstag mit dem Zähler?", "3"),
        ("Was sagte sie beim ersten Anruf zum Zähler?", "1"),
        ("Was sagte sie beim letzten Anruf zum Zähler?", "3"),
    ],
)
def test_the_memories_of_the_day_asked_for_come_first(question: str, found: str) -> None:
    assert rank(question, GERMAN, 1, TODAY)[0].memory.id == found


def test_the_day_is_found_where_calls_are_wrongly_said_to_be_english() -> None:
    memories = [one._replace(metadata={**one.metadata, "main_language": "en"}) for one in GERMAN]
    assert rank("Was hat sie am 3. März über den Zähler gesagt?", memories, 1, TODAY)[0].memory.id == "1"
    assert rank("What did she say about it last Tuesday?", memories, 1, TODAY)[0].memory.id == "3"


def test_a_language_without_words_of_time_is_read_as_english() -> None:
    assert days_in("sv", "what about yesterday", TODAY) == days_in("en", "what about yesterday", TODAY) != []


def test_a_long_text_is_read_as_far_as_a_question_may_be() -> None:
    assert days_in("de", "x " * 2000 + "gestern", TODAY) == []


@pytest.mark.parametrize("code", CODES)
def test_every_language_has_its_words(code: str) -> None:
    assert time_words(code) is not (time_words("en") if code != "en" else None)
