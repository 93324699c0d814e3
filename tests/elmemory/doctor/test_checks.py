"""`manage.py doctor`: a correct set-up has no faults, and each planted fault is found, with a remedy."""

import io
import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import httpx2
import pytest
from django.core.management import call_command
from django.test import override_settings
from pytest_django.fixtures import Settings

from conversations.files.last_runs import note_run
from conversations.models import Conversation, MemoryState
from elmemory.agents import provision
from elmemory.agents.api import Api
from elmemory.agents.check import Check
from elmemory.agents.data_collection import Collecting
from elmemory.agents.wiring import ThisServer
from elmemory.doctor import checks
from elmemory.environment.build import build
from elmemory.memory.fields import VARIABLES
from elmemory.memory.openmemory import open_memory
from elmemory.memory.openmemory.protocol import Health
from tests.harness.fake_elevenlabs import AGENT, API_KEY, FakeElevenLabs
from tests.harness.samples import transcription
from tests.harness.server import Server
from tests.harness.stored import deliver
from webhooks.health import proof
from webhooks.ring import client_data

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "index", "memory"])

URL = "https://memory.example.com"
NUMBER = {
    "provider": "twilio",
    "phone_number": "+14155550199",
    "label": "Front desk",
    "phone_number_id": "phnum_1",
    "assigned_agent": {"agent_id": AGENT, "agent_name": "Front desk"},
}


@pytest.fixture(scope="module")
def provisioned() -> dict[str, Any]:
    """The state of ElevenLabs after `provision`."""
    with FakeElevenLabs() as fake:
        with override_settings(ELEVENLABS_API_KEY=API_KEY, ELEVENLABS_BASE_URL=fake.url), Api() as api:
            server = ThisServer.from_settings(URL)
            provision.carry_out(api, AGENT, server, Collecting(), done=lambda _: None, secret=lambda _: None)
        fake.phone_numbers = [NUMBER]
        return fake.state()


@pytest.fixture
def fake(
    provisioned: dict[str, Any],
    settings: Settings,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    payloads: Path,
    index_schema: None,  # noqa: ARG001
) -> Iterator[FakeElevenLabs]:
    """A correct set-up: a provisioned agent, and a running server at the public address."""
    monkeypatch.setattr(checks, "client_of", lambda _: httpx2.Client(base_url=server.url))
    monkeypatch.setattr(checks, "file_system_of", lambda _: "ext4")
    monkeypatch.setattr(checks, "is_encrypted", lambda _: True)
    settings.PUBLIC_URL = URL
    settings.SECRET_KEY = server.environment["SECRET_KEY"]
    settings.PORT = int(server.environment["PORT"])
    payloads.mkdir(exist_ok=True)
    (payloads / "_worker").write_text(build())
    note_run("backup", ok=True, detail="")
    note_run("verify", ok=True, detail="")
    settings.AGENT_NUMBERS = ["+14155550199"]
    with FakeElevenLabs() as running:
        running.restore(provisioned)
        settings.ELEVENLABS_POST_CALL_KEYS = list(running.webhook_secrets.values())
        settings.ELEVENLABS_API_KEY, settings.ELEVENLABS_BASE_URL = API_KEY, running.url
        yield running


def faults(agent: str = AGENT) -> list[Check]:
    return [check for check in checks.run_checks([agent] if agent else []) if check.state == "fault"]


def the_fault(agent: str = AGENT) -> Check:
    (found,) = faults(agent)
    return found


@pytest.mark.usefixtures("fake")
def test_a_correct_set_up_has_no_faults() -> None:
    assert faults() == []
    out = io.StringIO()
    call_command("doctor", AGENT, stdout=out, no_color=True)
    assert "All is well." in out.getvalue()
    assert "✗" not in out.getvalue()


def test_it_changes_nothing(fake: FakeElevenLabs) -> None:
    checks.run_checks([AGENT])
    assert fake.writes == []


