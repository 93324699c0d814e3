"""The export of a caller: a document that a person can read, the same for machines, and the command that writes it."""

import io
import json
import re
import stat
import tracemalloc
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from conversations.files.paths import AUDIO, payload_path, transcription_path
from conversations.index.references import caller_reference
from conversations.memories import corrections
from conversations.memories.retention import Retention
from elmemory.audit.models import Action, Entry
from elmemory.memory import kinds
from elmemory.memory.openmemory import OpenMemoryError
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.conftest import As
from tests.harness.samples import sample, transcription
from tests.harness.stored import deliver, place

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, PEPE = "+14155550100", "+14155550101"
ROOT = f"caller-{caller_reference(MAYA)}"
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</style></title></head><body onload=alert(1)>",
    "\"' onmouseover=alert(1) x='",
    "javascript:alert(1)",
    "]]><!--",
    "{{ number }} {% include 'admin/login.html' %}",
    "\u202egnp.exe\u2066",
    "&lt;b&gt;",
)


@pytest.fixture
def officer(as_role: As) -> Client:
    return as_role("privacy officer")


def archive(client: Client) -> ZipFile:
    answer: Any = client.get(f"/admin/conversations/caller/{caller_reference(MAYA)}/export/")

    async def read() -> bytes:
        return b"".join([piece async for piece in answer.streaming_content])

    return ZipFile(io.BytesIO(async_to_sync(read)()))


def page(client: Client) -> str:
    return archive(client).read(f"{ROOT}/index.html").decode()


def text(html: str) -> str:
    """The page without its tags, on one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", html.split("</head>")[1]).split())


class Tags(HTMLParser):
    """The names, attributes and ids of a document, and whether each element is closed in its order."""

    VOID = frozenset(("meta", "link", "img", "br", "hr", "input"))

    def __init__(self, html: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.in_order = True
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.in_order &= bool(self.open) and self.open.pop() == tag


def known(store: EmbeddedOpenMemory) -> str:
    """A caller with a call, its recording, and a fact with a rationale; returns the call's id."""
    event = transcription(
        MAYA, "My dog is called Biscuit.", facts={"city": "Duluth"}, summary="Maya spoke of her dog.",
        conversation_id="conv_a", agent_name="Front desk",
    )  # fmt: skip
    event["data"]["analysis"]["data_collection_results"]["city"]["rationale"] = "She said that she lives there."
    deliver(event, store)
    deliver({"type": "post_call_audio", "data": {"conversation_id": "conv_a", "full_audio": "SUQz"}})
    return "conv_a"


def test_the_profile_the_facts_and_their_source_can_be_read(officer: Client, store: EmbeddedOpenMemory) -> None:
    known(store)
    html = page(officer)
    shown = text(html)
    assert f"What is known of {MAYA}" in shown
    assert "They have called once before, on 21 September 2026." in shown
    assert "City: Duluth from the call of 21 Sep 2026, 14:13 UTC" in shown
    assert "Why: She said that she lives there." in shown
    assert '<a href="#call-conv_a">' in html
    assert 'id="call-conv_a"' in html


def test_a_call_has_its_transcript_and_a_player_that_finds_the_recording(
    officer: Client, store: EmbeddedOpenMemory
) -> None:
    known(store)
    whole = archive(officer)
    html = whole.read(f"{ROOT}/index.html").decode()
    (source,) = re.findall(r'<audio controls preload="none" src="([^"]+)"', html)
    assert f"{ROOT}/{source}" in whole.namelist()
    assert "Agent 0:00 Question 0? Caller 0:01 remembered My dog is called Biscuit." in text(html)
    assert "Maya spoke of her dog." in text(html)
    for link in re.findall(r'href="(calls/[^"]+)"', html):
        assert f"{ROOT}/{link}" in whole.namelist()


def test_what_staff_stated_is_shown(officer: Client, store: EmbeddedOpenMemory) -> None:
    known(store)
    corrections.correct(store, MAYA, "city", "Bemidji")
    shown = text(page(officer))
    assert "City: Bemidji set by staff on " in shown
    assert "Also: Duluth (from the call of" in shown


def test_it_says_that_the_caller_is_opted_out(officer: Client, store: EmbeddedOpenMemory, tmp_path: Path) -> None:
    known(store)
    for number in (MAYA, PEPE):  # one of them never called
        corrections.set_preference(store, number, kinds.OPT_OUT, holds=True)
    assert "This caller is opted out" in text(page(officer))
    call_command("export_caller", PEPE, "-o", str(tmp_path / "caller.zip"))
    with ZipFile(tmp_path / "caller.zip") as exported:
        (name,) = (name for name in exported.namelist() if name.endswith("/caller.json"))
        assert json.loads(exported.read(name))["card"]["opted_out"] is True


