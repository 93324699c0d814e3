"""A card is written in the caller's language: sentences, days and counts."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from elmemory.memory import kinds
from elmemory.memory.card import Card, card_from, card_memory, card_of
from elmemory.memory.card_state import CardState, state_from, state_of
from elmemory.memory.disclosure import disclosed
from elmemory.memory.phrases import languages
from elmemory.memory.records import Memory
from elmemory.memory.search import PreparedCaller
from elmemory.memory.text import SUMMARY_LENGTH
from elmemory.memory.values import usable_value
from tests.harness.memories import call, fact, memory
from webhooks.ring import client_data

FIRST, LAST = "2026-11-20T10:00:00+00:00", "2026-11-22T10:00:00+00:00"


def card(*memories: Memory) -> Card:
    known = card_of(memories)
    assert known is not None
    return known


def talk(number: int, at: str, language: str = "", **known: Any) -> Memory:
    stated: dict[str, Any] = {"main_language": language} if language else {}
    summary = "Nachbestellung." if language == "de" else "A summary."
    return call(at, summary, conversation_id=f"conv_{number}", **stated, **known)


def correction(value: str) -> Memory:
    return memory(
        kinds.PREFERENCE, preference=kinds.CORRECTION, field="preferred_language", value=value, called_at=FIRST
    )


def test_a_german_card() -> None:
    name = fact("first_name", "Jörg", called_at=FIRST, conversation_id="conv_1")
    wish = fact("open_request", "Neuer Zähler.", called_at=LAST, conversation_id="conv_2")
    known = card(talk(1, FIRST, "de"), talk(2, LAST, "de"), name, wish)
    assert known.summary == (
        "Am Telefon ist Jörg. Offen: Neuer Zähler (22. November 2026). Bisher 2 Anrufe, zuletzt am 22. November 2026."
    )
    assert known.last_call_summary == "Am 22. November 2026: Nachbestellung."


def test_a_japanese_card() -> None:
    name = fact("name", "田中", called_at=FIRST, conversation_id="conv_1")
    known = card(talk(1, FIRST, "ja", direction="outbound"), talk(2, LAST, "ja"), name)
    assert known.summary == (
        "お電話の方は田中様です。これまでに1回お電話があり、直近は2026年11月22日です。"
        "こちらからは1回お電話し、直近は2026年11月20日です。"
    )


def test_an_arabic_card() -> None:
    name = fact("first_name", "مها", called_at=FIRST, conversation_id="conv_1")
    known = card(talk(1, FIRST, "ar"), talk(2, LAST, "ar"), name)
    assert known.summary == "المكالمة مع مها. وردت مكالمتان من قبل، آخرهما في 22 نوفمبر 2026."


@pytest.mark.parametrize("code", sorted(languages()))
def test_a_card_holds_name_wish_and_days_in_every_language(code: str) -> None:
    name = fact("first_name", "Maya\u202e", called_at=FIRST, conversation_id="conv_1")
    said = {"called_at": LAST, "conversation_id": "conv_2"}
    mood = fact("mood", "angry", **said)
    wish, promise = fact("open_request", "ABC", **said), fact("agent_promise", "XYZ", **said)
    many = [talk(number, FIRST, code) for number in range(3, 9)]
    known = card(talk(1, FIRST, code), talk(2, LAST, code), *many, name, wish, promise, mood)
    assert all(part in known.summary for part in ("Maya", "ABC", "XYZ", "2026", "8"))
    assert len(known.summary) <= SUMMARY_LENGTH
    assert not any(char in known.summary for char in "{}\u202e\u2066\u2069")
    assert ("The last call ended badly" in known.summary) == (code == "en")


def test_what_staff_set_comes_before_what_the_caller_said_and_that_before_the_last_call() -> None:
    stated = fact("preferred_language", "Spanish", called_at=FIRST, conversation_id="conv_1")
    spoken = talk(1, FIRST, "de"), talk(2, LAST, "fr")
    assert card(*spoken).language == "fr"
    assert card(*spoken, stated).language == "es"
    assert card(*spoken, stated, correction("Deutsch")).language == "de"
    assert card(*spoken, fact("preferred_language", "gibberish", called_at=LAST)).language == "fr"


@pytest.mark.parametrize("value", ["no", "No", False])
def test_no_in_the_field_is_no_language(value: object) -> None:
    written = usable_value(value, "preferred_language")
    known = card(talk(1, FIRST, "de"), fact("preferred_language", str(written), called_at=LAST))
    assert (known.language, known.briefing.preferred_language) == ("de", "")


@pytest.mark.parametrize("value", ["nb", "NB", "nn", "nb-NO", "nor", "Norwegian", "norsk", "Bokmål", "no-NO"])
def test_norwegian_is_read_from_its_names_and_other_codes(value: str) -> None:
    written = usable_value(value, "preferred_language")
    known = card(talk(1, FIRST, "de"), fact("preferred_language", str(written), called_at=LAST))
    assert known.language in ("nb", "nn", "nb-no", "no", "no-no")


def test_a_code_of_a_language_is_nothing_in_other_fields() -> None:
    assert usable_value("nb", "last_order") is None  # short for "niet bekend"


def test_no_is_norwegian_where_it_is_a_code() -> None:
    assert card(talk(1, FIRST, "no")).language == "no"
    assert card(talk(1, FIRST, "de"), correction("no")).language == "no"


def test_a_call_in_which_the_caller_was_silent_does_not_change_their_language() -> None:
    assert card(talk(1, FIRST, "de"), talk(2, LAST, "en", spoke=False)).language == "de"
    assert card(talk(1, FIRST, "de", spoke=False)).language == "de"


def test_the_agents_language_is_used_where_no_call_has_one() -> None:
    assert card(talk(1, FIRST), talk(2, LAST, agent_language="it")).language == "it"
    assert card(talk(1, FIRST, "de"), talk(2, LAST, agent_language="it")).language == "de"


def test_a_caller_of_unknown_language_has_a_card_in_that_of_the_setting(settings: Settings) -> None:
    settings.LANGUAGE = "nl"
    known = card(talk(1, FIRST))
    assert known.language == ""
    assert known.summary == "Heeft één keer eerder gebeld, op 20 november 2026."


def test_the_language_is_kept_with_the_card_and_its_state() -> None:
    state = state_of([talk(1, FIRST, "pt_BR")])
    assert state is not None
    metadata = card_memory(state, 1).metadata
    assert card_from(metadata).language == "pt-br"
    assert state_from(metadata) == state


def test_calls_added_in_any_order_make_the_same_language() -> None:
    talks = [talk(1, FIRST, "de"), talk(2, LAST, "fr"), talk(3, LAST, "en", spoke=False)]
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        state = CardState()
        for number in order:
            state = state.with_call([talks[number]])
        assert state == state_of(talks)


def test_the_day_stays_before_what_is_left_of_a_summary_in_every_language() -> None:
    for code in sorted(languages()):
        city = fact("city", "Ely", called_at=FIRST, conversation_id="conv_1")
        summary = "They moved to Ely. The dog is fine."
        known = card(call(LAST, summary, conversation_id="conv_1", main_language=code), city)
        assert known.last_call_summary.endswith(summary)
        left = disclosed(known, ["first_name"]).last_call_summary
        assert left == known.last_call_summary.replace("They moved to Ely. ", ""), code


def test_a_card_from_before_has_the_language_that_its_caller_prefers() -> None:
    stated = fact("preferred_language", "de", called_at=FIRST, conversation_id="conv_1")
    metadata = dict(card_memory(state_of([talk(1, FIRST), stated]) or CardState(), 1).metadata)
    del metadata["language"]
    assert card_from(metadata).language == "de"


SPANISH = fact("preferred_language", "Spanish", called_at=LAST, conversation_id="conv_2")


@pytest.mark.parametrize("is_stored", [False, True])
def test_a_preference_that_must_not_leave_chooses_no_language(settings: Settings, is_stored: bool) -> None:
    settings.GREETINGS, settings.OVERRIDE_LANGUAGE = {"es": "¡Hola, {name}!"}, True
    name = fact("first_name", "Maya", called_at=FIRST, conversation_id="conv_1")
    wish = fact("open_request", "ABC", called_at=LAST, conversation_id="conv_2")
    memories = talk(1, FIRST, "de"), talk(2, LAST, "de", direction="outbound"), name, wish
    known, without = card(*memories, SPANISH), card(*memories)
    if is_stored:
        state = state_of([*memories, SPANISH])
        assert state is not None
        known = card_from(card_memory(state, 1).metadata)
    assert client_data(known)["conversation_config_override"]["agent"] == {
        "first_message": "¡Hola, Maya!",
        "language": "es",
    }
    settings.SPOKEN_FACTS = ["first_name", "open_request"]
    answer = client_data(known)
    assert answer == client_data(without)
    assert answer["conversation_config_override"]["agent"]["language"] == "de"
    assert "noviembre" not in str(answer)


def test_a_search_is_answered_in_the_language_of_the_calls_where_the_preference_must_not_leave(
    settings: Settings,
) -> None:
    settings.SEARCHABLE_FACTS = ["none"]
    found = PreparedCaller([talk(1, FIRST, "de"), SPANISH]).search("when", 8)
    assert found.card is not None
    assert found.card.summary == "Bisher ein Anruf, am 20. November 2026."


def test_the_card_of_an_older_version_is_greeted_as_of_unknown_language(settings: Settings) -> None:
    settings.SPOKEN_FACTS, settings.GREETINGS = ["first_name"], {"es": "¡Hola, {name}!"}
    state = state_of([talk(1, FIRST, "de"), SPANISH, fact("first_name", "Maya", called_at=FIRST)])
    assert state is not None
    older = {name: value for name, value in card_memory(state, 1).metadata.items() if name != "by_calls"}
    answer = client_data(card_from(older))
    assert answer["conversation_config_override"]["agent"]["first_message"].startswith("Welcome back, Maya")
