"""`manage.py forget_caller`: whom it forgets, what it asks, and what it refuses."""

import io
from contextlib import nullcontext
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from conversations.index.references import caller_reference
from elmemory.audit.models import Action, Entry
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.protocol import BOOKKEEPER
from elmemory.memory.openmemory.remote.store import RemoteOpenMemory
from tests.harness.fake_elevenlabs import API_KEY, FakeElevenLabs, conversation
from tests.harness.openmemory_servers import KEY, stub_server
from tests.harness.samples import transcription
from tests.harness.stored import deliver, place

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

MAYA, PEPE = "+14155550100", "+14155550101"


def run(*arguments: object, **options: object) -> str:
    out = io.StringIO()
    call_command("forget_caller", *map(str, arguments), stdout=out, stderr=out, **options)
    return out.getvalue()


@pytest.fixture
def both(store: EmbeddedOpenMemory, payloads: Path, index_schema: None) -> None:  # noqa: ARG001
    deliver(transcription(MAYA, "My dog barks.", conversation_id="conv_m", started_at=1_600_000_000), store)
    deliver(transcription(PEPE, "My cat sleeps.", conversation_id="conv_p", started_at=1_795_000_000), store)


def known(store: EmbeddedOpenMemory) -> list[str]:
    return sorted(store.users())


@pytest.mark.usefixtures("both")
def test_a_number_in_any_spelling_is_forgotten_and_recorded(store: EmbeddedOpenMemory) -> None:
    assert "CERTIFICATE" in run("+1 (415) 555-0100", "--yes")
    assert known(store) == [PEPE]
    entries = [(entry.action, entry.caller) for entry in Entry.objects.order_by("pk")]
    assert entries == [(action, caller_reference(MAYA)) for action in (Action.FORGET, Action.CERTIFICATE)]


@pytest.mark.usefixtures("both")
def test_all_callers_of_a_list_are_forgotten(store: EmbeddedOpenMemory, tmp_path: Path) -> None:
    listed = tmp_path / "list"
    listed.write_text(f"\ufeff{MAYA}\n\n  1-415-555-0101\n{MAYA}\n")
    assert run("--from", listed, "--yes").count("CERTIFICATE") == 2
    assert known(store) == []


@pytest.mark.usefixtures("both")
def test_whoever_has_not_called_for_long_is_forgotten(store: EmbeddedOpenMemory) -> None:
    run("--not-called-for", "1500", "--yes")
    assert known(store) == [PEPE]


@pytest.mark.usefixtures("both")
def test_callers_without_files_count_by_their_last_remembered_call(store: EmbeddedOpenMemory, payloads: Path) -> None:
    for path in (payloads / "conv_m").iterdir():
        path.unlink()
    run("--not-called-for", "1500", "--yes")
    assert known(store) == [PEPE]


