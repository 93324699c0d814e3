"""Sentences for "nothing" in the fields of free text: requests, promises, what was settled, lasting sentences."""

import pytest

from elmemory.memory.values import usable_value
from tests.harness.tables import values

NOTHING_OPEN = values("""
    No open requests.|Nothing outstanding.|No promise was made by the agent.|The agent made no promise.|No.|yes|false
    None. The agent did not commit to anything.|The caller is not waiting for anything.|No follow-up needed.
    No open request; everything was resolved during the call.|No action items.|All issues were resolved, nothing open
    There are no open requests at the end of the call.|Keine Zusage.|Es ist nichts offen.|Es wurde nichts versprochen.
    Der Agent hat nichts zugesagt.|Es steht nichts aus|El agente no prometió nada.|No hay solicitudes pendientes.
    Nada pendiente.|Aucune demande en cours.|L'agent n'a rien promis.|Nessuna richiesta in sospeso.
    O agente não prometeu nada.|Geen openstaande verzoeken.|Brak otwartych próśb.|Нет открытых запросов.
    Агент ничего не обещал|Açık talep yok.|لا توجد طلبات مفتوحة|कोई अनुरोध नहीं|没有未解决的请求|依頼なし
    未解決の依頼はありません|요청 없음
""")
SOMETHING_OPEN = values("""
    A new bank card from the branch by Friday.|No reply from the landlord yet.|The caller wants no further calls.
    Waiting for a callback.|Not to be called before nine.|The request for a new key is not resolved.|No heating.
    Send nothing by post anymore.|Follow up on the open invoice|The caller no longer wants the lamp replaced.
    Keine Rechnung erhalten: neue Rechnung bis Freitag.|No hay agua caliente; quiere un técnico.|Pas de chauffage.
    没有收到包裹|请求退款|予約の変更|Not settled|The issue has not been resolved.|Missing item|Cannot open the item
    Noch offen|Nicht erledigt|Sin resolver|Non ancora risolto|Do not share data|No follow-up calls|Do not follow up
    Not to be recorded
""")
NOT_SETTLED = values("""
    No|False|nein|No earlier request was settled.|There was no earlier open request.|Nothing was resolved|Unresolved
    The earlier request was not resolved.|The card has not arrived yet; still open.|Die Anfrage ist noch offen.
    Nicht erledigt.|No se resolvió.|Sigue pendiente.|La demande n'est pas encore réglée|Non risolta|Ainda não
    Open|The card has not arrived.|Partially resolved|Could not be resolved|Nicht angekommen|Henüz çözülmedi
    Nog niet opgelost|Nie rozwiązano|Ещё не решено|未解决|まだ解決していません|해결되지 않음
""")
SETTLED = values("""
    Yes.|true|The new bank card has arrived.|The callback about the tap.|The caller no longer wants the lamp.
    The invoice is no longer needed.|Die Karte ist da.|Der Kunde braucht die Karte nicht mehr.|解決しました|已解决
""")
NOTHING_LASTING = values("""
    No lasting information was shared.|There is nothing lasting to note about the caller.|Nothing noteworthy.
    The caller shared no personal details.|Es wurden keine dauerhaften Informationen genannt.|yes
    Der Anrufer hat nichts Persönliches erzählt.|Aucune information durable.|没有值得记录的信息。
""")
SOMETHING_LASTING = values("""
    The caller has no car.|She takes no medication.|The caller does not want to be called.|He has no children.
    The caller doesn't speak English.|The caller has no permanent address.|Keine Kinder.
    The caller does not remember anything.|The caller has no personal email.|The caller cannot hear.
    The caller prefers not to be recorded.|Il n'a pas d'adresse permanente.|The caller has no long-term partner.
""")


@pytest.mark.parametrize("field", ["open_request", "agent_promise"])
def test_a_sentence_for_nothing_is_no_request_and_no_promise(field: str) -> None:
    assert {text: usable_value(text, field) for text in NOTHING_OPEN} == dict.fromkeys(NOTHING_OPEN)


@pytest.mark.parametrize("field", ["open_request", "agent_promise"])
def test_a_request_that_denies_something_stays(field: str) -> None:
    assert [text for text in SOMETHING_OPEN if not usable_value(text, field)] == []


def test_what_says_that_an_earlier_request_is_still_open_settles_nothing() -> None:
    assert {text: usable_value(text, "resolved_request") for text in NOT_SETTLED} == dict.fromkeys(NOT_SETTLED)


def test_what_settles_a_request_stays() -> None:
    assert [text for text in SETTLED if not usable_value(text, "resolved_request")] == []


def test_a_sentence_for_nothing_is_no_lasting_sentence() -> None:
    assert {text: usable_value(text, "caller_profile") for text in NOTHING_LASTING} == dict.fromkeys(NOTHING_LASTING)


def test_a_lasting_sentence_that_denies_something_stays() -> None:
    assert [text for text in SOMETHING_LASTING if not usable_value(text, "caller_profile")] == []


@pytest.mark.parametrize("field", ["open_request", "agent_promise", "caller_profile", "resolved_request"])
@pytest.mark.parametrize("value", [False, 0, 3, 1.5, ["no"], [None]])
def test_a_number_or_a_denial_is_no_sentence(field: str, value: object) -> None:
    assert usable_value(value, field) is None


def test_true_settles_a_request_and_is_none() -> None:
    assert (usable_value(True, "resolved_request"), usable_value(True, "open_request")) == ("yes", None)


def test_other_fields_may_deny_these_words() -> None:
    assert usable_value("No open requests.", "complaints") == "No open requests."
