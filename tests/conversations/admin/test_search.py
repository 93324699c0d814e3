"""The admin's search: what it finds in any script and spelling, what it shows of it, and which names it offers.

All of it holds on SQLite and on PostgreSQL.
"""

import re
from collections.abc import Iterator, Sequence
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags

from conversations.admin.near_names import near_questions
from conversations.admin.search import callers_matching, calls_matching
from conversations.index.cards import save_card
from conversations.models import Caller, CallerCard, Conversation
from elmemory.memory.card import Card
from tests.conftest import As
from tests.harness.samples import transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads"),
]

CALLER, OTHER = "+14155550100", "+14155550101"
CALLS, CALLERS = "/admin/conversations/conversation/", "/admin/conversations/caller/"


@pytest.fixture(autouse=True)
def no_cards(index_schema: None) -> Iterator[None]:  # noqa: ARG001
    yield
    CallerCard.objects.all().delete()


def call(*says: str, name: str = "", caller: str | None = CALLER, **more: Any) -> str:
    """A delivered call with these sentences of the caller; its id."""
    facts = {"first_name": name} if name else {}
    return deliver(transcription(caller, *(says or ("Hi.",)), facts=facts, **more))


def finds(client: Client, question: str, address: str = CALLS) -> int:
    """How many rows the list shows for the question."""
    answer = client.get(address, {"q": question}, follow=True)
    assert answer.status_code == 200
    return int(answer.context["cl"].result_count)


def calls_found(question: str) -> set[str]:
    """The ids of the calls that staff who may see numbers find."""
    matching = calls_matching(Conversation.objects.all(), question, reveal=True)
    return set(matching.values_list("conversation_id", flat=True))


def wrongly_answered(table: Sequence[tuple[str, str]], *, finds: bool) -> list[tuple[str, str]]:
    """The rows (what is said in a call, question) whose question does not find the call, or does if it should not."""
    calls = {said: call(said) for said, _ in table}
    return [(said, question) for said, question in table if (calls[said] in calls_found(question)) is not finds]


def excerpt(client: Client, question: str) -> str:
    """The excerpt below the title, its hits in brackets."""
    text = client.get(CALLS, {"q": question}, follow=True).content.decode()
    found = re.search(r'<div class="excerpt">(.*?)</div>', text, re.DOTALL)
    return (
        unescape(strip_tags(re.sub(r"</?mark>", lambda tag: "[" if tag[0] == "<mark>" else "]", found[1])))
        if found
        else ""
    )


def offered(client: Client, question: str, address: str = CALLS) -> list[str]:
    """The questions behind "Did you mean"."""
    text = client.get(address, {"q": question}, follow=True).content.decode()
    line = re.search(r'<p class="near">(.*?)</p>', text, re.DOTALL)
    return [unescape(name) for name in re.findall(r"<a [^>]*>(.*?)</a>", line[1])] if line else []


# Scripts without blanks


WORDS_INSIDE_RUNS = [
    ("我想預約明天下午的牙醫", "預約"),
    ("我想預約明天下午的牙醫", "牙醫"),
    ("我想預約明天下午的牙醫", "醫"),
    ("我想預約明天下午的牙醫", "約"),
    ("我想預約明天下午的牙醫", "明天下午"),
    ("我想預約明天下午的牙醫", "牙醫 預約"),
    ("我想預約明天下午的牙醫", '"預約明天"'),
    ("アレルギーは小麦だけです", "小麦"),
    ("アレルギーは小麦だけです", "アレルギー"),
    ("アレルギーは小麦だけです", "ｱﾚﾙｷﾞｰ"),
    ("アレルギーは小麦だけです", "あれるぎー"),
    ("𠮷野家で会いましょう", "𠮷野家"),
    ("葛󠄀城さんをお願いします", "葛城"),
    ("ขอจองโต๊ะสำหรับสี่คน", "จองโต๊ะ"),
    ("ຂໍຈອງໂຕະສໍາລັບສີ່ຄົນ", "ຈອງ"),
    ("ខ្ញុំចង់កក់តុសម្រាប់បួននាក់", "កក់តុ"),
    ("ကျွန်တော် စားပွဲကြိုတင်မှာချင်ပါတယ်", "ကြိုတင်"),
    ("내일 치과예약을 바꾸고 싶어요", "예약"),
    ("내일 치과예약을 바꾸고 싶어요", "\u110b\u1168\u110b\u1163\u11a8"),
    ("我的iPhone15壞了", "iPhone15"),
    ("我的iPhone15壞了", "壞了"),
    ("B2B客戶的合約", "客戶"),
]


