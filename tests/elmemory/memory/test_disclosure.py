from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from elmemory.memory import kinds
from elmemory.memory.card import Card, card_of
from elmemory.memory.disclosure import Secrets, disclosed
from elmemory.memory.records import Memory
from elmemory.memory.search import Found, PreparedCaller
from tests.harness.memories import call, fact, memory
from webhooks.ring import client_data

FACTS = {
    "first_name": "Maya",
    "last_name": "Okafor",
    "preferred_time": "Friday 09:00",
    "condition": "migraine",
    "address": "12 Elm Street, Duluth",
    "phone": "+1 415-555-0123",
    "email": "maya.okafor@example.com",
    "date_of_birth": "1984-03-12",
    "has_dog": "yes",
    "pin": "4711",
    "policy": "AC-471182",
}
SUMMARY = "On 7 October 2026: Maya moved her visit. She spoke of her migraines. The dog is fine."


def spoken(*fields: str, facts: dict[str, str] = FACTS, summary: str = "") -> Card:
    return disclosed(
        Card(facts=facts, call_count=1, last_called_on="7 October 2026", last_call_summary=summary), fields
    )


@pytest.mark.parametrize("setting", [(), ("all",), ("ALL",)])
def test_every_fact_leaves_by_default(setting: tuple[str, ...]) -> None:
    assert spoken(*setting).facts == FACTS


@pytest.mark.parametrize("setting", [("none",), ("None",), ("no_such_field",)])
def test_no_fact_leaves(setting: tuple[str, ...]) -> None:
    assert spoken(*setting).facts == {}


def test_a_field_is_named_in_any_of_its_spellings() -> None:
    assert spoken("First Name", "preferredTime").facts == {"first_name": "Maya", "preferred_time": "Friday 09:00"}


def test_the_profile_holds_only_the_facts_that_leave() -> None:
    assert spoken("first_name", "preferred_time").summary == (
        "The caller is Maya. Preferred time: Friday 09:00. They have called once before, on 7 October 2026."
    )


def test_no_name_no_greeting() -> None:
    assert spoken("preferred_time").user_name == ""


def test_a_summary_loses_the_sentences_that_state_what_must_not_leave() -> None:
    card = spoken("first_name", summary=SUMMARY)
    assert card.last_call_summary == "On 7 October 2026: Maya moved her visit. The dog is fine."


def test_a_summary_that_states_nothing_else_is_empty() -> None:
    assert spoken("city", summary="On 7 October 2026: Maya moved her visit.").last_call_summary == ""


def test_a_value_across_two_sentences_costs_the_summary() -> None:
    facts = {"city": "St. Paul"}
    assert spoken("none", facts=facts, summary="On 7 October 2026: She moved to St. Paul. Bye.").last_call_summary == ""


def test_an_allowed_fact_that_states_another_does_not_leave() -> None:
    facts = {"condition": "migraine", "notes": "suffers from migraine", "city": "Ely"}
    assert spoken("notes", "city", facts=facts).facts == {"city": "Ely"}


def test_what_an_allowed_fact_says_is_no_secret() -> None:
    facts = {"phone": "+14155550123", "mobile": "+14155550123", "name": "Maya Okafor", "last_name": "Okafor"}
    assert spoken("phone", "name", facts=facts).facts == {"phone": "+14155550123", "name": "Maya Okafor"}


def test_the_ring_leaves_out_what_spoken_facts_does_not_name(settings: Settings) -> None:
    settings.SPOKEN_FACTS = ["preferred_time"]
    settings.DYNAMIC_VARIABLES = {"condition": "unknown", "preferred_time": "", "First Name": "friend"}
    answer = client_data(Card(facts=FACTS, last_call_summary=SUMMARY))
    assert answer["dynamic_variables"] == {
        "condition": "unknown",
        "preferred_time": "Friday 09:00",
        "First Name": "friend",
        "user_name": "",
        "user_profile_summary": "Preferred time: Friday 09:00.",
        "last_call_summary": "On 7 October 2026: The dog is fine.",
        "returning_caller": "yes",
        "call_count": "0",
        "open_request": "",
        "agent_promise": "",
        "preferred_language": "",
    }
    assert answer["conversation_config_override"] == {}


