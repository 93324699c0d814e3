"""Decisions: dated files without personal data, which hold whatever happens to settings, stores and backups."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from conversations.files import decisions
from conversations.files.decisions import about, combined, decide, fingerprint
from conversations.index.references import caller_reference

MAYA = "+14155550100"
NOON = datetime(2026, 10, 7, 12, tzinfo=UTC)
ANOTHER_KEY = "another-secret-key-0123456789-0123456789-0123456789"

pytestmark = pytest.mark.usefixtures("payloads")


def test_a_caller_is_opted_out_from_one_decision_to_the_next() -> None:
    decide(MAYA, "opted_out", at=NOON)
    assert about(MAYA).opted_out
    decide(MAYA, "opted_in", at=NOON + timedelta(hours=1))
    decided = about(MAYA)
    assert not decided.opted_out
    assert decided.periods == ((NOON, NOON + timedelta(hours=1)),)


def test_what_began_before_the_caller_opted_in_again_is_not_allowed() -> None:
    decide(MAYA, "opted_out", at=NOON)
    decide(MAYA, "opted_in", at=NOON + timedelta(hours=1))
    began = [NOON + timedelta(minutes=minutes) for minutes in (-30, 30, 60, 61)]
    assert [about(MAYA).allows(each) for each in began] == [False, False, False, True]


def test_forgetting_does_not_take_an_opt_out_back() -> None:
    decide(MAYA, "opted_out", at=NOON)
    decide(MAYA, "forgotten", at=NOON + timedelta(hours=1))
    assert about(MAYA).opted_out


def test_a_decision_comes_after_those_before_it_whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for at in (NOON, NOON - timedelta(days=1)):
        monkeypatch.setattr(decisions, "now", lambda at=at: at)
        decide(MAYA, "opted_in" if about(MAYA).opted_out else "opted_out")
    assert not about(MAYA).opted_out


def test_the_same_decision_is_recorded_once() -> None:
    assert decide(MAYA, "opted_out", at=NOON)
    assert decide(MAYA, "opted_out", at=NOON) == ""


def test_no_file_names_the_caller_or_holds_a_text(payloads: Path) -> None:
    decide(MAYA, "opted_out")
    decide(MAYA, "withheld", decisions.memory_detail("conv_a", "0" * 64))
    decide(MAYA, "withdrawn", decisions.key_detail("preference:correction:city"))
    files = [path for path in (payloads / "_decisions").rglob("*") if path.is_file()]
    assert len(files) == 4
    held = b" ".join(path.name.encode() + path.read_bytes() for path in files)
    assert not re.search(rb"4155550100|conv_a|city", held)


def test_decisions_hold_under_a_new_secret_key(settings: Settings) -> None:
    decide(MAYA, "opted_out")
    settings.SECRET_KEY = ANOTHER_KEY
    assert about(MAYA).opted_out
    decide(MAYA, "opted_in")
    assert not about(MAYA).opted_out


def test_a_mark_of_an_earlier_version_holds_also_under_a_new_secret_key(payloads: Path, settings: Settings) -> None:
    (payloads / "_forgotten").mkdir(parents=True)
    (payloads / "_forgotten" / caller_reference(MAYA)).write_text(NOON.isoformat())
    assert not about(MAYA).allows(NOON)
    decisions.keep_key_of_old_marks()
    settings.SECRET_KEY = ANOTHER_KEY
    assert not about(MAYA).allows(NOON)
    assert about(MAYA).allows(NOON + timedelta(seconds=1))


def test_a_decision_about_another_spelling_holds() -> None:
    decide("+5491123456789", "opted_out")
    assert about("+541123456789").opted_out


def test_copying_one_folder_over_another_keeps_the_decisions_of_both(payloads: Path, tmp_path: Path) -> None:
    decide(MAYA, "opted_out", at=NOON)
    shutil.copytree(payloads, tmp_path / "backup")
    decide(MAYA, "opted_in", at=NOON + timedelta(hours=1))
    shutil.copytree(tmp_path / "backup", payloads, dirs_exist_ok=True)
    assert about(MAYA).periods == ((NOON, NOON + timedelta(hours=1)),)


def test_a_key_that_is_added_first_unties_no_decision(payloads: Path) -> None:
    decide(MAYA, "opted_out")
    path = payloads / "_decisions" / "key"
    path.write_text(f"{'ab' * 32}\n{path.read_text()}")
    assert about(MAYA).opted_out
    decide(MAYA, "opted_in")
    assert not about(MAYA).opted_out


def test_the_fingerprint_changes_with_each_decision_and_does_not_depend_on_their_order() -> None:
    names = [decide(MAYA, "forgotten", at=NOON + timedelta(minutes=minute)) for minute in range(3)]
    assert (
        fingerprint() == combined(decisions.NOTHING_DECIDED, names) == combined(decisions.NOTHING_DECIDED, names[::-1])
    )
    assert len({fingerprint(), combined(fingerprint(), names[:1]), decisions.NOTHING_DECIDED}) == 3


def test_half_of_a_copy_is_no_decision(payloads: Path) -> None:
    name = decide(MAYA, "opted_out")
    (payloads / "_decisions" / name[:2] / f".{name}.rsync").touch()
    assert len(decisions.decisions_of(MAYA)) == 1