def test_a_word_inside_a_run_is_found() -> None:
    assert wrongly_answered(WORDS_INSIDE_RUNS, finds=True) == []


def test_characters_that_do_not_stand_together_are_not_a_word() -> None:
    questions = "約預", "預明", "牙約", '"牙醫 預約"', "預約 -牙醫", "鯨"
    assert wrongly_answered([("我想預約明天下午的牙醫", question) for question in questions], finds=False) == []


# Spellings


SPELLINGS = [
    ("Jürgen Groß", "Gross"),
    ("Jürgen Groß", "Juergen"),
    ("Jürgen Groß", "Jurgen"),
    ("Jürgen Groß", "jürgen groß"),
    ("Jürgen Groß", "JUERGEN GROSS"),
    ("Jürgen Groß", "juerg"),
    ("Jürgen Groß", '"Juergen Gross"'),
    ("Jürgen Groß", '"Jurgen Gross"'),
    ("Ju\u0308rgen Groß", "Juergen"),
    ("Juergen Gross", "Jürgen"),
    ("Jurgen Gross", "Jürgen"),
    ("Juergen Gross", '"Jürgen Groß"'),
    ("Müller-Lüdenscheidt", "Mueller-Luedenscheidt"),
    ("Mueller-Luedenscheidt", "Müller-Lüdenscheidt"),
    ("Neuenbürg", "Neuenbuerg"),
    ("Søren Kjær", "Soren Kjaer"),
    ("Søren Kjær", "Soeren"),
    ("Soeren", "Søren"),
    ("Århus", "Aarhus"),
    ("Århus", "arhus"),
    ("Łukasz Wałęsa", "Lukasz Walesa"),
    ("Đorđe", "dorde"),
    ("Nguyễn Thị Đào", "nguyen thi dao"),
    ("İbrahim Işık", "ibrahim isik"),
    ("ISPARTA", "ısparta"),
    ("Þórður", "thordur"),
    ("Œuvre", "oeuvre"),
    ("ﬁnance", "finance"),
    ("José Núñez", "jose nunez"),
    ("Γιώργος Παπάς", "γιωργοσ παπασ"),
    ("Семёнов Андрей", "семенов андреи"),
    ("مُحَمَّد", "محمد"),
    ("أحمد", "احمد"),
    ("علی", "علي"),
    ("محمـــد", "محمد"),
    ("שָׁלוֹם", "שלום"),
    ("कृष्ण से मिलना है", "कृष्ण"),
    ("Mit Ter\u00admin bitte", "Termin"),
    ("Ｂｉｓｃｕｉｔ", "biscuit"),
    ("غرفة ١٢٣٤", "1234"),
    ("B2B-Termin am Montag", "b2b-termin"),
    ("B2B-Termin am Montag", "B2B"),
    ("Das iPhone 15 ist kaputt", '"iphone 15"'),
    ("Write to maya@example.com", "maya@example.com"),
    ("Maya's dog", "Maya"),
    ("This is Maya's dog", '"maya\'s dog"'),
    ("Aoife O’Brien", "OBrien"),
    ("Aoife O'Brien", "obri"),
    ("Aoife O'Brien", "O’Brien"),
    ("Aoife O'Brien", "o brien"),
    ("Aoife OBrien", "O’Brien"),
    ("Aoife OBrien", "O`Brien"),
    ("Sean Smith-O'Brien", "OBrien"),
    ("Omar Al-Masri", "AlMasri"),
    ("AlMasri", "al-masri"),
    ("Sa’id D’Ángelo", "said dangelo"),
]


def test_a_word_is_found_in_another_spelling() -> None:
    assert wrongly_answered(SPELLINGS, finds=True) == []


