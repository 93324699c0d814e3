"""The doctor's page, on a real server whose ElevenLabs is the fake."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.conftest import As
from tests.harness.fake_elevenlabs import FakeElevenLabs
from tests.harness.server import Server

PAGE = "/admin/doctor/"


class Waiting(FakeElevenLabs):
    """Answers once it is released; `held` is set while a request waits."""

    def answer(self, *request: Any) -> Any:
        self.held.set()
        assert self.released.wait(30)
        return super().answer(*request)


@pytest.fixture(scope="module")
def elevenlabs() -> Iterator[Waiting]:
    with Waiting() as fake:
        yield fake


@pytest.fixture(scope="module")
def server(elevenlabs: Waiting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("practice"), **elevenlabs.environment) as running:
        yield running


@pytest.fixture(autouse=True)
def answering(elevenlabs: Waiting) -> None:
    """An ElevenLabs that answers at once, and has not been asked yet."""
    elevenlabs.requests.clear()
    elevenlabs.held.clear()
    elevenlabs.released.set()


def run_checks(staff_browser: httpx2.Client, agent_id: str = "") -> str:
    form = {"agent": agent_id, "csrfmiddlewaretoken": staff_browser.cookies["csrftoken"]}
    answer = staff_browser.post(PAGE, data=form)
    assert answer.status_code == 200
    return answer.text


def shown_checks(page: str) -> list[str]:
    """Return the checks as text."""
    items = re.findall(r"<li class=.*?</li>", page, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in items]


def test_no_checks_run_before_the_button_is_pressed(staff_browser: httpx2.Client, elevenlabs: Waiting) -> None:
    page = staff_browser.get(PAGE).text
    assert "Run checks" in page
    assert not shown_checks(page)
    assert elevenlabs.requests == []


def test_the_checks_of_the_named_agent_are_shown_with_remedies(
    staff_browser: httpx2.Client, elevenlabs: Waiting
) -> None:
    found = shown_checks(run_checks(staff_browser, "agent_test"))
    assert "✓ OK: queue : 0 calls wait" in found
    assert any(line.startswith("✗ Fault:") and "→ manage.py provision agent_test" in line for line in found)
    assert ("GET", "/v1/convai/agents/agent_test") in elevenlabs.requests


@pytest.mark.parametrize("agent_id", ["--help", "-v3", "a b", "../x"])
def test_an_option_is_not_passed_to_the_command_as_an_agents_id(
    staff_browser: httpx2.Client, elevenlabs: Waiting, agent_id: str
) -> None:
    assert "This is not the id of an agent." in run_checks(staff_browser, agent_id)
    assert elevenlabs.requests == []


def test_while_checks_run_calls_are_answered_and_no_other_checks_run(
    staff_browser: httpx2.Client, server: Server, elevenlabs: Waiting
) -> None:
    elevenlabs.released.clear()
    pages: list[str] = []
    running = threading.Thread(target=lambda: pages.append(run_checks(staff_browser)))
    running.start()
    assert elevenlabs.held.wait(30)
    assert server.ring("+14155550100")["dynamic_variables"]["returning_caller"] == "no"
    assert "The checks are already running." in run_checks(staff_browser)
    assert not pages
    elevenlabs.released.set()
    running.join()
    assert shown_checks(pages[0])


@pytest.mark.django_db(transaction=True, databases=["default"])
def test_checks_that_fail_to_run_are_reported_and_can_be_run_again(
    as_role: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    operator = as_role("operator")
    for _ in range(2):
        assert "The checks gave no result (FileNotFoundError)." in operator.post(PAGE).content.decode()
