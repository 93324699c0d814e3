"""`manage.py tunnel`, with a stand-in for ngrok's SDK, which is an optional package and needs the network."""

import io
import signal
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django.fixtures import Settings

from tests.harness.fake_elevenlabs import AGENT, API_KEY, FakeElevenLabs

URL = "https://quiet-fox.ngrok-free.example"


class Ngrok:
    def __init__(self) -> None:
        self.forwarded: list[tuple[Any, dict[str, Any]]] = []
        self.fault: Exception | None = None

    def forward(self, port: int, **options: Any) -> Any:
        if self.fault:
            raise self.fault
        self.forwarded.append((port, options))
        return SimpleNamespace(url=lambda: URL)


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.fixture
def ngrok(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Ngrok:
    stand_in = Ngrok()
    monkeypatch.setitem(sys.modules, "ngrok", stand_in)
    monkeypatch.setattr(signal, "pause", interrupt)
    settings.NGROK_AUTHTOKEN = "token"
    return stand_in


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("tunnel", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def test_the_three_public_addresses_are_shown(ngrok: Ngrok) -> None:
    output = run("--port", "8123", "--domain", "quiet-fox.example.com")
    for path in ("client-data", "search-data", "post-call"):
        assert f"POST {URL}/webhook/{path}" in output
    assert ngrok.forwarded == [(8123, {"authtoken": "token", "domain": "quiet-fox.example.com"})]


@pytest.mark.usefixtures("ngrok")
def test_an_agent_is_wired_to_the_address(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "y")
    monkeypatch.setenv("ELMEMORY_ENV_FILE", "")
    with FakeElevenLabs() as fake:
        settings.ELEVENLABS_API_KEY, settings.ELEVENLABS_BASE_URL = API_KEY, fake.url
        assert "steps done, each read back" in run("--provision", AGENT)
        (webhook,) = fake.webhooks.values()
        assert webhook["webhook_url"] == f"{URL}/webhook/post-call"


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ngrok", None)
    with pytest.raises(CommandError, match=r"^The tunnel needs ngrok's SDK: .*pip install"):
        run()


@pytest.mark.usefixtures("ngrok")
def test_without_a_token_the_error_says_how_to_get_one(settings: Settings) -> None:
    settings.NGROK_AUTHTOKEN = ""
    with pytest.raises(CommandError, match=r"^The tunnel needs NGROK_AUTHTOKEN: [^\n]+$"):
        run()


def test_an_error_of_ngrok_is_shown(ngrok: Ngrok) -> None:
    ngrok.fault = ValueError("failed to connect session", "authentication failed")
    with pytest.raises(CommandError, match="ngrok: failed to connect session: authentication failed"):
        run()