def test_a_fault_is_shown_with_its_remedy_and_the_exit_code_is_1(fake: FakeElevenLabs) -> None:
    prompt_of(fake)["prompt"] = "Hello {{first_name}}"
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", AGENT, stdout=out, no_color=True)
    assert ended.value.code == 1
    assert "  ✗ variables: not sent: {{first_name}}; calls end with error 1008\n" in out.getvalue()
    assert "      → Give each a default in DYNAMIC_VARIABLES" in out.getvalue()
    assert "\n1 fault." in out.getvalue()


def test_json_holds_the_checks(fake: FakeElevenLabs) -> None:
    prompt_of(fake)["prompt"] = "Hello {{first_name}}"
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("doctor", AGENT, "--json", stdout=out)
    report = json.loads(out.getvalue())
    assert report["ok"] is False
    (fault,) = [check for check in report["checks"] if check["state"] == "fault"]
    assert (fault["section"], fault["name"]) == ("The phone rings", "variables")


def config_of(fake: FakeElevenLabs) -> Any:
    return fake.agents[AGENT]["conversation_config"]["agent"]


def prompt_of(fake: FakeElevenLabs) -> Any:
    return config_of(fake)["prompt"]


def platform(fake: FakeElevenLabs) -> Any:
    return fake.agents[AGENT]["platform_settings"]


def initiation(fake: FakeElevenLabs) -> Any:
    return platform(fake)["workspace_overrides"]["conversation_initiation_client_data_webhook"]


def post_call(fake: FakeElevenLabs) -> Any:
    return platform(fake)["workspace_overrides"]["webhooks"]


def webhook(fake: FakeElevenLabs) -> Any:
    (one,) = fake.webhooks.values()
    return one


def schema(fake: FakeElevenLabs) -> Any:
    (tool,) = fake.tools.values()
    return tool["tool_config"]["api_schema"]


def properties(fake: FakeElevenLabs) -> Any:
    return schema(fake)["request_body_schema"]["properties"]


def _fill_by_model(fake: FakeElevenLabs) -> None:
    properties(fake)["user_id"] = {"type": "string", "description": "The caller's phone number"}


def _own_tool_needs_a_variable(fake: FakeElevenLabs) -> None:
    properties(fake)["plan"] = {"type": "string", "dynamic_variable": "customer_plan"}


def _other_secret(fake: FakeElevenLabs) -> None:
    for secret in fake.secrets.values():
        secret["name"] = secret["name"].rpartition("_")[0] + "_00000000"