def test_memories_without_a_section_of_their_own_are_shown(officer: Client, store: EmbeddedOpenMemory) -> None:
    known(store)
    store.put(MAYA, "insight:conv_a", "Prefers mornings.", metadata={"kind": "insight", "conversation_id": "conv_a"})
    store.put(MAYA, "note", "Written by another program.", metadata={})
    shown = text(page(officer)).split("What else is remembered")[1]
    assert "Prefers mornings." in shown
    assert "Written by another program." in shown


def test_a_call_that_never_connected_says_so(officer: Client) -> None:
    failure = sample("call_initiation_failure_sip")
    failure["data"]["metadata"]["body"]["to_number"] = MAYA
    deliver(failure)
    assert "The call never connected:" in text(page(officer))


def test_it_says_who_looked_without_naming_them(officer: Client, store: EmbeddedOpenMemory) -> None:
    known(store)
    officer.get(f"/admin/conversations/caller/{caller_reference(MAYA)}/change/")
    whole = archive(officer)
    log = json.loads(whole.read(f"{ROOT}/log.json"))
    assert [(entry["by"], entry["did"], entry["kind"]) for entry in log] == [
        ("staff", "viewed", "caller"),
        ("staff", "exported", "caller"),
    ]
    assert "staff viewed caller" in text(whole.read(f"{ROOT}/index.html").decode())
    for name in whole.namelist():
        assert b"privacy_officer" not in whole.read(name), name
        assert b"127.0.0.1" not in whole.read(name), name


def test_it_says_what_was_left_out_and_why(officer: Client, store: EmbeddedOpenMemory, settings: Settings) -> None:
    known(store)
    place(b"no event")
    settings.RETAIN_PAYLOAD_DAYS = 1
    path = payload_path("conv_a", AUDIO)
    assert path.exists()
    retention = Retention(store)
    while retention.step():
        pass
    assert not path.exists()
    whole = archive(officer)
    left_out = {one["what"]: one["why"] for one in json.loads(whole.read(f"{ROOT}/left_out.json"))}
    assert "Retention removed them, the last on 20" in left_out["Transcript of 1 call"]
    assert "Recording of 1 call" in left_out
    assert left_out["1 delivery that could not be read"] == "It is not known to whom they belong."
    shown = text(whole.read(f"{ROOT}/index.html").decode())
    assert "The transcript was removed by retention on " in shown
    assert "The recording was removed by retention on " in shown
    assert "What is remembered of it" in shown
    assert "My dog is called Biscuit." in shown


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_becomes_markup(officer: Client, store: EmbeddedOpenMemory, hostile: str) -> None:
    event = transcription(
        MAYA, hostile, facts={"city": hostile, hostile: hostile}, summary=hostile, agent_name=hostile,
        conversation_id="conv_a",
    )  # fmt: skip
    analysis = event["data"]["analysis"]
    analysis["data_collection_results"]["city"]["rationale"] = hostile
    analysis["call_summary_title"] = hostile
    analysis["evaluation_criteria_results"] = {hostile: {"result": hostile, "rationale": hostile}}
    tool = {"tool_name": hostile, "params_as_json": hostile, "request_id": "1"}
    result = {"tool_name": hostile, "result_value": hostile, "request_id": "1"}
    event["data"]["transcript"].append({"role": "agent", "message": hostile, "tool_calls": [tool]})
    event["data"]["transcript"].append({"role": hostile, "message": hostile, "tool_results": [result]})
    deliver(event, store)
    corrections.correct(store, MAYA, "street", hostile)
    html = page(officer)
    tags = Tags(html)
    assert tags.in_order
    assert tags.open == []
    assert {"script", "img", "iframe", "object", "link", "form"}.isdisjoint(tags.names)
    assert [tags.names.count(name) for name in ("html", "head", "title", "style", "body", "main")] == [1] * 6
    assert not [name for name, _ in tags.attributes if name.startswith("on")]
    addresses = [value or "" for name, value in tags.attributes if name in ("href", "src")]
    assert all(address.startswith(("#", "calls/conv_a/")) for address in addresses)


def test_a_version_of_another_caller_is_not_in_it(officer: Client, store: EmbeddedOpenMemory) -> None:
    event = transcription(PEPE, "I keep zebras.", conversation_id="conv_shared")
    deliver(event, store)
    event = transcription(MAYA, "I keep bees.", conversation_id="conv_shared")
    event["event_timestamp"] += 60
    deliver(event, store)
    event["event_timestamp"] += 60
    deliver(event, store)
    exported = archive(officer)
    everything = b"".join(map(exported.read, exported.namelist())).decode()
    assert "zebras" not in everything
    assert PEPE not in everything
    files = [name for name in exported.namelist() if "conv_shared_transcription" in name]
    assert len(files) == 2
    assert [Path(name).name for name in files] == [
        name for call in json.loads(exported.read(f"{ROOT}/calls.json")) for name in call["files"] if "_tr" in name
    ]