@pytest.fixture
def contents(settings: Settings) -> Callable[..., list[str]]:
    def found(*memories: Memory, allowed: list[str]) -> list[str]:
        settings.SEARCHABLE_FACTS = allowed
        matches = PreparedCaller(memories).search("what do you know", 50).matches
        return sorted(match.memory.content for match in matches)

    return found


STATED = """
    condition | I have had a migraine again.
    condition | My MIGRAINES are worse.
    condition | Is it the migraine's fault?
    address | We live at 12 Elm Street.
    address | I moved to Duluth.
    phone | Call me on 415 555 0123.
    phone | Call me on (415) 555-0123, please.
    phone | It is 5550123.
    phone | It is four one five, five five five, oh one two three.
    email | It is Maya.Okafor@Example.com.
    email | It is maya dot okafor at example dot com.
    date_of_birth | I was born on March 12th, 1984.
    date_of_birth | I was born on the 12th of March 1984.
    date_of_birth | My birthday is 12 March.
    date_of_birth | It is 03/12/1984.
    date_of_birth | It is 12.3.1984.
    pin | My pin is 4711.
    pin | My pin is four seven one one.
    policy | It is A C 471182.
    policy | The policy is four seven one one eight two.
    last_name | This is Mrs Okafor speaking.
    preferred_time | Friday at nine suits me.
    preferred_time | I can come on Friday at 9 am.
    preferred_time | On Fridays, nine o'clock is best.
"""


@pytest.mark.parametrize("line", STATED.strip().splitlines())
@pytest.mark.parametrize("place", ["content", "asked"])
def test_a_search_does_not_find_what_states_a_fact_that_must_not_leave(
    contents: Callable[..., list[str]], line: str, place: str
) -> None:
    field, sentence = (part.strip() for part in line.split("|"))
    texts = {"content": sentence, "asked": ""} if place == "content" else {"content": "Right.", "asked": sentence}
    said = memory(kinds.MESSAGE, texts["content"], asked=texts["asked"])
    stated = fact(field, FACTS[field])
    assert contents(stated, said, allowed=["first_name"]) == []
    assert contents(stated, said, allowed=[field]) != []


@pytest.mark.parametrize(
    "sentence",
    [
        "Yes, please.",
        "I have a pineapple, not a pin.",
        "Order 14711 arrived.",
        "I was born in May.",
        "The elm in the street is old.",
        "My number is 415 555 0199.",
        "Maybe on Friday.",
        "You open on Saturday at nine.",
        "Friday at half past nine.",
        "On Friday nine people came.",
    ],
)
def test_a_search_finds_what_states_none(contents: Callable[..., list[str]], sentence: str) -> None:
    facts = [fact(name, value) for name, value in FACTS.items()]
    assert contents(*facts, memory(kinds.MESSAGE, sentence), allowed=["none"]) == [sentence]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("李小龙", "我叫李小龙。"),
        ("片頭痛", "片頭痛があります"),
        ("Groß", "Hier ist Frau GROSS."),
        ("Müller", "Ich heiße Muller."),
        ("Мигрень", "У меня мигрень."),
        ("шесть", "ШЕСТЬ"),
        ("penicillin, latex", "I am allergic to latex."),
        ("O'Brien-Smith", "This is o’brien smith."),
        ("Freitag, 9:30 Uhr", "Am Freitag um halb zehn."),
        ("vendredi 9h", "Vendredi à neuf heures."),
        ("viernes a las 21:00", "El viernes a las nueve."),
        ("周五9:00", "周五九点"),
        ("after 17:00", "Call me after 5 pm."),
    ],
)
def test_values_are_found_in_other_scripts_and_spellings(
    contents: Callable[..., list[str]], value: str, sentence: str
) -> None:
    assert contents(fact("detail", value), memory(kinds.MESSAGE, sentence), allowed=["first_name"]) == []


def test_a_search_does_not_find_a_former_value(contents: Callable[..., list[str]]) -> None:
    facts = [fact("city", "Duluth", "2026-09-01T10:00:00+00:00"), fact("city", "Ely", "2026-10-01T10:00:00+00:00")]
    said = memory(kinds.MESSAGE, "I live in Duluth.")
    assert contents(*facts, said, allowed=["first_name"]) == []


