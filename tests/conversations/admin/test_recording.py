"""Recordings in pieces, over the real server."""

import httpx2
import pytest

from tests.harness.samples import new_number, transcription
from tests.harness.server import Server
from webhooks.simulator.call import SimulatedCall

pytestmark = pytest.mark.sqlite

SIZE = 34 * 38 * 104


@pytest.fixture(scope="module")
def recording(server: Server) -> str:
    call = SimulatedCall(new_number())
    server.deliver(call.transcription())
    server.post_call(call.audio())
    return f"/admin/conversations/conversation/{call.conversation_id}/recording/"


@pytest.mark.parametrize(
    ("asked", "status", "content_range", "length"),
    [
        (None, 200, None, SIZE),
        ("bytes=0-", 206, f"bytes 0-{SIZE - 1}/{SIZE}", SIZE),
        ("bytes=100-199", 206, f"bytes 100-199/{SIZE}", 100),
        (f"bytes={SIZE - 10}-{SIZE + 999}", 206, f"bytes {SIZE - 10}-{SIZE - 1}/{SIZE}", 10),
        ("bytes=-5", 206, f"bytes {SIZE - 5}-{SIZE - 1}/{SIZE}", 5),
        (f"bytes=-{2 * SIZE}", 206, f"bytes 0-{SIZE - 1}/{SIZE}", SIZE),
        (f"bytes={SIZE}-", 416, f"bytes */{SIZE}", 0),
        ("bytes=9-3", 416, f"bytes */{SIZE}", 0),
        ("bytes=-0", 416, f"bytes */{SIZE}", 0),
        ("bytes=0-1,5-6", 200, None, SIZE),
        ("bytes=-", 200, None, SIZE),
        ("pages=1-2", 200, None, SIZE),
        ("bytes=x-y", 200, None, SIZE),
    ],
)
def test_a_recording_comes_in_the_piece_that_is_asked_for(
    staff_browser: httpx2.Client, recording: str, asked: str | None, status: int, content_range: str | None, length: int
) -> None:
    answer = staff_browser.get(recording, headers={"range": asked} if asked else {})
    assert (answer.status_code, answer.headers.get("content-range")) == (status, content_range)
    assert len(answer.content) == length
    assert answer.headers["accept-ranges"] == "bytes"


def test_a_call_without_a_recording_has_none(server: Server, staff_browser: httpx2.Client) -> None:
    event = transcription(new_number(), "Hi.")
    server.deliver(event)
    address = f"/admin/conversations/conversation/{event['data']['conversation_id']}/recording/"
    assert staff_browser.get(address).status_code == 404


def test_recordings_are_refused_to_strangers(server: Server, recording: str) -> None:
    assert server.client.get(recording).status_code == 302