def test_memories_under_an_earlier_spelling_of_the_number_are_in_it(store: EmbeddedOpenMemory, tmp_path: Path) -> None:
    store.put("+5215512345678", "note", "I keep axolotls.", metadata={"kind": "message"})
    call_command("export_caller", "+525512345678", "-o", str(tmp_path / "caller.zip"))
    with ZipFile(tmp_path / "caller.zip") as exported:
        assert any(b"axolotls" in exported.read(name) for name in exported.namelist())


def test_it_needs_no_network_and_runs_no_script(officer: Client, store: EmbeddedOpenMemory) -> None:
    known(store)
    html = page(officer)
    assert "default-src 'none'" in html
    assert not re.search(r"https?://|url\(|@import", html)
    assert 'name="viewport"' in html
    assert "@media print" in html
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)


def test_right_to_left_text_has_its_own_direction(officer: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(MAYA, "اسمي مايا"), store)
    assert '<p dir="auto">اسمي مايا</p>' in page(officer)


# The command


def export(*arguments: Any) -> str:
    out = io.StringIO()
    call_command("export_caller", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_writes_what_the_admin_sends(officer: Client, store: EmbeddedOpenMemory, tmp_path: Path) -> None:
    known(store)
    output = tmp_path / "maya.zip"
    assert "4 memories, 1 call." in export("+1 (415) 555-0100", "-o", str(output))
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    whole, sent = ZipFile(output), archive(officer)
    assert whole.testzip() is None
    assert whole.namelist() == sent.namelist()
    for name in whole.namelist():
        if not name.endswith(("index.html", "caller.json", "log.json")):  # these hold times
            assert whole.read(name) == sent.read(name), name
    entry = Entry.objects.filter(action=Action.EXPORT).order_by("pk").first()
    assert entry
    assert (entry.kind, entry.object, entry.username.split(":")[0]) == ("caller", caller_reference(MAYA), "command")


def test_it_overwrites_nothing(store: EmbeddedOpenMemory, tmp_path: Path) -> None:
    known(store)
    output = tmp_path / "maya.zip"
    output.write_text("mine")
    with pytest.raises(CommandError, match="File exists; nothing was written"):
        export(MAYA, "-o", str(output))
    assert output.read_text() == "mine"


def test_a_stranger_and_what_is_no_number_leave_no_file(store: EmbeddedOpenMemory, tmp_path: Path) -> None:
    known(store)
    output = tmp_path / "out.zip"
    with pytest.raises(CommandError, match="nothing is known of this caller"):
        export(PEPE, "-o", str(output))
    with pytest.raises(CommandError, match="not a phone number"):
        export("Maya", "-o", str(output))
    assert not output.exists()
    assert not Entry.objects.exists()


def test_an_export_that_fails_leaves_no_file(
    store: EmbeddedOpenMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(store)
    output = tmp_path / "out.zip"

    def full(*args: object) -> None:  # noqa: ARG001
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("conversations.admin.caller_export.shown_file", full)
    with pytest.raises(CommandError, match="No space left on device; the ZIP was removed"):
        export(MAYA, "-o", str(output))
    assert not output.exists()
    monkeypatch.setattr(EmbeddedOpenMemory, "memories", _away)
    with pytest.raises(CommandError, match="OpenMemory does not answer"):
        export(MAYA, "-o", str(output))
    assert not output.exists()


def _away(*args: object) -> None:  # noqa: ARG001
    raise OpenMemoryError("nobody listens")


def test_a_file_that_is_removed_while_the_export_is_written_is_left_out(
    store: EmbeddedOpenMemory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(store)
    output = tmp_path / "out.zip"
    files = [payload_path("conv_gone", AUDIO), transcription_path("conv_a")]
    monkeypatch.setattr("conversations.admin.caller_export.files_of_call", lambda *_: files)
    export(MAYA, "-o", str(output))
    names = ZipFile(output).namelist()
    assert f"{ROOT}/calls/conv_a/conv_a_transcription.json" in names
    assert not [name for name in names if "conv_gone" in name]


def test_a_long_recording_is_written_piece_by_piece(store: EmbeddedOpenMemory, tmp_path: Path) -> None:
    known(store)
    with payload_path("conv_a", AUDIO).open("wb") as file:
        file.truncate(64 * 2**20)
    tracemalloc.start()
    export(MAYA, "-o", str(tmp_path / "out.zip"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 2**20
