"""The ASGI application: passes each request to an application by its path."""

import gc
import os
import sys
from contextlib import suppress
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "elmemory.settings")

from elmemory.environment.private_files import set_umask

set_umask()

from django.core.asgi import get_asgi_application

django_application = get_asgi_application()

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from servestatic import ServeStaticASGI

from elmemory.environment.startup import report_checks
from elmemory.memory.caches import clear_caches_regularly
from elmemory.memory.encoder.likeness import load_for_searches
from elmemory.memory.openmemory import OpenMemoryError
from elmemory.serving.channel import Receive, Send, with_bounded_body
from elmemory.serving.client_address import without_untrusted_scheme
from elmemory.serving.lean import LeanHandler
from webhooks.api import GUARDS
from webhooks.exposition import metrics_application
from webhooks.health import HEALTH_PATHS
from webhooks.live.reads import live_memory

# In seconds: the longest time that a computing thread delays a live call by holding the interpreter.
sys.setswitchinterval(0.0005)

lean_application = LeanHandler(streamed=("/webhook/post-call", *HEALTH_PATHS), guards=GUARDS)
prometheus_application = metrics_application()
static_application = ServeStaticASGI(django_application, max_age=3600, allow_all_origins=False)
for _finder in get_finders():
    for _storage in getattr(_finder, "storages", {}).values():
        static_application.add_files(_storage.location, prefix=settings.STATIC_URL)
# Django writes bodies of any size to temporary files, even before login.
pages_application = with_bounded_body(static_application, 2**20, 2**25)


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close"})
    elif scope["path"].startswith(("/webhook/", "/health")):
        await lean_application(scope, receive, send)
    elif scope["path"].startswith("//") and scope["path"].lstrip("/").startswith("webhook/"):
        await lean_application(scope, receive, send)  # the sender joined a PUBLIC_URL with a trailing slash to the path
    elif scope["path"] == "/metrics":
        await prometheus_application(scope, receive, send)
    else:
        await pages_application(without_untrusted_scheme(scope), receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                report_checks()
            except SystemExit as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            load_for_searches()
            with suppress(OpenMemoryError):  # the settings may name a store that is not usable yet
                live_memory().guard.watch()
            # Garbage collections delay live calls: exclude what is loaded now, and collect less often.
            gc.collect()
            gc.freeze()
            gc.set_threshold(10_000, 20, 20)
            clear_caches_regularly()
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
