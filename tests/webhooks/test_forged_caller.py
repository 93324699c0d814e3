"""What a forged caller id gets, on a server whose settings limit it."""

from collections.abc import Iterator

import pytest

from tests.harness.samples import new_number, transcription
from tests.harness.server import Server

FACTS = {"First Name": "Maya", "preferred_time": "Friday 09:00", "condition": "migraine"}


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    limits = {
        "SPOKEN_FACTS": "First Name",
        "SEARCHABLE_FACTS": "preferredTime",
        "DYNAMIC_VARIABLES": '{"condition": "-"}',
    }
    with Server(folder, **limits) as server:
        yield server


def test_the_ring_and_the_search_return_what_the_settings_name(limited: Server) -> None:
    caller = new_number()
    sentences = "I suffer from migraines.", "My dog is called Biscuit.", "Maya is my name."
    limited.deliver(transcription(caller, *sentences, facts=FACTS, summary="Maya has a migraine. She has a dog."))

    ring = limited.ring(caller)
    assert ring["dynamic_variables"] == {
        "condition": "-",
        "user_name": "Maya",
        "user_profile_summary": "The caller is Maya. They have called once before, on 21 September 2026.",
        "last_call_summary": "On 21 September 2026: She has a dog.",
        "returning_caller": "yes",
        "call_count": "1",
        "open_request": "",
        "agent_promise": "",
        "preferred_language": "",
    }
    assert "Maya" in ring["conversation_config_override"]["agent"]["first_message"]

    found = limited.search("migraine dog name time", caller)
    assert found["profile"] == {
        "name": "",
        "summary": "Preferred time: Friday 09:00. They have called once before, on 21 September 2026.",
        "facts": {"preferred_time": "Friday 09:00"},
    }
    assert sorted(memory["content"] for memory in found["memories"]) == [
        "My dog is called Biscuit.",
        "Preferred time: Friday 09:00",
    ]


def test_the_store_keeps_the_whole_card(limited: Server) -> None:
    caller = new_number()
    limited.deliver(transcription(caller, "Hi.", facts=FACTS))
    limited.stop()
    limited.environment |= {"SPOKEN_FACTS": "", "SEARCHABLE_FACTS": "all"}
    limited.start()
    assert "Condition: migraine." in limited.ring(caller)["dynamic_variables"]["user_profile_summary"]
    assert limited.search("migraine", caller)["profile"]["facts"]["condition"] == "migraine"
