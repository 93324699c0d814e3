import contextlib
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

import structlog
import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from elmemory.environment.arguments import PORT
from elmemory.environment.startup import CheckedCommand
from elmemory.memory.openmemory import OpenMemoryMisconfigured
from elmemory.memory.openmemory.factory import server_url
from elmemory.memory.openmemory.http_api import OpenMemoryApi
from elmemory.serving.edge import BoundedServer
from elmemory.serving.handover import CannotListen, Entrance
from elmemory.serving.onepacket import OnePacketProtocol

log = structlog.get_logger(__name__)

_DEFAULT_PORT = 8080


class Command(CheckedCommand):
    help = "Serve the embedded store over HTTP to OpenMemory clients, by default on loopback."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
        parser.add_argument("--port", type=PORT, help=f"the port of OPENMEMORY_PORT, else {_DEFAULT_PORT}")

    def handle(self, *args: Any, host: str, port: int | None, **options: Any) -> None:  # noqa: ARG002
        if not settings.OPENMEMORY_KEY and not settings.DEBUG:
            raise CommandError("OPENMEMORY_KEY is not set: anybody could read every caller's memories")
        call_command("migrate", database="memory", verbosity=0)
        port = _port_of_settings() if port is None else port
        try:
            entrance = Entrance(host, port)
        except CannotListen as error:
            raise CommandError(str(error)) from None
        config = uvicorn.Config(
            OpenMemoryApi(settings.OPENMEMORY_KEY),
            host=host,
            port=port,
            http=OnePacketProtocol,
            log_config=None,
            ws="none",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=8,
        )
        if settings.LOG_JSON:
            log.info("the embedded store serves OpenMemory's routes", url=f"http://{host}:{port}")
        else:
            self.stdout.write(f"\n  The embedded store serves OpenMemory's routes on http://{host}:{port}\n")
            self.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn has shut down by then
            BoundedServer(config).run([entrance.listener()])


def _port_of_settings() -> int:
    if not settings.OPENMEMORY_PORT:
        return _DEFAULT_PORT
    try:
        return urlsplit(server_url(settings.OPENMEMORY_PORT)).port or _DEFAULT_PORT
    except OpenMemoryMisconfigured as error:
        raise CommandError(str(error)) from None
