"""Phrases and marks for "nothing", and values that look like them, in the languages of ElevenLabs' agents."""

import pytest

from elmemory.memory.values import usable_value
from tests.harness.tables import values

PHRASES_FOR_NOTHING = values("""
    The customer did not give an email address|Caller did not share this information
    The user never mentioned their budget|no budget was mentioned|budget not discussed|Not discussed during the call
    Not asked|Was not asked|The agent did not ask|Not stated.|Not provided by caller|Not provided yet
    Information not provided|No information provided by the customer|Not enough information|Cannot be determined
    Could not be determined from the conversation|Unable to determine|Not explicitly stated|not disclosed
    undisclosed|Unspecified|Not known|I don't know|The caller does not know|they didn't say
    didn't answer the question|refused to answer|Prefer not to say|not applicable|N.A.|n/a|(none)|None mentioned
    None provided.|[REDACTED]|[social security number]|<EMAIL>|[PERSON_1]|***********|xxx-xxx-xxxx|{{budget}}
    [unclear]|—|...|No se proporcionó|No lo mencionó|El usuario no mencionó su presupuesto
    No fue mencionado durante la llamada|no se dio esta información|No disponible|Sin información|desconocido
    El cliente prefirió no decirlo|No especificado|La persona no lo sabe|Non renseigné
    Non mentionné dans la conversation|L'utilisateur n'a pas mentionné son budget|Pas d'information
    Le client a refusé de répondre|Pas précisé|inconnu|Aucune information fournie|Non indiqué par l'appelant
    Nicht erwähnt|Wurde im Gespräch nicht erwähnt|Der Kunde hat dazu nichts gesagt|Keine Informationen
    Keine Angaben gemacht|unbekannt|Nicht bekannt|Der Anrufer nannte kein Budget|Keine Auskunft|Hat er nicht gesagt
    nicht besprochen|Não mencionado|Não foi informado pelo cliente|O usuário não especificou|Sem informação|Não sabe
    desconhecido|Recusou-se a responder|Non menzionato|Non specificato nella conversazione
    L'utente non ha indicato il budget|Nessuna informazione|sconosciuto|Il cliente non lo ha detto|Niet genoemd
    Niet gespecificeerd in het gesprek|De klant heeft dit niet aangegeven|Geen informatie|onbekend|Weet hij niet
    Nie określono|Klient nie wspomniał o tym|Brak informacji|Nie wiadomo|nieznany|Klient odmówił odpowiedzi
    Не упоминалось|Клиент не сообщил|Не предоставлено|Нет информации|неизвестно|Отказался отвечать
    Информация не предоставлена|Не вказано|Клієнт не повідомив|Невідомо|Немає інформації|Neuvedeno|Zákazník nesdělil
    Není známo|Neznámé|Ej angivet|Kunden nämnde inte detta|Okänt|Framkom inte|Ingen uppgift|Ikke oplyst|Ikke nevnt
    Ei tiedossa|Ei mainittu|Asiakas ei maininnut|Nu a fost menționat|Clientul nu a specificat|Nespecificat
    Necunoscut|Nem említette|Nincs megadva|Az ügyfél nem mondta|Ismeretlen|Δεν αναφέρθηκε|Άγνωστο|Belirtmedi
    Müşteri belirtmedi|Bilinmiyor|Bilgi verilmedi|Konuşmada bahsedilmedi|Söylemedi|Tidak disebutkan|Tidak diketahui
    Pelanggan tidak memberikan informasi|Belum disebutkan|Tidak ada informasi|Không đề cập
    Khách hàng không cung cấp thông tin|Không có thông tin|Chưa cung cấp|Не е посочено|Nije navedeno
    لم يذكر العميل ذلك
    غير محدد
    لم يتم ذكره
    لم يقدم المتصل هذه المعلومات
    غير معروف
    لا توجد معلومات
    لم يتم تقديم أي معلومات
    उल्लेख नहीं किया गया|नहीं बताया|जानकारी नहीं दी|ज्ञात नहीं|ग्राहक ने नहीं बताया|पता नहीं|अज्ञात|未提及|没有说明
    客户没有提供|对话中未提到|用户未透露|未知|不知道|暂无信息|無資料|没有告知|言及されていない|言及なし
    提供されていません|ユーザーは答えませんでした|未回答|わかりません|会話では触れられていない|特になし|情報なし
    언급되지 않음|언급 없음|고객이 제공하지 않았습니다|알 수 없음|대화에서 언급되지 않았음|모름|미제공|정보 없음
    말하지 않았음|ไม่ได้ระบุ|ไม่ทราบ
    לא צוין
    ذکر نشده
    Hindi binanggit|Not found|NOT_FOUND|Not found in transcript|missing information|Insufficient information
    Not gathered|No email on file|Call ended before the information could be collected
    The call was disconnected before the caller could answer|The user has not provided a reason for calling
    N/A (the call was too short)|Not provided (caller was in a hurry)
    not mentioned; she asked for the opening hours only|nicht angegeben (aufgelegt)|No se pudo determinar
    Sin correo electrónico|Aucune mention|Non abordé|Aucune réponse|N'a pas pu être déterminé|entfällt|k. A.
    Konnte nicht ermittelt werden|Não foi possível determinar|Sem e-mail|Nessuna risposta
    Non è stato possibile determinarlo|Nie udało się ustalić|Не удалось установить|Uppgift saknas|Fremgår ikke
    Nem alkalmazható|Nem derült ki|Δεν ισχύει|Nu se cunoaște|İsim geçmedi|Không được nhắc đến|लागू नहीं|未識別
    알려지지 않음
""")

