"""The opt-out that an agent collects: every spelling of yes opts out, and nothing else does."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from conversations.payloads.opt_out import is_yes
from conversations.payloads.transcription import Transcription
from tests.harness.samples import transcription


def asks(value: Any, field: str = "do_not_remember", **changes: Any) -> bool:
    event = transcription("+14155550100", "Do not remember me.", facts={field: value}, **changes)
    return Transcription(event).asks_for_opt_out


@pytest.mark.parametrize(
    "value",
    [
        True,
        1,
        1.0,
        "true",
        "True",
        "TRUE.",
        " yes ",
        "Yes!",
        "yes, please",
        "Yes, do not remember me",
        "y",
        "ja",
        "Ja, bitte",
        "Jawohl.",
        "oui",
        "OUI, s'il vous plaît",
        "sí",
        "Si",
        "Sì, grazie",
        "sim",
        "tak",
        "ano",
        "да",
        "Так",
        "ναι",
        "evet",
        "نعم",
        "כן",
        "हाँ",
        "ใช่",
        "ใช่ครับ",
        "はい",
        "はい、お願いします",
        "是",
        "是的",
        "네",
        "vâng",
        "có",
        "αληθές",
        "ΑΛΗΘΕΣ",
        "Ja\u200b",
        "是，不要记住我",
        "そうです",
        "그렇습니다",
        "ايوه",
        "Si', grazie",
        "klopt",
        "točno",
        "✓",
        "✅",
        "✔\ufe0f",
        "ＹＥＳ",
        "do_not_remember",
        "Do not remember",
        "opted out",
        ["yes"],
        "1",
    ],
)
def test_a_yes_in_any_spelling_opts_out(value: Any) -> None:
    assert asks(value)


@pytest.mark.parametrize(
    "value",
    [
        False,
        None,
        0,
        2,
        "",
        " ",
        "false",
        "no",
        "No, you may remember me",
        "nein",
        "non",
        "нет",
        "ne",
        "nie",
        "いいえ",
        "是否",
        "否",
        "unknown",
        "not provided",
        "banana",
        "Sure, remember me",
        "Da der Anrufer nichts dazu sagte",
        "Ya no quiere hablar",
        "yesterday",
        "January",
        [],
        {},
        ["no"],
    ],
)
def test_nothing_else_opts_out(value: Any) -> None:
    assert not asks(value)


@pytest.mark.parametrize("field", ["Do Not Remember", "doNotRemember", "do-not-remember", "DO_NOT_REMEMBER"])
def test_the_field_is_found_in_every_spelling(field: str) -> None:
    assert asks("yes", field)


def test_the_field_can_have_another_name(settings: Settings) -> None:
    settings.OPT_OUT_FIELD = "Privacy wish"
    assert asks(value=True, field="privacy_wish")
    assert not asks(value=True, field="do_not_remember")


def test_without_a_field_no_call_opts_out(settings: Settings) -> None:
    settings.OPT_OUT_FIELD = ""
    assert not asks(value=True)


def test_a_yes_to_any_agent_of_the_call_counts() -> None:
    blocks = [
        {"scope": "agent", "source_agent_id": "a", "data_collection_results": {"do_not_remember": {"value": True}}}
    ]
    assert asks(False, analysis={"scoped": blocks})


def test_a_mailbox_opts_no_one_out() -> None:
    assert not asks(value=True, metadata={"termination_reason": "voicemail_detection tool was called."})


def test_numbers_other_than_one_are_no_yes() -> None:
    assert [number for number in (0, 1, 2, -1, 0.5) if is_yes(number)] == [1]
