"""The front page: its figures, and which part is at fault; and pages while no worker runs."""

import os
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from django.utils.html import strip_tags
from django.utils.timezone import localdate, localtime, now
from pytest_django.fixtures import Settings

from conversations.admin.dashboard import dashboard, share
from conversations.files import heartbeat, last_runs
from conversations.files.last_runs import note_run
from conversations.index.references import caller_reference
from conversations.models import Conversation, IndexSchema
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.openmemory.protocol import Health
from tests.harness.samples import raw_sample, sample, transcription
from tests.harness.server import wait_until
from tests.harness.stored import deliver, receive

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

CALLER = "+14155550100"
LIST = "/admin/conversations/conversation/"


@pytest.fixture
def a_worker(payloads: Path) -> Iterator[None]:  # noqa: ARG001
    with heartbeat.heartbeat():
        yield


def health(client: Client) -> str:
    """The strip, its faults with a ✗."""
    page = client.get("/admin/").content.decode()
    return " ".join(strip_tags(page.split('class="health"')[1].split("</section>")[0]).split())


def call_today(caller: str = CALLER, **more: Any) -> dict[str, Any]:
    return transcription(caller, "Hi.", started_at=int(localtime().replace(hour=0, minute=1).timestamp()), **more)


# Health


@pytest.mark.usefixtures("a_worker")
def test_all_is_well_while_everything_works(staff: Client) -> None:
    assert "✗" not in health(staff)