VALUES = values("""
    No|Yes|no|Never|Not before Tuesday|Not on weekends|No sugar|No peanuts, please|No pets|no preference|No change
    nothing fried|Nothing spicy|none of the above rooms|None but his brother may collect it
    Unknown number keeps calling her|Does not drink|doesn't drive at night|has no car|Not interested
    not sure about the date, perhaps June|Cannot walk stairs|Without onions
    The caller does not want to be called before ten|The customer never received the parcel|refused the first offer
    Declined the upgrade|prefers mornings|Give her a call on Monday|Said he would come by|No parking at the house
    No answer at the door|not covered by insurance|paid in full|Nadie fuma en casa|Sin cebolla|No come carne
    No puede los lunes|nunca los viernes|Ninguno de los dos conduce|No recibió el paquete|Sans sucre
    Ne mange pas de porc|Pas avant midi|Aucun de ses enfants ne vient|Jamais le lundi|Il n'a pas reçu le colis
    Ohne Zwiebeln|Kein Schweinefleisch|Nicht vor zehn Uhr|Keines der Kinder isst Fisch|Isst nichts mit Nüssen
    hat das Paket nicht erhalten|Sem glúten|Não come carne|Nunca às segundas|Nenhum dos filhos fuma
    Não recebeu a encomenda|Senza lattosio|Non mangia pesce|Mai di lunedì|Nessuno dei due guida|Zonder suiker
    Eet geen vlees|Niet voor negen uur|Geen van beiden rookt|Bez cukru|Nie je mięsa|Nigdy w poniedziałki|Без сахара
    Не ест мясо|Никогда по понедельникам|Нет|Да|Без цукру|Не їсть м'яса|Bez lepku|Nejí maso|Utan socker
    Äter inte kött|Ikke før ni|Spiser ikke kød|Ei maitoa|Ei syö lihaa|Fără zahăr|Nu mănâncă carne|Cukor nélkül
    Nem eszik húst|Χωρίς ζάχαρη|Δεν τρώει κρέας|Şekersiz|Et yemiyor|Hayır|Tanpa gula|Tidak makan daging
    Không ăn thịt|Không đường
    بدون سكر
    لا يأكل اللحم
    لا
    नहीं|मांस नहीं खाता|बिना चीनी|不吃肉|不要辣|不|没有孩子|無糖|肉は食べない|いいえ|砂糖なし|月曜日は来られない
    고기를 안 먹음|설탕 없음|아니요|ไม่กินเนื้อ
    ללא סוכר
    unlisted on the roster|Name on the parcel is Lindqvist|Customer since 2019|user of a wheelchair
    guest room on the left|Ask for the caretaker|Missing a shelf|12 Unknown Lane|anonymous donation
    The agent said the part is in stock|XL|4|4.5|O negative|Rh negative|NULL island trip|n/a Street|Empty
    blank cheque|not given any refund|said nothing tastes right|told the agent that nothing works
    He knows nothing about cars|asked not to be called again|wants no newsletter|does not want to give up the lease
    Not found in the garage either|Not available until Friday, but reachable by text
    Does not know yet; wants to be called back|Missing invoice|No signal (second floor)
    Not provided, but she will send it on Friday
""")


def test_a_phrase_for_nothing_is_no_value() -> None:
    found = {phrase: usable_value(phrase, "budget") for phrase in PHRASES_FOR_NOTHING}
    assert found == dict.fromkeys(PHRASES_FOR_NOTHING)


def test_a_value_that_denies_something_is_a_value() -> None:
    assert {value: usable_value(value, "note") for value in VALUES} == {value: value for value in VALUES}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dietary_needs", "No dietary needs mentioned"),
        ("insurance_number", "The patient does not know the insurance number"),
        ("move_in_date", "No move-in date was given"),
        ("geburtsdatum", "Geburtsdatum nicht genannt"),
        ("presupuesto", "No se mencionó el presupuesto"),
        ("budget", "No se mencionó el presupuesto del cliente"),
        ("予算", "予算は言及されていません"),
        ("예산", "예산은 언급되지 않음"),
    ],
)
def test_a_phrase_for_nothing_may_name_the_field(field: str, value: str) -> None:
    assert usable_value(value, field) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("allergies", "No allergies"),
        ("allergies", "No known allergies"),
        ("allergien", "Keine Allergien bekannt"),
        ("alergias", "Ninguna alergia conocida"),
        ("allergies", "Aucune allergie connue"),
        ("alerji", "Alerji yok"),
        ("알레르기", "알레르기 없음"),
        ("アレルギー", "アレルギーなし"),
        ("documents_provided", "Not provided"),
        ("price_mentioned", "not mentioned"),
        ("call_outcome", "Did not answer"),
        ("consent", "Not given"),
        ("shirt_size", "XX"),
    ],
)
def test_what_the_field_itself_asks_for_is_a_value(field: str, value: str) -> None:
    assert usable_value(value, field) == value


def test_a_phrase_is_left_out_of_a_list() -> None:
    assert usable_value(["Tuesday", "not mentioned", None, "[DATE]"], "days") == "Tuesday"