NO_SPELLINGS = [
    ("My coat is blunt", "blue"),
    ("The dos and the don'ts", "does"),
    ("Herr Jurgen Gross", "Juergen"),
    ("Jürgen sprach mit Herrn Gross", '"Juergen Gross"'),
    ("Jürgen Groß", '"Gross Juergen"'),
    ("Jürgen", "Jürgen -juergen"),
    ("Ein Gruss", "Groß"),
    ("Mr O, Brien is here", "OBrien"),
]


def test_a_spelling_is_not_another_word() -> None:
    assert wrongly_answered(NO_SPELLINGS, finds=False) == []


def test_the_list_shows_what_is_found(staff: Client) -> None:
    call("Jürgen Groß")
    call("Hello.")
    assert finds(staff, "juergen") == 1
    assert finds(staff, "juergen -gross") == 0


NAMES = [
    ("Jürgen Groß", "gross"),
    ("Jürgen Groß", "juergen"),
    ("王小明", "小明"),
    ("Łukasz", "lukasz"),
    ("Зоя Ёлкина", "елкина"),
    ("田中さくら", "サクラ"),
    ("Aoife O’Brien", "OBrien"),
    ("Aoife OBrien", "O'Brien"),
]


def test_a_caller_is_found_by_a_name_in_any_spelling(staff: Client) -> None:
    numbers = {name: f"+1415555011{number}" for number, name in enumerate(dict(NAMES))}
    calls = {name: call(name=name, caller=number) for name, number in numbers.items()}
    call("Hello.", caller=OTHER, name="Priya Raman")
    missed = []
    for name, question in NAMES:
        condition = callers_matching(question, reveal=True)
        assert condition is not None
        callers = set(Caller.objects.filter(condition).values_list("number", flat=True))
        if numbers[name] not in callers or OTHER in callers or calls[name] not in calls_found(question):
            missed.append((name, question))
    assert missed == []
    assert finds(staff, "елкина", CALLERS) == 1


@pytest.mark.parametrize("question", ["Gross", "juergen", '"jürgen groß"'])
def test_a_name_of_the_card_is_found_too(staff: Client, question: str) -> None:
    call("Hi.")
    save_card(CALLER, Card(facts={"first_name": "Jürgen", "last_name": "Groß"}))
    assert finds(staff, question, CALLERS) == 1
    assert finds(staff, question) == 1


def test_what_is_said_makes_no_name(staff: Client) -> None:
    call("Tell Jürgen Groß that I called.", name="Maya")
    assert finds(staff, "gross") == 1
    assert finds(staff, "gross", CALLERS) == 0


# Numbers


def test_a_number_that_no_one_has_finds_no_call_without_a_caller(staff: Client) -> None:
    call("Hi.", caller=None)
    call("Hello.", caller="anonymous")
    call("Hi.", caller=CALLER)
    questions = (
        *("000000", "0000", "1234567", "+1 000 000 0000", "(415) 555-0177", "+1 415 555 0199", "12345678901234567890"),
        *("0000000", "000 000 0000", "+", "()", "99999999999999999"),
    )
    assert [question for question in questions if calls_found(question)] == []
    assert finds(staff, "000000") == finds(staff, "000000", CALLERS) == 0


@pytest.mark.parametrize(
    "question", ["+1 415 555 0100", "5550100", "0100", "\u202a+1\u00a0415\u00a05550100\u202c", "٠١٠٠"]
)
def test_a_number_finds_its_caller(staff: Client, question: str) -> None:
    call("Hi.", caller=CALLER)
    call("Hi.", caller=OTHER)
    assert finds(staff, question) == 1
    assert finds(staff, question, CALLERS) == 1


# Excerpts


