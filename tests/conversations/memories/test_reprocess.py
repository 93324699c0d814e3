import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from conversations.files.paths import transcription_path
from conversations.files.receipts import is_done, read_receipt, write_receipt
from conversations.index.sync import reconcile
from conversations.memories.reprocess import request
from conversations.memories.worker import Worker
from conversations.models import Conversation, MemoryState
from elmemory.memory import kinds
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.harness.samples import transcription
from tests.harness.stored import deliver

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, PEPE = "+14155550100", "+14155550101"
FIRST_DAY, DAY = 1_790_000_000, 86_400


def reprocess(*arguments: str) -> str:
    out = StringIO()
    call_command("reprocess", *arguments, "--quiet", stdout=out, stderr=StringIO())
    return out.getvalue()


def selected(*arguments: str) -> set[str]:
    output = reprocess(*arguments, "--dry-run")
    return {line.split()[0] for line in output.splitlines() if line.startswith("  ")}


@pytest.fixture
def calls(payloads: Path, index_schema: None, store: EmbeddedOpenMemory) -> list[str]:  # noqa: ARG001
    """Three calls, a day apart from 2026-09-21 14:13 UTC on: two of Maya's with different agents, one of Pepe's."""
    ids = [
        deliver(transcription(MAYA, "One.", conversation_id="conv_1", agent_id="agent_a", started_at=1_790_000_000)),
        deliver(
            transcription(MAYA, "Two.", conversation_id="conv_2", agent_id="agent_b", started_at=1_790_000_000 + DAY)
        ),
        deliver(transcription(PEPE, "Three.", conversation_id="conv_3", started_at=1_790_000_000 + 2 * DAY)),
    ]
    Worker(store).process_due()
    return ids


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["conv_1", "conv_3"], {"conv_1", "conv_3"}),
        (["--caller", MAYA], {"conv_1", "conv_2"}),
        (["--caller", "1 (415) 555-0101"], {"conv_3"}),
        (["--agent", "agent_b"], {"conv_2"}),
        (["--since", "2026-09-22"], {"conv_2", "conv_3"}),
        (["--until", "2026-09-22"], {"conv_1"}),
        (["--since", "2026-09-22T14:00", "--until", "2026-09-23T00:00+00:00"], {"conv_2"}),
        (["--state", "done"], {"conv_1", "conv_2", "conv_3"}),
        (["--state", "failed"], set()),
        (["--all"], {"conv_1", "conv_2", "conv_3"}),
        (["--all", "--caller", PEPE], {"conv_3"}),
    ],
)
@pytest.mark.usefixtures("calls")
def test_calls_are_selected(arguments: list[str], expected: set[str]) -> None:
    assert selected(*arguments) == expected


@pytest.mark.parametrize(
    "arguments", [[], ["--caller", "nobody"], ["--since", "yesterday"], ["--until", "2026-13-01"], ["../etc"]]
)
def test_an_invalid_selection_is_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        reprocess(*arguments)


def test_a_dry_run_says_what_would_change_and_changes_nothing(store: EmbeddedOpenMemory, calls: list[str]) -> None:
    by_content = {memory.content: memory for memory in store.memories(MAYA)}
    store.delete(MAYA, by_content["One."].id)
    store.put(MAYA, "message:conv_2:99:x", "Never said.", metadata={"kind": "message", "conversation_id": "conv_2"})
    changed = by_content["Two."]
    store.put(MAYA, changed.key, "Otherwise.", metadata=changed.metadata)
    before = store.memories(MAYA)
    output = reprocess("--caller", MAYA, "--dry-run")
    assert "conv_1  1 added, 0 changed, 0 removed" in output
    assert "conv_2  0 added, 1 changed, 1 removed" in output
    assert "In all: 1 added, 1 changed, 1 removed. Nothing was changed." in output
    assert store.memories(MAYA) == before
    assert all(is_done(each, read_receipt(each)) for each in calls)


def test_reprocessing_brings_back_what_the_payload_says(store: EmbeddedOpenMemory, calls: list[str]) -> None:  # noqa: ARG001
    store.forget(MAYA)
    assert "reprocessed        2" in reprocess("--caller", MAYA)
    assert {memory.content for memory in store.memories(MAYA) if memory.kind == kinds.MESSAGE} == {"One.", "Two."}


def test_reprocessing_leaves_what_is_right_as_it_is(store: EmbeddedOpenMemory, calls: list[str]) -> None:  # noqa: ARG001
    before = store.memories(MAYA)
    reprocess("--all")
    assert store.memories(MAYA) == before


def test_what_staff_withheld_stays_withheld(store: EmbeddedOpenMemory, calls: list[str]) -> None:  # noqa: ARG001
    receipt = read_receipt("conv_1")
    assert receipt is not None
    said = next(memory for memory in receipt.memories if memory.key.startswith("message:"))
    receipt.withheld = [said.content_sha256]
    write_receipt("conv_1", receipt)
    store.delete(MAYA, said.id)
    reprocess("--all")
    assert "One." not in [memory.content for memory in store.memories(MAYA)]


def test_a_run_with_failures_ends_with_an_error(store: EmbeddedOpenMemory, calls: list[str]) -> None:  # noqa: ARG001
    transcription_path("conv_1").write_bytes(b"{")
    with pytest.raises(CommandError, match="1 call was not reprocessed"):
        reprocess("--all")


def test_more_than_a_hundred_calls_need_a_confirmation(calls: list[str], monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    for number in range(101):
        deliver(transcription(PEPE, "x", conversation_id=f"conv_many_{number}"))
    asked: list[str] = []

    def no(prompt: str) -> str:
        asked.append(prompt)
        return "n"

    monkeypatch.setattr("builtins.input", no)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    with pytest.raises(CommandError, match="nothing was changed"):
        reprocess("--all")
    assert len(asked) == 1
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    with pytest.raises(CommandError, match="add --yes"):
        reprocess("--all")
    assert len(asked) == 1
    assert Conversation.objects.filter(memory_state=MemoryState.PENDING).count() == 101


def test_the_worker_completes_an_interrupted_run(store: EmbeddedOpenMemory, calls: list[str]) -> None:
    store.forget(MAYA)
    for conversation_id in calls:
        request(conversation_id)
    reconcile()
    assert Worker(store).process_due() == 3
    assert {memory.content for memory in store.memories(MAYA) if memory.kind == kinds.MESSAGE} == {"One.", "Two."}


def test_an_unreadable_body_is_placed_once_it_can_be_read(payloads: Path, store: EmbeddedOpenMemory) -> None:
    deliver(b"still not json")
    readable = json.dumps(transcription(MAYA, "Found again.", conversation_id="conv_found")).encode()
    (payloads / "_unreadable" / "by-an-older-version.json").write_bytes(readable)
    output = reprocess("--unreadable")
    assert "1 unreadable delivery was read, 1 still cannot be read." in output
    assert transcription_path("conv_found").read_bytes() == readable
    assert "Found again." in [memory.content for memory in store.memories(MAYA)]
    assert len(list((payloads / "_unreadable").iterdir())) == 1


def test_reindexing_refreshes_every_row(calls: list[str]) -> None:
    Conversation.objects.all().delete()
    out = StringIO()
    call_command("reindex", "--quiet", stdout=out)
    assert "3 conversations indexed" in out.getvalue()
    rows = Conversation.objects.filter(pk__in=calls)
    assert [row.memory_state for row in rows] == [MemoryState.WRITTEN] * 3
