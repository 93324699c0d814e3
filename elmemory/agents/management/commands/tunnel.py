import contextlib
import signal
import sys
from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from elmemory.agents.wiring import CLIENT_DATA_PATH, POST_CALL_PATH, SEARCH_DATA_PATH
from elmemory.environment.arguments import PORT
from elmemory.environment.startup import PlainCommand

_NO_PACKAGE = 'The tunnel needs ngrok\'s SDK: .venv/bin/pip install "ngrok>=1.7,<2"'
_NOT_CONFIGURED = "The tunnel needs NGROK_AUTHTOKEN: get one at dashboard.ngrok.com and put it into .env"


class Command(PlainCommand):
    help = "Give the server on this machine a public https address through ngrok, until interrupted. For trials."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--port", type=PORT, default=settings.PORT, help="the server's port on this machine (that of PORT)"
        )
        parser.add_argument("--domain", help="your ngrok domain, so that the address stays the same")
        parser.add_argument("--provision", metavar="AGENT_ID", help="wire this agent to the address")

    def handle(self, *args: Any, port: int, domain: str | None, provision: str | None, **options: Any) -> None:  # noqa: ARG002
        url = _open(port, domain)
        self.stdout.write(
            f"\n  {url} leads to http://127.0.0.1:{port}\n"
            f"    rings     POST {url}{CLIENT_DATA_PATH}\n"
            f"    searches  POST {url}{SEARCH_DATA_PATH}\n"
            f"    calls     POST {url}{POST_CALL_PATH}\n"
        )
        if not domain:
            self.stdout.write("  The next tunnel will have another address; with --domain it stays the same.\n")
        if agent := provision or self._ask_for_agent():
            call_command("provision", agent, url=url, stdout=self.stdout, stderr=self.stderr)
        self.stdout.write("\n  Ctrl-C ends the tunnel.\n")
        self.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()

    def _ask_for_agent(self) -> str:
        if not (settings.ELEVENLABS_API_KEY and sys.stdin.isatty()):
            return ""
        return input("  Wire an agent to it? Its id, or nothing: ").strip()


def _open(port: int, domain: str | None) -> str:
    """Open a tunnel to the port and return its public address."""
    try:
        ngrok = import_module("ngrok")
    except ImportError:
        raise CommandError(_NO_PACKAGE) from None
    if not settings.NGROK_AUTHTOKEN:
        raise CommandError(_NOT_CONFIGURED)
    options = {"domain": domain} if domain else {}
    try:
        return str(ngrok.forward(port, authtoken=settings.NGROK_AUTHTOKEN, **options).url())
    except ValueError as error:
        # ngrok's arguments are what failed, the reason and sometimes a code
        raise CommandError(f"ngrok: {': '.join(map(str, error.args))}") from None
