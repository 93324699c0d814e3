"""Settings and their faults, and `serve` and `simulate` as a newcomer meets them."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from elmemory.environment.env import Environment
from tests.harness.samples import new_number, transcription
from tests.harness.server import ROOT, Server, free_port, wait_until


@pytest.fixture
def unstarted(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.client.close()


def test_all_faults_of_the_settings_are_reported_at_once_with_name_and_hint(unstarted: Server) -> None:
    done = unstarted.manage(
        "check",
        PORT="eighty",
        MAX_PAYLOAD_MB="0",
        RING_DEADLINE_MS="-1",
        DEBUG="perhaps",
        DYNAMIC_VARIABLES="[1]",
        DATABASE_URL="oracle://nowhere",
        DEFAULT_REGION="Germany",
        AGENT_NUMBERS="+14155550199, front desk",
        TIME_ZONE="Mars/Olympus",
        LOG_LEVEL="LOUD",
        GREETING="Hello {nobody}",
        PAYLOAD_STORAGE_PATH="/proc/nothing/here",
        INDEX_DATABASE_URL="/proc/nothing/index.sqlite3",
        ELEVENLABS_POST_CALL_KEY=" , ",
        PUBLIC_URL="memory.example.com",
    )
    assert done.returncode == 1
    for name in (
        "PORT",
        "MAX_PAYLOAD_MB",
        "RING_DEADLINE_MS",
        "DEBUG",
        "DYNAMIC_VARIABLES",
        "DATABASE_URL",
        "TIME_ZONE",
        "LOG_LEVEL",
        "PUBLIC_URL",
    ):
        assert f"(elmemory.E001) {name}: " in done.stderr
    for name in ("DEFAULT_REGION", "AGENT_NUMBERS", "GREETING", "PAYLOAD_STORAGE_PATH", "INDEX_DATABASE_URL"):
        assert f") {name}" in done.stderr
    assert "ELEVENLABS_POST_CALL_KEY is not set" in done.stderr
    assert done.stderr.count("HINT: ") == done.stderr.count("(elmemory.E")
    assert "Traceback" not in done.stderr


def test_a_postgres_url_has_limits_that_its_query_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setenv("DATABASE_URL", "postgres://maya@db.example.com/elmemory?connect_timeout=1&sslmode=require")
    options = Environment().database("DATABASE_URL", "")["OPTIONS"]
    assert {"connect_timeout": 1, "sslmode": "require", "keepalives_idle": 15}.items() <= options.items()


def test_each_database_is_one_of_its_own(unstarted: Server) -> None:
    done = unstarted.manage("check", OPENMEMORY_DB_PATH=unstarted.environment["DATABASE_URL"])
    assert done.returncode == 1
    assert "(elmemory.E016) OPENMEMORY_DB_PATH: it names the same database as DATABASE_URL" in done.stderr


def test_good_settings_have_no_fault(unstarted: Server) -> None:
    done = unstarted.manage("check")
    assert (done.returncode, done.stderr) == (0, "")


SECRETS = ["ELEVENLABS_POST_CALL_KEY", "ELEVENLABS_CLIENT_DATA_KEY", "ELEVENLABS_SEARCH_DATA_KEY", "SECRET_KEY"]


def test_a_missing_secret_is_an_error_in_production(unstarted: Server) -> None:
    done = unstarted.manage("check", **dict.fromkeys(SECRETS, ""))
    assert done.returncode == 1
    assert [name for name in SECRETS if not re.search(rf"elmemory\.E\d+\) {name} is not set", done.stderr)] == []


def test_a_missing_secret_is_a_warning_in_development(unstarted: Server) -> None:
    done = unstarted.manage("check", DEBUG="true", **dict.fromkeys(SECRETS, ""))
    assert done.returncode == 0
    assert [name for name in SECRETS if not re.search(rf"elmemory\.W\d+\) {name} is not set", done.stderr)] == []


def test_the_server_does_not_start_with_faults_and_reports_them(unstarted: Server) -> None:
    done = unstarted.manage("serve", TIME_ZONE="Mars/Olympus", GREETING="{")
    assert done.returncode == 1
    assert "(elmemory.E001) TIME_ZONE" in done.stderr
    assert "(elmemory.E006) GREETING" in done.stderr


@pytest.fixture(scope="module")
def keyless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has the key of deliveries alone."""
    folder = tmp_path_factory.mktemp("keyless")
    with Server(folder, ELEVENLABS_CLIENT_DATA_KEY="", ELEVENLABS_SEARCH_DATA_KEY="") as server:
        yield server


@pytest.mark.parametrize("endpoint", ["client-data", "search-data"])
def test_a_missing_key_closes_its_endpoint(keyless: Server, endpoint: str) -> None:
    for headers in ({}, {"x-api-key": ""}, {"authorization": "Bearer"}):
        assert keyless.client.post(f"/webhook/{endpoint}", json={"query": "dog"}, headers=headers).status_code == 401


def test_a_missing_key_keeps_neither_deliveries_nor_the_worker_from_their_work(keyless: Server) -> None:
    keyless.deliver(transcription(new_number(), "Hi."))


def test_faults_are_reported_once_at_start(keyless: Server) -> None:
    assert keyless.output.count("ELEVENLABS_CLIENT_DATA_KEY is not set") == 1


def test_in_development_an_endpoint_without_a_key_is_open(tmp_path: Path) -> None:
    with Server(tmp_path, "--no-worker", ELEVENLABS_CLIENT_DATA_KEY="", DEBUG="true") as server:
        assert server.client.post("/webhook/client-data", json={}).status_code == 200