@pytest.mark.parametrize(
    ("said", "question", "shown"),
    [
        ("My dog is called Biscuit.", "bisc", "My dog is called [Biscuit]"),
        ("Hier ist Jürgen Groß.", "Gross", "Jürgen [Groß]"),
        ("Hier ist Jürgen Groß.", "Juergen", "[Jürgen] Groß"),
        ("Hier ist Jürgen Groß.", '"juergen gross"', "[Jürgen Groß]"),
        ("Hier ist Ju\u0308rgen Groß.", "jurgen", "[Ju\u0308rgen] Groß"),
        ("Hier ist Juergen.", "Jürgen", "ist [Juergen]"),
        ("我想預約明天下午的牙醫", "預約", "我想[預約]明天"),
        ("我想預約明天下午的牙醫", "牙醫 預約", "我想[預約]明天下午的[牙醫]"),
        ("ｱﾚﾙｷﾞｰです", "アレルギー", "[ｱﾚﾙｷﾞｰ]です"),
        ("مُحَمَّد هنا", "محمد", "[مُحَمَّد] هنا"),
        ("Blunt and blue.", "blue", "Blunt and [blue]"),
        ("Is a <b>bold</b> & red dog", "dog", "<b>bold</b> & red [dog]"),
    ],
)
def test_the_excerpt_shows_what_was_said_with_the_hit_marked(
    staff: Client, said: str, question: str, shown: str
) -> None:
    call(said)
    assert shown in excerpt(staff, question)


def test_the_excerpt_is_the_place_with_most_of_the_words(staff: Client) -> None:
    call("The dog barked.", *(["Let us talk about something else for a while."] * 9), "A brown dog in a garden.")
    found = excerpt(staff, "garden brown dog")
    assert "A [brown] [dog] in a [garden]" in found
    assert found.startswith("…")
    assert len(found) < 200


def test_a_word_of_the_summary_is_shown_there(staff: Client) -> None:
    call("Hi.", summary="The caller asked for the opening hours of the shop. Nothing else was said.")
    assert "asked for the [opening] hours" in excerpt(staff, "opening")


def test_an_excerpt_never_has_the_number_for_those_who_may_not_see_it(as_role: As) -> None:
    call("Well, you want to know where you reach me: my number is +1 (415) 555 0100, always.")
    found = excerpt(as_role("viewer"), "number")
    assert "my [number] is +14•••••••00, always." in found


# Near spellings of names


@pytest.mark.parametrize(
    ("name", "question", "expected"),
    [
        ("Chidi Okafor", "Okafour", "Okafor"),
        ("Maya Okafor", "Maya Okafour", "Maya Okafor"),
        ("Anna Schmidt", "Shmidt", "Schmidt"),
        ("Anna Schmidt", "Schmitt", "Schmidt"),
        ("Karl Meier", "Mayer", "Meier"),
        ("Muhammad Iqbal", "Mohamed", "Muhammad"),
        ("Christina Bell", "Kristina", "Christina"),
        ("Stephen Bell", "Steven", "Stephen"),
        ("John Bell", "Jon Bel", "John Bell"),
        ("Jürgen Groß", "Jorgen", "Jürgen"),
        ("Jürgen Groß", "Gros Juergn", "Groß Jürgen"),
        ("Aoife O'Brien", "OBrian", "O'Brien"),
        ("Wojciech Zieliński", "Zielinsky", "Zieliński"),
        ("Наталья Иванова", "Наталия", "Наталья"),
        ("Γιώργος Παπαδόπουλος", "Παπαδοπουλοσς", "Παπαδόπουλος"),
        ("יוסף כהן", "יוסוף", "יוסף"),
        ("محمود درويش", "محمد", "محمود"),
        ("김민수", "김민서", "김민수"),
        ("さとうゆうこ", "サトウユーコ", "さとうゆうこ"),
        ("王小明", "王晓明", "王小明"),
        ("सुनीता शर्मा", "सुनिता", "सुनीता"),
        ("สมชาย ใจดี", "สมชัย", "สมชาย"),
    ],
)
def test_a_near_spelling_of_a_name_is_offered(name: str, question: str, expected: str) -> None:
    call_id = call(name=name)
    call(name="Priya Raman", caller=OTHER)
    assert near_questions(question) == [expected]
    assert calls_found(expected) == {call_id}


@pytest.mark.parametrize("address", [CALLS, CALLERS])
def test_the_offer_stands_in_each_list(staff: Client, address: str) -> None:
    call(name="Maya Okafor")
    call(name="Priya Raman", caller=OTHER)
    assert offered(staff, "Okafour", address) == ["Okafor"]
    assert finds(staff, "Okafor", address) == 1


def test_several_names_are_offered_the_nearest_first(staff: Client) -> None:
    for number, name in enumerate(["Meyer", "Maier", "Mayor", "Okafor"]):
        call(name=f"Anna {name}", caller=f"+1415555011{number}")
    assert offered(staff, "Mayer") == ["Maier", "Mayor", "Meyer"]


