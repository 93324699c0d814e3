"""`manage.py simulate`: each scenario against the real server, many calls at once, and stored payloads sent again."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.harness.samples import new_number, transcription
from tests.harness.server import Server, wait_until


def simulate(server: Server, *arguments: str) -> str:
    out = io.StringIO()
    call_command("simulate", "--url", server.url, *arguments, stdout=out, stderr=out, no_color=True)
    return out.getvalue()


def known(server: Server, caller: str) -> Any:
    return server.ring(caller)["dynamic_variables"]


def answers(output: str) -> list[int]:
    return [int(line.split()[1]) for line in output.splitlines() if line.startswith("  <- ")]


def test_a_new_caller_is_a_stranger(server: Server) -> None:
    output = simulate(server, "--scenario", "new", "--caller", new_number())
    assert '"returning_caller": "no"' in output
    assert '"memories": []' in output


def test_a_known_caller_in_the_scenario_new_is_an_error(server: Server) -> None:
    caller = new_number()
    server.deliver(transcription(caller, "Hello."))
    with pytest.raises(CommandError, match="the caller was known"):
        simulate(server, "--scenario", "new", "--caller", caller)


def test_an_anonymous_caller_leaves_no_memory(server: Server) -> None:
    output = simulate(server, "--scenario", "anonymous")
    assert output.count('"returning_caller": "no"') == 2
    assert '"status": "received"' in output


def test_the_customer_of_an_outbound_call_is_remembered(server: Server) -> None:
    caller = new_number()
    output = simulate(server, "--scenario", "outbound", "--caller", caller, "--name", "Ines Castillo")
    assert f'"called_number":"{caller}"' in output
    assert "Welcome back, Ines!" in output
    assert known(server, caller)["call_count"] == "1"


def test_failed_calls_are_kept(server: Server) -> None:
    output = simulate(server, "--scenario", "failed", "--caller", new_number())
    assert output.count('"status": "received"') == 2
    conversation_id = output.partition('"conversation_id": "')[2].partition('"')[0]
    files = {path.name.removeprefix(conversation_id) for path in (server.payloads / conversation_id).iterdir()}
    assert {"_failure.json", "_transcription.json"} <= files


def test_a_long_call_is_remembered_to_its_end(server: Server) -> None:
    caller = new_number()
    simulate(server, "--scenario", "long", "--caller", caller)
    found = server.search("Which fence is number 217?", caller)["memories"]
    assert any("number 217" in memory["content"] for memory in found)


def test_a_duplicate_is_recognised_and_a_later_version_replaces_the_first(server: Server) -> None:
    caller = new_number()
    output = simulate(server, "--scenario", "duplicate", "--caller", caller)
    assert [line.split('"')[3] for line in output.splitlines() if '"status"' in line] == [
        "received",
        "duplicate",
        "received",
    ]
    assert known(server, caller)["call_count"] == "1"


def test_unsigned_bodies_are_refused_and_unreadable_ones_stored(server: Server) -> None:
    assert answers(simulate(server, "--scenario", "garbage")) == [401, 401, 200, 200]


@pytest.fixture(scope="module")
def empty_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without calls: invented numbers are the same each time."""
    with Server(tmp_path_factory.mktemp("load")) as running:
        yield running


def test_many_calls_by_several_callers_are_delivered(empty_server: Server) -> None:
    output = simulate(empty_server, "--calls", "30", "--callers", "6")
    assert "30 calls of 6 callers" in output
    assert "ring           30 x 200" in output
    assert "transcription  30 x 200" in output
    assert "recording      30 x 200" in output
    wait_until(lambda: known(empty_server, "+14155550105")["call_count"] == "5")
    assert known(empty_server, "+14155550105")["user_name"]
    variables = [
        json.loads(path.read_bytes())["data"]["conversation_initiation_client_data"]["dynamic_variables"]
        for path in empty_server.payloads.rglob("*_transcription.json")
    ]
    assert sorted(each["returning_caller"] for each in variables) == ["no"] * 6 + ["yes"] * 24


def test_a_storm_rings_and_delivers_at_once(empty_server: Server) -> None:
    output = simulate(empty_server, "--scenario", "storm", "--calls", "40", "--callers", "8", "--rate", "200")
    assert "ring           40 x 200" in output
    assert "99 % within" in output


def test_stored_payloads_are_delivered_to_another_server_byte_for_byte(server: Server, tmp_path: Path) -> None:
    source = tmp_path / "payloads"
    caller = new_number()
    simulate(server, "--caller", caller)
    (path,) = [
        path for path in server.payloads.rglob("*_transcription.json") if caller in path.read_text(encoding="utf-8")
    ]
    conversation_id = path.parent.name
    (source / "_spool").mkdir(parents=True)
    path.parent.rename(source / conversation_id)
    output = simulate(server, "--replay", str(source))
    assert "2 payloads" in output
    wait_until(path.exists)
    for name in (f"{conversation_id}_transcription.json", f"{conversation_id}_audio.mp3"):
        assert (path.parent / name).read_bytes() == (source / conversation_id / name).read_bytes()


def test_refused_deliveries_are_an_error(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "conv_one"
    folder.mkdir()
    (folder / "conv_one_transcription.json").write_text(json.dumps(transcription(conversation_id="conv_one")))
    monkeypatch.setattr("django.conf.settings.ELEVENLABS_POST_CALL_KEYS", ["another"])
    with pytest.raises(CommandError, match="1 request was not answered with 200"):
        simulate(server, "--replay", str(tmp_path))
