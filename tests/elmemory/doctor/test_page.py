"""The doctor's page, on a real server whose ElevenLabs is the fake."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from elmemory.doctor import page as doctor_page
from tests.conftest import As
from tests.harness.fake_elevenlabs import FakeElevenLabs
from tests.harness.server import Server
from tests.harness.staff import logged_in

PAGE = "/admin/doctor/"


class Waiting(FakeElevenLabs):
    """Answers when it is released; `held` tells that somebody waits."""

    def answer(self, *request: Any) -> Any:
        self.held.set()
        assert self.released.wait(30)
        return super().answer(*request)


@pytest.fixture(scope="module")
def elevenlabs() -> Iterator[Waiting]:
    with Waiting() as fake:
        yield fake


@pytest.fixture(scope="module")
def practice(elevenlabs: Waiting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("practice"), **elevenlabs.environment) as running:
        yield running


@pytest.fixture
def staff(practice: Server, elevenlabs: Waiting) -> Iterator[httpx2.Client]:
    elevenlabs.requests.clear()
    elevenlabs.held.clear()
    elevenlabs.released.set()
    with logged_in(practice) as browser:
        yield browser


def examined(staff: httpx2.Client, agent_id: str = "") -> str:
    form = {"agent": agent_id, "csrfmiddlewaretoken": staff.cookies["csrftoken"]}
    answer = staff.post(PAGE, data=form)
    assert answer.status_code == 200
    return answer.text


def lines(page: str) -> list[str]:
    """The findings as they are read."""
    items = re.findall(r"<li class=.*?</li>", page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in items]


def test_nothing_is_examined_before_somebody_asks(staff: httpx2.Client, elevenlabs: Waiting) -> None:
    page = staff.get(PAGE).text
    assert "Examine" in page
    assert not lines(page)
    assert elevenlabs.requests == []


def test_the_findings_are_shown_with_what_to_do(staff: httpx2.Client) -> None:
    found = lines(examined(staff))
    assert "✓ Well: worker : 0 calls wait" in found
    assert any(line.startswith("✗ To mend:") and "→ manage.py provision agent_test" in line for line in found)


def test_the_agent_may_be_named(staff: httpx2.Client, elevenlabs: Waiting) -> None:
    examined(staff, "agent_test")
    assert ("GET", "/v1/convai/agents/agent_test") in elevenlabs.requests


@pytest.mark.parametrize("agent_id", ["--help", "-v3", "a b", "../x"])
def test_what_is_no_agents_id_becomes_no_option_of_the_command(
    staff: httpx2.Client, elevenlabs: Waiting, agent_id: str
) -> None:
    assert "That is no agent&#x27;s id." in examined(staff, agent_id)
    assert elevenlabs.requests == []


def test_calls_are_answered_while_the_doctor_looks(staff: httpx2.Client, practice: Server, elevenlabs: Waiting) -> None:
    elevenlabs.released.clear()
    pages: list[str] = []
    asking = threading.Thread(target=lambda: pages.append(examined(staff)))
    asking.start()
    assert elevenlabs.held.wait(30)
    assert practice.ring("+14155550100")["dynamic_variables"]["returning_caller"] == "no"
    assert not pages
    elevenlabs.released.set()
    asking.join()
    assert lines(pages[0])


@pytest.mark.django_db(transaction=True, databases=["default"])
def test_one_examination_at_a_time(as_role: As) -> None:
    with doctor_page._under_way:
        assert "Somebody else has asked the doctor just now." in as_role("operator").post(PAGE).content.decode()


@pytest.mark.django_db(transaction=True, databases=["default"])
def test_a_doctor_who_does_not_answer_is_told_and_can_be_asked_again(
    as_role: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    operator = as_role("operator")
    for _ in range(2):
        assert "The doctor gave no answer (FileNotFoundError)." in operator.post(PAGE).content.decode()