def test_the_other_words_of_the_question_stay(staff: Client) -> None:
    call("My dog is called Biscuit.", name="Maya Okafor")
    assert offered(staff, "Okafour biscuit -cat") == ["Okafor biscuit -cat"]
    assert finds(staff, "Okafor biscuit -cat") == 1


def test_the_offer_keeps_the_filters(staff: Client) -> None:
    call(name="Maya Okafor")
    text = staff.get(CALLS, {"q": "Okafour", "has_audio__exact": "0"}).content.decode()
    assert re.search(r'<a href="\?has_audio__exact=0&amp;q=Okafor">Okafor</a>', text)


def test_a_name_of_the_card_is_offered(staff: Client) -> None:
    call("Hi.")
    save_card(CALLER, Card(facts={"first_name": "Maya", "last_name": "Okafor"}))
    assert offered(staff, "Okafour", CALLERS) == ["Okafor"]


def test_nothing_is_offered_for_a_name_or_what_is_like_none(staff: Client) -> None:
    call(name="Maya Okafor")
    questions = "Okafor", "oka", "maya okafor", "Maya", "appointment", "x", "5550100", "-Okafour", ""
    assert [question for question in questions if offered(staff, question)] == []


def test_a_forgotten_name_is_not_offered(staff: Client) -> None:
    save_card(CALLER, Card(facts={"first_name": "Maya", "last_name": "Okafor"}))
    assert offered(staff, "Okafour") == ["Okafor"]
    CallerCard.objects.all().delete()
    assert offered(staff, "Okafour") == []


def test_a_name_stays_text_where_it_is_offered(staff: Client) -> None:
    call(name="Maya Okafor")
    text = staff.get(CALLS, {"q": "Okafour <b>bold</b>"}).content.decode()
    assert "Okafor &lt;b&gt;bold&lt;/b&gt;</a>" in text
    assert "<b>bold" not in text


# Questions of any shape


ODD_QUESTIONS = [
    "'", "''", "\\", "' OR 1=1 --", "a:b & !c | <->", '"', "-", "%", "_", "\x00", "\ue000", "ä" * 3000, "a" * 3000,
    " ".join(["ue ae oe"] * 300), '"' + "Müeaeoe " * 50 + '"', "﷽", "½", "😀",
]  # fmt: skip


def test_any_question_has_an_answer(staff: Client) -> None:
    call("My dog is called Biscuit.", name="Maya")
    for question in ODD_QUESTIONS:
        assert finds(staff, question) in (0, 1)
        assert finds(staff, question, CALLERS) in (0, 1)


def test_a_call_of_a_hundred_thousand_words_is_found_by_its_words(staff: Client) -> None:
    call(" ".join(f"word{number}{'x' * 20}" for number in range(100_000)), summary="A very long call.")
    assert finds(staff, "word77") == 1
    assert finds(staff, "long") == 1


def test_a_name_without_its_apostrophe_is_marked_in_the_text(staff: Client) -> None:
    call("Mr O’Brien called")
    assert "<mark>O’Brien</mark>" in staff.get(CALLS, {"q": "OBrien"}).content.decode()


# Many calls


def test_the_calls_found_are_paged_in_the_order_of_the_list(staff: Client) -> None:
    for number in range(60):
        call("My dog.", summary=f"Call {number:02}", started_at=1_790_000_000 + number * 60)
    for order, first in ({}, "Call 59"), ({"o": "-1"}, "Call 59"), ({"o": "1"}, "Call 00"):
        answer: Any = staff.get(CALLS, {"q": "dog", **order})
        assert answer.context["cl"].result_count == 60
        shown = re.findall(r"Call \d\d", answer.content.decode())
        assert shown[0] == first
        rest = re.findall(r"Call \d\d", staff.get(CALLS, {"q": "dog", "p": "2", **order}).content.decode())
        assert (len({*shown}), len({*rest})) == (36, 24)
        assert {*shown, *rest} == {f"Call {number:02}" for number in range(60)}
    assert finds(staff, "dog -call") == 0
    filtered: Any = staff.get(CALLS, {"q": "dog", "has_audio__exact": "1"})
    assert filtered.context["cl"].result_count == 0