def test_every_setting_is_described_in_the_example() -> None:
    described = {line.partition("=")[0] for line in (ROOT / ".env.example").read_text().splitlines() if "=" in line}
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z0-9_]+)"', (ROOT / "elmemory" / "settings.py").read_text()))
    assert read == described


def test_the_environment_wins_over_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("GREETING=from the file\nTIME_ZONE=Europe/Berlin\n")
    monkeypatch.setenv("GREETING", "")
    monkeypatch.delenv("TIME_ZONE", raising=False)
    environment = Environment(tmp_path / ".env")
    assert environment.text("GREETING", "default") == ""
    assert environment.text("TIME_ZONE") == "Europe/Berlin"
    monkeypatch.delenv("TIME_ZONE")


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for simulated calls alone."""
    with Server(tmp_path_factory.mktemp("practice")) as server:
        yield server


def simulate(server: Server, caller: str, *options: str) -> str:
    done = server.manage("simulate", "--url", server.url, "--caller", caller, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_newcomer_sees_a_caller_recognised(practice: Server) -> None:
    caller = new_number()
    first, second = simulate(practice, caller, "--name", "Zoë O'Hara").split("The phone rings again")
    assert '"returning_caller": "no"' in first
    assert "Welcome back, Zoë! How can I help you today?" in second
    assert "Biscuit" in second
    assert practice.ring(caller)["dynamic_variables"]["user_name"] == "Zoë"


def test_a_simulated_caller_can_be_deleted_afterwards(practice: Server) -> None:
    caller, before = new_number(), set(practice.payloads.glob("conv_*"))
    simulate(practice, caller, "--cleanup")
    assert practice.ring(caller)["dynamic_variables"]["returning_caller"] == "no"
    assert set(practice.payloads.glob("conv_*")) == before


def test_deleting_a_simulated_call_leaves_what_is_known_of_its_caller(practice: Server) -> None:
    caller = new_number()
    practice.deliver(transcription(caller, "Hi.", facts={"first_name": "Zoë"}))
    simulate(practice, caller, "--name", "Ann Lee", "--cleanup")
    known = practice.ring(caller)["dynamic_variables"]
    assert (known["user_name"], known["call_count"]) == ("Zoë", "1")
    assert "No fault." in practice.manage("verify").stdout


@pytest.mark.parametrize("command", ["reindex", "reprocess --all"])
def test_progress_is_shown_on_terminals_alone(practice: Server, command: str) -> None:
    done = practice.manage(*command.split())
    assert done.returncode == 0
    assert "calls/s" not in done.stderr


def test_simulating_without_a_server_reports_what_to_do() -> None:
    with pytest.raises(CommandError, match="make serve"):
        call_command("simulate", "--url", f"http://127.0.0.1:{free_port()}")


def test_keys_are_not_sent_over_http_to_another_machine() -> None:
    with pytest.raises(CommandError, match="is http://: "):
        call_command("simulate", "--url", "http://memory.example.com")


def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        events = [transcription(new_number(), f"Sentence {number}.") for number in range(20)]
        for event in events:
            assert server.post_call(event).status_code == 200
        server.stop()
        server.start()
        for event in events:
            server.wait_for_receipt(event["data"]["conversation_id"])


def test_the_worker_ends_with_its_server_however_that_ends(unstarted: Server) -> None:
    unstarted.start()
    wait_until(lambda: unstarted.workers())
    unstarted.kill()
    wait_until(lambda: not unstarted.workers())


def test_a_worker_that_dies_is_restarted(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        (first,) = wait_until(lambda: server.workers())
        os.kill(first, signal.SIGKILL)
        server.deliver(transcription(new_number(), "Hi."))
        assert server.workers() != [first]


def test_pages_for_staff_run_no_foreign_script_and_are_not_framed(server: Server) -> None:
    page = server.client.get("/admin/login/")
    assert page.status_code == 200
    assert "script-src 'self' 'nonce-" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"


def test_a_secret_may_begin_with_any_character(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELEVENLABS_POST_CALL_KEY", "$ecret")
    assert Environment().text("ELEVENLABS_POST_CALL_KEY") == "$ecret"
    monkeypatch.delenv("ELEVENLABS_POST_CALL_KEY")
    (tmp_path / ".env").write_text("ELEVENLABS_POST_CALL_KEY=$ecret\n")
    assert Environment(tmp_path / ".env").text("ELEVENLABS_POST_CALL_KEY") == "$ecret"
    monkeypatch.delenv("ELEVENLABS_POST_CALL_KEY")


def test_ctrl_c_ends_the_server_without_a_traceback(tmp_path: Path) -> None:
    with Server(tmp_path, "--no-worker") as server:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(15) == 0
        assert "Traceback" not in server.output


def test_with_json_logs_every_line_is_json_and_none_holds_the_password(unstarted: Server) -> None:
    unstarted.is_new = True
    unstarted.environment |= {"LOG_JSON": "true", "ELEVENLABS_SEARCH_DATA_KEY": ""}
    with unstarted as server:
        server.manage("simulate", "--url", server.url)
        busy = server.manage("serve").stderr
    password = (server.folder / "_first_login.txt").read_text().split()[1]
    lines = [json.loads(line) for line in (server.output + busy).splitlines()]
    assert {"made an administrator", "serves", "remembered a call"} <= {line["event"] for line in lines}
    assert any("another process listens" in line["event"] for line in lines)
    assert any(line.get("check") == "elmemory.E002" for line in lines)
    assert password not in server.output


def test_a_websocket_is_refused(server: Server) -> None:
    headers = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert server.client.get("/webhook/client-data", headers=headers).status_code == 405
    assert "Traceback" not in server.output