PLANTED: dict[str, tuple[Callable[[FakeElevenLabs], object], str, str]] = {
    "no initiation webhook": (
        lambda fake: platform(fake)["workspace_overrides"].update(conversation_initiation_client_data_webhook=None),
        "initiation webhook",
        "not set",
    ),
    "initiation webhook of another server": (
        lambda fake: initiation(fake).update(url="https://old.example.com/webhook/client-data"),
        "initiation webhook",
        "is https://old.example.com",
    ),
    "no key for the ring": (lambda fake: initiation(fake).update(request_headers={}), "key", "no header X-Api-Key"),
    "another key for the ring": (
        lambda fake: initiation(fake).update(request_headers={"x-api-key": "guess"}),
        "key",
        "another key",
    ),
    "initiation data not fetched": (
        lambda fake: platform(fake)["overrides"].update(enable_conversation_initiation_client_data_from_webhook=False),
        "initiation data",
        "does not fetch initiation data",
    ),
    "greeting not allowed": (
        lambda fake: platform(fake)["overrides"].update(conversation_config_override={"agent": {}}),
        "greeting",
        "does not allow",
    ),
    "a variable of the first message that is not sent": (
        lambda fake: config_of(fake).update(first_message="Hello {{ first_name }}!"),
        "variables",
        "{{first_name}}",
    ),
    "a variable of another language's first message": (
        lambda fake: fake.agents[AGENT]["conversation_config"].update(
            language_presets={"de": {"overrides": {"agent": {"first_message": "Hallo {{vorname}}!"}}}}
        ),
        "variables",
        "{{vorname}}",
    ),
    "a variable of a tool that is not sent": (_own_tool_needs_a_variable, "variables", "{{customer_plan}}"),
    "no tool": (lambda fake: prompt_of(fake).update(tool_ids=[]), "search_data", "no such tool"),
    "a tool with GET": (lambda fake: schema(fake).update(method="GET"), "method", "takes POST only"),
    "a tool to another server": (
        lambda fake: schema(fake).update(url="https://old.example.com/webhook/search-data"),
        "address",
        "is https://old.example.com",
    ),
    "a tool without the key": (lambda fake: schema(fake).update(request_headers={}), "key", "no header X-Api-Key"),
    "a number filled by the model": (_fill_by_model, "user_id", "the model fills it"),
    "no number": (lambda fake: properties(fake).pop("user_id"), "user_id", "not sent"),
    "no question": (lambda fake: properties(fake).pop("query"), "query", "422"),
    "no post-call webhook": (lambda fake: post_call(fake).update(post_call_webhook_id=None), "webhook", "none is set"),
    "post-call webhook of another server": (
        lambda fake: webhook(fake).update(webhook_url="https://old.example.com/webhook/post-call"),
        "webhook",
        "is https://old.example.com",
    ),
    "webhook disabled by hand": (lambda fake: webhook(fake).update(is_disabled=True), "deliveries", "by hand"),
    "webhook disabled after failures": (
        lambda fake: webhook(fake).update(is_auto_disabled=True),
        "deliveries",
        "after ten failures",
    ),
    "failed deliveries": (
        lambda fake: webhook(fake).update(
            most_recent_failure_error_code=401, most_recent_failure_timestamp=int(time.time()) - 7200
        ),
        "deliveries",
        "failed with 401 2 h ago",
    ),
    "no audio": (
        lambda fake: post_call(fake).update(events=["transcript"]),
        "events",
        "audio, call_initiation_failure",
    ),
    "no transcript in the events": (
        lambda fake: post_call(fake).update(exclude_transcript=True),
        "events",
        "transcript",
    ),
    "another agent number": (
        lambda fake: fake.phone_numbers[0].update(phone_number="+14155550142"),
        "numbers",
        "…0142",
    ),
    "a wrong clock": (lambda fake: setattr(fake, "clock_ahead", 400), "clock", "behind ElevenLabs"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_fault_at_elevenlabs_is_found(fake: FakeElevenLabs, planted: str) -> None:
    plant, name, words = PLANTED[planted]
    plant(fake)
    found = the_fault()
    assert found.name == name
    assert words in found.detail
    assert found.remedy


@pytest.mark.parametrize(
    ("query", "remedy"),
    [
        ("The question, in plain words", "manage.py provision"),
        ("What to look for", 'Add to the description of "query"'),
    ],
)
def test_a_search_tool_that_does_not_ask_for_the_callers_language_is_noticed(
    fake: FakeElevenLabs, query: str, remedy: str
) -> None:
    (tool,) = fake.tools.values()
    tool["tool_config"]["description"] = "Searches earlier calls."
    tool["tool_config"]["api_schema"]["request_body_schema"]["properties"]["query"]["description"] = query
    (check,) = [one for one in checks.run_checks([AGENT]) if one.name == "language"]
    assert check.state == "note"
    assert check.remedy.startswith(remedy)


@pytest.mark.parametrize("query", ["Die Frage, in der Sprache des Anrufers", "通話相手の言語での質問"])
def test_a_search_tool_may_ask_for_the_callers_language_in_its_own_words(fake: FakeElevenLabs, query: str) -> None:
    (tool,) = fake.tools.values()
    tool["tool_config"]["description"] = "Searches earlier calls."
    tool["tool_config"]["api_schema"]["request_body_schema"]["properties"]["query"]["description"] = query
    (check,) = [one for one in checks.run_checks([AGENT]) if one.name == "language"]
    assert check.state == "ok"


def test_keys_that_differ_are_found(fake: FakeElevenLabs) -> None:
    _other_secret(fake)
    assert [check.detail.endswith("it answers 401") for check in faults()] == [True, True]


def test_retries_that_are_off_are_found_if_elevenlabs_reports_them(fake: FakeElevenLabs) -> None:
    fake.reports_retries = True
    assert faults() == []
    webhook(fake)["retry_enabled"] = False
    assert the_fault().name == "retries"


@pytest.mark.usefixtures("fake")
def test_another_webhook_secret_is_found(settings: Settings) -> None:
    settings.ELEVENLABS_POST_CALL_KEYS = ["another"]
    found = the_fault()
    assert found.name == "signature"
    assert "--new-secret" in found.remedy


def test_variables_of_settings_and_of_the_system_count_as_sent(fake: FakeElevenLabs, settings: Settings) -> None:
    settings.DYNAMIC_VARIABLES = {"plan": "basic"}
    prompt_of(fake)["prompt"] = "{{user_name}} {{plan}} {{system__time_utc}} {{secret__token}}"
    assert faults() == []


def test_the_variables_that_count_as_sent_are_those_that_the_ring_sends() -> None:
    assert set(client_data(None)["dynamic_variables"]) == set(VARIABLES)


def test_settings_of_the_workspace_apply_to_an_agent_without_its_own(fake: FakeElevenLabs) -> None:
    fake.settings |= platform(fake)["workspace_overrides"]
    platform(fake)["workspace_overrides"] = None
    assert faults() == []


@pytest.mark.usefixtures("fake")
def test_a_refused_api_key_is_found(settings: Settings) -> None:
    settings.ELEVENLABS_API_KEY = "sk_wrong"
    assert "refuses ELEVENLABS_API_KEY" in the_fault().detail


def test_the_only_agent_need_not_be_named_and_several_are_listed(fake: FakeElevenLabs) -> None:
    assert faults("") == []
    fake.add_agent("agent_second", "Back office")
    (listed,) = [check for check in checks.run_checks() if check.name == "agent"]
    assert "agent_second (Back office)" in listed.detail


def test_without_an_api_key_only_this_server_is_checked(fake: FakeElevenLabs, settings: Settings) -> None:
    settings.ELEVENLABS_API_KEY = ""
    assert faults() == []
    assert fake.requests == []


def test_addresses_are_not_compared_without_a_public_url(fake: FakeElevenLabs, settings: Settings) -> None:
    settings.PUBLIC_URL = ""
    assert faults() == []
    initiation(fake)["url"] = ""
    assert the_fault().detail == "not set"


@pytest.mark.sqlite
@pytest.mark.usefixtures("fake")
def test_the_public_address_may_be_given(settings: Settings) -> None:
    settings.PUBLIC_URL = ""
    assert [check for check in checks.run_checks([AGENT], f"{URL}/") if check.state != "ok"] == []


@pytest.mark.sqlite
def test_checks_run_in_a_subprocess(monkeypatch: pytest.MonkeyPatch, server: Server) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    found = checks.run_checks_in_subprocess()
    assert next(check for check in found if check.name == "queue").state == "ok"
    assert found[-1] == Check("ElevenLabs", "API", "note", "not checked", found[-1].remedy)


# data collection


def the_checks(name: str) -> dict[str, Check]:
    """The checks of this name by their state."""
    return {check.state: check for check in checks.run_checks([AGENT]) if check.name == name}


def test_fields_that_the_agent_lacks_are_noted(fake: FakeElevenLabs) -> None:
    for name in ("mood", "open_request"):
        del platform(fake)["data_collection"][name]
    check = the_checks("data collection")["note"]
    assert check.detail == "not collected: open_request, mood"
    assert check.remedy.endswith("--memory")


def test_without_room_for_them_the_remedy_says_so(fake: FakeElevenLabs) -> None:
    fields = platform(fake)["data_collection"]
    del fields["mood"]
    fields |= {f"question_{number}": {"type": "string", "description": "Mine"} for number in range(16)}
    assert "first remove a field" in the_checks("data collection")["note"].remedy


def test_fields_that_were_changed_by_hand_are_shown(fake: FakeElevenLabs) -> None:
    platform(fake)["data_collection"]["company"]["description"] = "The clinic"
    assert "in other words than ours: first_name, company" in the_checks("own fields")["ok"].detail


def test_a_field_of_another_type_is_noted(fake: FakeElevenLabs) -> None:
    platform(fake)["data_collection"]["do_not_remember"]["type"] = "string"
    assert the_checks("own fields")["note"].detail == "do_not_remember is of type string, not boolean"


@pytest.mark.usefixtures("fake")
def test_fields_that_are_null_in_all_of_the_last_calls_are_noted() -> None:
    facts = {"first_name": "Maya", "company": None, "mood": "None", "do_not_remember": None, "order": None}
    for number in range(12):
        name = {} if number % 2 else {"first_name": None}
        deliver(transcription("+14155550100", "Hello", facts=facts | name, started_at=1_790_000_000 + number))
    deliver(transcription("+14155550100", "Hello", facts={"company": "Lindner"}, agent_id="agent_other"))
    found = the_checks("data collection")
    assert found["note"].detail == "null in all of the last calls that ask for it: mood, company"
    details = [check.detail for check in checks.run_checks([AGENT]) if check.name == "data collection"]
    assert (
        "values in the last calls: first_name 6 of 12, do_not_remember 0 of 12, mood 0 of 12, company 0 of 12"
        in details
    )


def test_a_language_that_rings_send_and_the_agent_refuses_is_found(fake: FakeElevenLabs, settings: Settings) -> None:
    platform(fake)["overrides"]["conversation_config_override"]["agent"]["language"] = False
    assert faults() == []
    settings.OVERRIDE_LANGUAGE = True
    assert "does not allow its language" in the_fault().detail


def test_an_agent_of_one_language_is_noted_where_rings_send_the_callers(
    fake: FakeElevenLabs, settings: Settings
) -> None:
    settings.OVERRIDE_LANGUAGE = True

    def details() -> list[tuple[str, str]]:
        found = [
            check
            for check in checks.run_checks([AGENT])
            if (check.section, check.name) == ("The phone rings", "language")
        ]
        return [(check.state, check.detail) for check in found]

    assert details() == [("note", "the agent has one language, and rings send the caller's")]
    fake.agents[AGENT]["conversation_config"]["language_presets"] = {"de": {"overrides": {}}}
    assert details() == [("ok", "allowed; the agent has en, de")]


# faults of this server


@pytest.mark.usefixtures("fake")
def test_a_fault_of_the_settings_is_found(settings: Settings) -> None:
    settings.GREETING = "Hello {nobody}"
    assert the_fault().detail.startswith("GREETING")


@pytest.mark.usefixtures("fake")
def test_a_payload_folder_in_memory_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "file_system_of", lambda _: "tmpfs")
    assert "lost with a restart" in the_fault().detail


@pytest.mark.usefixtures("fake")
def test_a_full_disk_is_found(settings: Settings) -> None:
    settings.MIN_FREE_MB = 2**31
    assert "nearly full" in the_fault().detail


@pytest.mark.usefixtures("fake")
def test_a_worker_that_is_not_running_is_found() -> None:
    deliver(transcription(conversation_id="conv_waits"))
    Conversation.objects.update(pending_since=time.time() - 1000)
    assert "the oldest for 100" in the_fault().detail


@pytest.mark.usefixtures("fake")
def test_parked_calls_are_found() -> None:
    Conversation.objects.create(conversation_id="conv_parked", memory_state=MemoryState.FAILED)
    assert "reprocess --state failed" in the_fault().remedy


@pytest.mark.usefixtures("fake")
def test_an_unavailable_openmemory_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(open_memory()), "ping", lambda _: Health("remote", False, "connection refused"))
    assert the_fault().detail == "remote: connection refused"