@pytest.mark.usefixtures("both")
def test_nothing_is_forgotten_without_a_terminal_to_ask_at(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(CommandError, match="add --yes"):
        run(MAYA)
    assert known(store) == [MAYA, PEPE]


@pytest.mark.usefixtures("both")
@pytest.mark.parametrize(("answer", "left"), [("y", [PEPE]), ("n", [MAYA, PEPE]), ("", [MAYA, PEPE])])
def test_it_asks_before_it_deletes(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch, answer: str, left: list[str]
) -> None:
    asked = list[str]()

    def answered(question: str) -> str:
        asked.append(question)
        return answer

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", answered)
    with nullcontext() if answer == "y" else pytest.raises(CommandError, match="nothing was deleted"):
        run(MAYA, "--payloads")
    assert asked == ["Delete their memories, the files of their calls of 1 caller for good? [y/N] "]
    assert known(store) == left


@pytest.mark.usefixtures("both")
def test_a_dry_run_counts_and_deletes_nothing(store: EmbeddedOpenMemory) -> None:
    place(f'{{"broken": "{MAYA}"'.encode())
    shown = run(MAYA, "--payloads", "--elevenlabs", "--dry-run")
    counts = "memories 2, cards 1, calls 1, payloads 1, receipts 1, unreadable bodies 1, conversations at ElevenLabs 1"

    assert f"{caller_reference(MAYA)} …00: {counts}\nNothing was deleted." in shown
    assert MAYA not in shown
    assert known(store) == [MAYA, PEPE]
    assert not Entry.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "name a caller's number"),
        (["anonymous"], "entry 1 is not a phone number"),
        (["--from", "{tmp}/list"], "entry 2 is not a phone number"),
        (["--from", "{tmp}/none"], "No such file"),
        (["--from", "{tmp}/latin"], "not text in UTF-8"),
        (["--not-called-for", "0"], "write a whole number from 1 to 36500"),
        (["--verify", MAYA, "--payloads"], "only searches"),
    ],
)
def test_bad_arguments_are_refused_and_not_repeated(tmp_path: Path, arguments: list[str], problem: str) -> None:
    (tmp_path / "list").write_text(f"{MAYA}\nsecret\n")
    (tmp_path / "latin").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(CommandError, match=problem) as error:
        run(*(argument.format(tmp=tmp_path) for argument in arguments), "--yes")
    assert "secret" not in str(error.value)


def test_verifying_finds_what_is_given_and_fails(store: EmbeddedOpenMemory, tmp_path: Path) -> None:
    deliver(transcription("+14155559100", "I live at twelve Quixotic Lane.", conversation_id="conv_m"), store)
    run("+14155559100", "--yes")
    sentences = tmp_path / "sentences"
    sentences.write_text("i live at twelve quixotic lane\nHi.\n")
    with pytest.raises(CommandError, match="traces of the caller were found"):
        run("--verify", "+14155559100", "--sentences", sentences)
    assert run("+14155559100", "--verify", "--payloads", "--yes")
    said = run("--verify", "+14155559100", "--sentences", sentences)
    assert "1 sentence is too short to search for." in said
    assert "\n0 traces in " in said


def test_conversations_at_elevenlabs_are_deleted_too(store: EmbeddedOpenMemory, settings: Settings) -> None:
    with FakeElevenLabs() as fake:
        settings.ELEVENLABS_BASE_URL, settings.ELEVENLABS_API_KEY = fake.url, "sk_wrong_0123"
        for number in range(3):
            fake.add_conversation(conversation(number))
        for number in range(2):
            deliver(transcription(MAYA, "Hello.", conversation_id=f"conv_{number:06}"), store)
        with pytest.raises(CommandError, match="run this again"):
            run(MAYA, "--payloads", "--elevenlabs", "--yes")
        assert not store.memories(MAYA)
        settings.ELEVENLABS_API_KEY = API_KEY
        # Nothing knows the ids any more but the notes of the first run.
        assert "conversations at ElevenLabs         2" in run(MAYA, "--yes")
        assert list(fake.conversations) == ["conv_000002"]


def test_a_conversation_that_elevenlabs_has_deleted_itself_is_no_fault(
    store: EmbeddedOpenMemory, settings: Settings
) -> None:
    with FakeElevenLabs() as fake:
        settings.ELEVENLABS_BASE_URL, settings.ELEVENLABS_API_KEY = fake.url, API_KEY
        deliver(transcription(MAYA, "Hello."), store)
        run(MAYA, "--payloads", "--elevenlabs", "--yes")
        assert fake.writes[0].startswith("DELETE ")


def test_the_store_that_was_used_before_is_emptied_too(
    store: EmbeddedOpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(MAYA, "fact:a", "City: Duluth")
    with stub_server() as (stub, url):
        server = RemoteOpenMemory(url, KEY)
        monkeypatch.setattr("conversations.management.commands.forget_caller.open_memory", lambda: server)
        server.put(MAYA, "fact:a", "City: Duluth")
        run(MAYA, "--yes")
        server.close()
        assert {row["user_id"] for row in stub.rows} == {BOOKKEEPER}
    assert store.memories(MAYA) == []