@pytest.mark.usefixtures("a_worker")
def test_a_failed_backup_and_what_the_verification_found_are_named(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as yesterday:
        yesterday.setattr(last_runs, "now", lambda: now() - timedelta(hours=27))
        note_run("backup", ok=True, detail="")
    note_run("verify", ok=True, detail="")
    assert "✗" not in health(staff)
    note_run("backup", ok=False, detail="No space left on device")
    note_run("verify", ok=False, detail="906 × memories missing")
    assert "Fault: Backup failed: No space left on device; the last successful one 1 day ago" in health(staff)
    assert "Fault: Stored data 906 × memories missing" in health(staff)


@pytest.mark.usefixtures("a_worker")
def test_an_attempt_that_fails_after_a_good_backup_of_the_day_is_no_fault(staff: Client) -> None:
    note_run("backup", ok=True, detail="")
    note_run("backup", ok=False, detail="/backups is full")
    assert "✗" not in health(staff)
    assert "Backup just now; an attempt after it failed: /backups is full" in health(staff)
    note_run("backup", ok=True, detail="")
    assert "failed" not in health(staff)


def test_a_worker_that_does_not_run_is_named(staff: Client) -> None:
    assert "✗Fault: Worker not running" in health(staff)
    assert "manage.py worker" in health(staff)


def test_a_worker_that_died_is_named_with_the_time_it_was_last_seen(staff: Client, payloads: Path) -> None:
    payloads.mkdir(exist_ok=True)
    (payloads / "_worker").touch()
    os.utime(payloads / "_worker", (time.time() - 7300,) * 2)
    assert re.search("Worker not running, last seen 2.hours ago", health(staff))


@pytest.mark.usefixtures("a_worker")
def test_an_openmemory_that_does_not_answer_is_named(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmbeddedOpenMemory, "ping", lambda _: Health("remote", False, "nothing answers at 8080"))
    assert "✗Fault: OpenMemory nothing answers at 8080" in health(staff)


@pytest.mark.usefixtures("a_worker")
def test_a_full_disk_is_named(staff: Client, settings: Settings) -> None:
    settings.MIN_FREE_MB = 10**12
    assert "✗Fault: Disk" in health(staff)


@pytest.mark.usefixtures("a_worker")
def test_calls_that_wait_for_long_are_named_with_a_time_that_people_read(staff: Client) -> None:
    receive(transcription(CALLER, "Hi."))
    Conversation.objects.update(pending_since=time.time() - 259_284)
    assert re.search("✗Fault: Queue 1 waiting, the oldest for 3.days", health(staff))
    Conversation.objects.update(pending_since=time.time())
    assert "✓OK: Queue 1 waiting" in health(staff)


@pytest.mark.usefixtures("a_worker")
def test_a_webhook_that_stopped_is_named(staff: Client) -> None:
    for number in range(3):
        deliver(call_today(conversation_id=f"conv_{number}"))
    Conversation.objects.update(has_audio=True, transcription_at=time.time() - 3 * 86_400)
    Conversation.objects.update(audio_at=time.time() - 3 * 86_400)
    Conversation.objects.filter(pk="conv_0").update(audio_at=time.time() - 4 * 86_400)
    deliver(call_today(conversation_id="conv_silent"))
    assert re.search("✗Fault: Deliveries stopped: Recordings for 3.days", health(staff))


def test_calls_that_went_wrong_are_counted_until_they_are_reviewed_and_listed(staff: Client) -> None:
    event = call_today(conversation_id="conv_wrong")
    event["data"]["analysis"] = {"call_successful": "failure"}
    deliver(event)
    deliver(call_today(conversation_id="conv_right"))
    tile = rf'href="({LIST}[^"]*wrong=any[^"]*)">(\d+)<'
    ((address, number),) = re.findall(tile, staff.get("/admin/").content.decode())
    assert number == "1"
    listed = staff.get(address.replace("&amp;", "&")).content.decode()
    assert "conv_wrong" in listed
    assert "conv_right" not in listed
    staff.post(f"{LIST}conv_wrong/review/", {"act": "reviewed", "note": "", "shown": ""})
    assert re.findall(tile, staff.get("/admin/").content.decode())[0][1] == "0"


def test_the_heartbeat_ends_with_the_worker(payloads: Path) -> None:
    with heartbeat.heartbeat():
        wait_until(heartbeat.a_worker_runs)
    assert not heartbeat.a_worker_runs()
    assert heartbeat.last_heartbeat() is None
    assert list(payloads.iterdir()) == []


# Pages while no worker runs


def test_a_call_that_only_just_arrived_is_listed_as_its_page_shows_it(staff: Client) -> None:
    conversation_id = receive(transcription(CALLER, "My dog is Biscuit.", facts={"first_name": "Maya"}))
    table = staff.get(LIST, {"q": "biscuit"}).content.decode().split('id="result_list"')[1].split("</table>")[0]
    listed = " ".join(strip_tags(table).split())
    assert "no transcription yet" not in listed
    assert "My dog is Biscuit" in listed
    assert caller_reference(CALLER) in staff.get("/admin/conversations/caller/").content.decode()
    page = staff.get(f"{LIST}{conversation_id}/change/").content.decode()
    assert "number withheld" not in page
    assert "no worker is running" in page


def test_a_recording_is_shown_as_soon_as_it_is_there(staff: Client) -> None:
    conversation_id = receive(raw_sample("transcription_returning_caller"))
    staff.get(LIST)
    receive(raw_sample("audio"))
    assert "No recording has" not in (page := staff.get(f"{LIST}{conversation_id}/change/").content.decode())
    assert 'id="recording"' in page


@pytest.mark.parametrize("page", ["", "analytics/?days=all", "export/csv/"])
def test_an_index_made_anew_has_all_calls_also_without_a_worker(staff: Client, page: str) -> None:
    for name in ("conv_one", "conv_two"):
        deliver(transcription(CALLER, "Hi.", conversation_id=name))
    Conversation.objects.all().delete()
    IndexSchema.objects.update(made=f"again {page}"[:16])
    answer = staff.get(f"{LIST}{page}")
    text = async_to_sync(_all)(answer) if answer.streaming else answer.content.decode()
    if "analytics" in page:
        assert re.search(r"<td>2</td>", text)
    else:
        assert all(name in text for name in ("conv_one", "conv_two"))


@pytest.mark.parametrize("page", ["/admin/", LIST, f"{LIST}analytics/"])
def test_a_page_says_that_a_new_index_lacks_calls_as_yet(
    staff: Client, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setattr("conversations.index.sync._BATCH", 1)
    monkeypatch.setattr("conversations.index.sync._LONGEST_CATCHING_UP_SECONDS", -1)
    for nth in range(3):
        deliver(transcription(CALLER, "Hi.", conversation_id=f"conv_{nth}"))
    Conversation.objects.all().delete()
    IndexSchema.objects.update(made=f"new {page}"[-16:])
    said = ["does not contain all calls yet" in staff.get(page).content.decode() for _ in range(9)]
    assert said[0]
    assert not said[-1]


async def _all(answer: Any) -> str:
    return b"".join([piece async for piece in answer]).decode()


def test_webhooks_have_not_stopped_while_rows_are_behind(staff: Client) -> None:
    for number in range(5):
        receive(call_today(conversation_id=f"conv_{number}"))
        receive({**sample("audio"), "data": {**sample("audio")["data"], "conversation_id": f"conv_{number}"}})
    page = staff.get("/admin/").content.decode()
    assert "stopped:" not in page
    assert "Calls in 28 days5" in strip_tags(page)


def test_a_redelivered_call_is_shown_after_the_index_was_deleted(staff: Client, store: EmbeddedOpenMemory) -> None:
    event = sample("transcription_returning_caller")
    conversation_id = deliver(event, store)
    Conversation.objects.all().delete()
    receive({**event, "event_timestamp": event["event_timestamp"] + 60})
    assert staff.get(f"{LIST}{conversation_id}/change/").status_code == 200
    assert staff.get(LIST).status_code == 200


def test_a_call_whose_new_version_has_another_caller_is_shown(staff: Client, store: EmbeddedOpenMemory) -> None:
    deliver(transcription(CALLER, "Hi.", conversation_id="conv_moved"), store)
    other = transcription("anonymous", "Hi.", conversation_id="conv_moved")
    receive({**other, "event_timestamp": other["event_timestamp"] + 60})
    assert staff.get(f"{LIST}conv_moved/change/").status_code == 200


# Figures


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(293, 294, "99.7"), (9999, 10_000, "99.9"), (1, 10_000, "0.1"), (294, 294, "100"), (0, 9, "0"), (1, 3, "33"),
     (0, 0, "")],
)  # fmt: skip
def test_only_all_is_a_hundred_percent(part: int, whole: int, expected: str) -> None:
    assert share(part, whole) == expected


def test_a_failed_call_counts_on_its_day_beside_others() -> None:
    for number in range(3):
        deliver(
            call_today(conversation_id=f"conv_{number}", metadata={"start_time_unix_secs": int(time.time()) + number})
        )
    deliver(call_today("+14155550101", conversation_id="conv_other"))
    event = call_today("+14155550103", conversation_id="conv_broken")
    event["data"]["status"] = "failed"
    deliver(event)
    failure = sample("call_initiation_failure_sip")
    failure["event_timestamp"] = int(time.time())
    deliver(failure)
    day = next(day for day in dashboard()["days"] if day["day"] == localdate())
    assert day["failed"] == 2
    assert day["calls"] == 6


@pytest.mark.parametrize(("seconds", "shown"), [(9, "0:09"), (75, "1:15"), (3599, "59:59"), (10_000, "2:46:40")])
def test_lengths_look_alike_wherever_they_are_shown(staff: Client, seconds: int, shown: str) -> None:
    event = call_today(conversation_id="conv_long")
    event["data"]["metadata"]["call_duration_secs"] = seconds
    deliver(event)
    for address in ("/admin/", LIST, f"{LIST}conv_long/change/"):
        assert shown in strip_tags(staff.get(address).content.decode())