@pytest.mark.usefixtures("fake")
def test_an_address_that_does_not_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "client_of", lambda _: httpx2.Client(base_url="http://127.0.0.1:1"))
    assert "does not answer" in the_fault().detail


def test_another_server_at_the_address_is_found(fake: FakeElevenLabs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "client_of", lambda _: httpx2.Client(base_url=fake.url))
    assert "another server answers" in faults()[0].detail


class Impostor(BaseHTTPRequestHandler):
    """Answers as elmemory does, and keeps the headers of all requests. `proof` is its answer to every nonce."""

    proof: ClassVar[str | None] = None
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        self.seen.append(f"{self.path}\n{self.headers}")
        self.send_response(200)
        if self.proof is not None:
            self.send_header("Elmemory-Proof", self.proof)
        self.end_headers()
        self.wfile.write(b'{"status": "ok"}')

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def impostor(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Impostor]]:
    """Another server at the public address."""
    monkeypatch.setattr(Impostor, "seen", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), Impostor) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(checks, "client_of", lambda _: httpx2.Client(base_url=url))
        yield Impostor
        server.shutdown()


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("proof", [None, "", "0" * 64, "ü", "the nonce"])
def test_no_key_is_sent_to_a_server_that_does_not_prove_itself(
    impostor: type[Impostor], monkeypatch: pytest.MonkeyPatch, proof: str | None
) -> None:
    monkeypatch.setattr(impostor, "proof", proof)
    found = next(check for check in faults() if check.name == "keys")
    assert found.detail == "not sent: the server there does not prove that it has this SECRET_KEY"
    assert len(impostor.seen) == 2
    assert not any("x-api-key" in request.lower() or "data-key" in request for request in impostor.seen)