def test_a_search_does_not_find_what_staff_corrected(contents: Callable[..., list[str]]) -> None:
    correction = memory(kinds.PREFERENCE, preference=kinds.CORRECTION, field="city", value="Ely")
    said = memory(kinds.MESSAGE, "Ely is cold.")
    assert contents(correction, said, allowed=["first_name"]) == []


def test_a_call_whose_summary_states_a_fact_is_not_found(contents: Callable[..., list[str]]) -> None:
    output = call("2026-10-07T10:00:00+00:00", "She spoke of her migraine.")
    other = call("2026-10-08T10:00:00+00:00", "She asked for the hours.")
    found = contents(fact("condition", "migraine"), output, other, allowed=["first_name"])
    assert found == ["She asked for the hours."]


def test_the_profile_of_a_search_holds_only_what_may_leave(settings: Settings) -> None:
    settings.SEARCHABLE_FACTS = ["preferred_time"]
    facts = [fact(name, value) for name, value in FACTS.items()]
    found: Found = PreparedCaller([*facts, call("2026-10-07T10:00:00+00:00", "Hi.")]).search("time", 8)
    assert found.card is not None
    assert found.card.facts == {"preferred_time": "Friday 09:00"}
    assert "migraine" not in found.card.summary
    assert [match.memory.content for match in found.matches] == ["preferred_time: Friday 09:00"]


STATED_OF_CALLER = {
    "caller_profile": ("Her son Theo is allergic to nuts.", "Theo is allergic to nuts."),
    "open_request": ("A new key for the boiler room by Friday.", "I am waiting for the new key for the boiler room."),
    "agent_promise": ("Send the invoice to her sister.", "Please send the invoice to my sister."),
}


def distilled() -> list[Memory]:
    """A call with one result of each kind, sentences that say the same, and one that does not."""
    said = [memory(kinds.MESSAGE, sentence) for _, sentence in STATED_OF_CALLER.values()]
    profile, *others = STATED_OF_CALLER
    facts = [fact(name, STATED_OF_CALLER[name][0]) for name in others]
    insight = memory(kinds.INSIGHT, STATED_OF_CALLER[profile][0], called_at="2026-10-01T10:00:00+00:00")
    summary = " ".join([*(text for _, text in STATED_OF_CALLER.values()), "The dog is fine."])
    whole = call("2026-10-01T10:00:00+00:00", summary)
    return [*facts, insight, *said, memory(kinds.MESSAGE, "The dog is fine."), whole]


@pytest.mark.parametrize("field", STATED_OF_CALLER)
def test_no_search_finds_what_was_distilled_if_its_field_must_not_leave(
    contents: Callable[..., list[str]], field: str
) -> None:
    value, said = STATED_OF_CALLER[field]
    others = [name for name in STATED_OF_CALLER if name != field]
    found = " ".join(contents(*distilled(), allowed=others))
    assert value not in found
    assert said not in found
    assert "The dog is fine." in found
    assert value in " ".join(contents(*distilled(), allowed=[*STATED_OF_CALLER]))


def test_no_ring_says_what_was_distilled_if_its_field_must_not_leave(settings: Settings) -> None:
    settings.SPOKEN_FACTS = ["first_name"]
    known = card_of([*distilled(), fact("first_name", "Maya")])
    assert known is not None
    variables = client_data(known)["dynamic_variables"]
    spoken = " ".join(variables.values())
    assert not any(word in spoken for word in ("Theo", "nuts", "invoice", "key", "sister"))
    assert "The dog is fine." in variables["last_call_summary"]
    assert variables["user_name"] == "Maya"


@pytest.mark.parametrize(
    "text", ["At one point he was angry.", "She got it as one of the first.", "As nine others did."]
)
def test_a_number_is_no_time_of_day(text: str) -> None:
    times = {"preferred_time": "1 pm", "callback_time": "9 am"}
    assert not Secrets(list(times.items()), times, frozenset()).stated_in(text)
