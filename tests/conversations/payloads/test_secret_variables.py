"""Variables with secrets: no caller fills them, and no page and no export shows them."""

import json
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from conversations.files.placing import accept
from conversations.files.spool import spool
from conversations.index.sync import refresh_row
from conversations.payloads.secret_variables import NOT_SHOWN, shown_file, without_secrets
from elmemory.memory.card import Card
from tests.conftest import As
from tests.harness.samples import transcription
from webhooks.ring import client_data


@pytest.mark.parametrize("name", ["secret__crm_token", "secret__name", "system__caller_id", "system__time"])
def test_no_fact_fills_a_secret_or_a_system_variable(settings: Settings, name: str) -> None:
    settings.DYNAMIC_VARIABLES = {name: "the default", "plan": "basic"}
    facts = {
        "secret_crm_token": "stolen",
        "secret_name": "x",
        "system_caller_id": "x",
        "system_time": "x",
        "plan": "gold",
    }
    variables = client_data(Card(facts=facts | {name: "stolen"}, call_count=1))["dynamic_variables"]
    assert variables[name] == "the default"
    assert variables["plan"] == "gold"


@pytest.mark.parametrize(
    ("facts", "variable"),
    [({"first_name": "Ingrid (the manager)"}, "Ingrid"), ({"first_name": "ingrid@example.com"}, "none")],
)
def test_a_name_in_a_variable_is_a_name_alone(settings: Settings, facts: dict[str, str], variable: str) -> None:
    settings.DYNAMIC_VARIABLES = {"first_name": "none"}
    assert client_data(Card(facts=facts, call_count=1))["dynamic_variables"]["first_name"] == variable


SECRETS = [
    {"secret__token": "sk_live_1", "plan": "gold"},
    {"secret__token": 'with "quotes" and \\ backslashes sk_live_1', "plan": "gold"},
    {"plan": "gold", "nested": [{"secret__other": "sk_live_1"}]},
    {"secret__number": 4711, "secret__flag": True, "plan": "gold"},
]


@pytest.mark.parametrize("variables", SECRETS)
def test_a_stored_file_is_shown_without_the_values_of_secrets(variables: dict[str, object]) -> None:
    for raw in (json.dumps(variables), json.dumps(variables, indent=2, separators=(" ,", " : "))):
        shown = without_secrets(raw.encode())
        assert b"sk_live_1" not in shown
        assert b"4711" not in shown
        assert json.loads(shown)["plan"] == "gold"
        assert NOT_SHOWN in shown.decode()


def test_a_file_without_secrets_is_shown_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "conv_1_transcription.json"
    for raw in (b"", b'{"plan":\t"gold"}', b"\xff{"):
        path.write_bytes(raw)
        with shown_file(path) as file:
            assert file.read() == raw


def test_an_export_holds_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "conv_1_transcription.json"
    path.write_bytes(json.dumps({"x": "y" * 10**6, "secret__token": "sk_live_1"}).encode())
    with shown_file(path) as file:
        assert b"sk_live_1" not in file.read()


@pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"])
@pytest.mark.usefixtures("payloads", "index_schema")
def test_no_page_of_a_call_and_no_file_of_it_shows_a_secret(as_role: As) -> None:
    variables = {"secret__token": "sk_live_1", "plan": "gold"}
    event = transcription(
        "+14155550142", "Hello.", conversation_initiation_client_data={"dynamic_variables": variables}
    )
    with spool() as spooled:
        spooled.file.write(json.dumps(event).encode())
        conversation_id = accept(spooled).conversation_id
    refresh_row(conversation_id)
    staff = as_role("administrator")
    call = f"/admin/conversations/conversation/{conversation_id}"
    page = staff.get(f"{call}/change/").content.decode()
    assert "secret__token" in page
    assert "gold" in page
    assert "sk_live_1" not in page
    for query in ("", "?shown=1"):
        file = staff.get(f"{call}/file/{conversation_id}_transcription.json{query}").content.decode()
        assert "gold" in file
        assert "sk_live_1" not in file