@pytest.mark.usefixtures("fake")
def test_a_proof_of_another_nonce_is_none(impostor: type[Impostor], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(impostor, "proof", proof("0" * 32))
    assert "keys" in {check.name for check in faults()}


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("url", ["http://memory.example.com", "http://10.1.0.5", "http://elmemory:8000"])
def test_no_key_is_sent_over_http_to_another_machine(url: str) -> None:
    found = checks.run_checks([AGENT], url)
    (keys,) = [check for check in found if check.name == "keys"]
    assert keys.detail == "not sent: the address is not https"
    assert not [check for check in found if check.name in ("/webhook/client-data", "/webhook/search-data")]


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_keys_are_sent_over_http_to_this_machine(url: str) -> None:
    found = {check.name: check.state for check in checks.run_checks([AGENT], url) if check.section == "From outside"}
    assert (found["/webhook/client-data"], found["/webhook/search-data"]) == ("ok", "ok")


@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize(
    ("keys", "state"),
    [(["client-data-key", "another-client-key"], "ok"), (["another-client-key", "client-data-key"], "note")],
)
def test_while_a_key_is_replaced_an_agent_with_the_old_one_is_no_fault(
    settings: Settings, keys: list[str], state: str
) -> None:
    settings.ELEVENLABS_CLIENT_DATA_KEYS = keys
    (found,) = [
        check for check in checks.run_checks([AGENT]) if (check.section, check.name) == ("The phone rings", "key")
    ]
    assert found.state == state


@pytest.mark.usefixtures("fake")
def test_a_running_server_with_another_key_is_found(settings: Settings) -> None:
    settings.ELEVENLABS_SEARCH_DATA_KEYS = ["another"]
    found = next(check for check in faults() if check.section == "From outside")
    assert (found.name, found.detail) == ("/webhook/search-data", "answers 401")


@pytest.mark.sqlite
@pytest.mark.usefixtures("fake")
@pytest.mark.parametrize(
    ("encrypted", "detail"),
    [(False, "on no encrypted volume: "), (None, "cannot be seen whether encrypted: "), (True, "are on an encrypted")],
)
def test_data_on_no_encrypted_volume_are_reported(
    monkeypatch: pytest.MonkeyPatch, encrypted: bool | None, detail: str
) -> None:
    monkeypatch.setattr(checks, "is_encrypted", lambda _: encrypted)
    (found,) = [check for check in checks.run_checks([AGENT]) if check.name == "at rest"]
    assert detail in found.detail
    assert found.state == ("ok" if encrypted else "note")


@pytest.mark.usefixtures("fake")
def test_retention_is_shown_and_what_is_overdue_is_a_fault(settings: Settings) -> None:
    settings.RETAIN_PAYLOAD_DAYS, settings.RETAIN_AUDIT_DAYS = 30, 365
    (found,) = [check for check in checks.run_checks([AGENT]) if check.name == "retention"]
    assert (found.state, found.detail) == ("ok", "payload 30 days, audit 365 days")
    deliver(transcription(started_at=int(time.time()) - 32 * 86_400), open_memory())
    fault = the_fault()
    assert (fault.name, fault.detail) == ("retention", "payload 30 days, audit 365 days; overdue: payload 1")
