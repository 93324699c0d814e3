"""The doctor's page in the admin. Checks run on request, in another process, so that no call waits for them."""

import re
import subprocess
from threading import Lock
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from elmemory.audit.models import Action
from elmemory.audit.record import record
from elmemory.doctor.checks import run_checks_in_subprocess

_AGENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


class DoctorPage:
    """The view, with a lock: only one run of checks at a time, since each uses a second of CPU."""

    def __init__(self) -> None:
        self._running = Lock()

    def view(self, request: HttpRequest) -> HttpResponse:
        """Show a form; after POST, also the checks."""
        if not request.user.has_perm("conversations.run_doctor"):
            raise PermissionDenied
        agent_id = request.POST.get("agent", "").strip()
        if request.method == "POST":
            record(request, Action.RUN, "doctor", agent_id if _AGENT_ID.fullmatch(agent_id) else "")
        result = self._run(agent_id) if request.method == "POST" else {}
        context = {**admin.site.each_context(request), "title": gettext("Doctor"), "agent_id": agent_id, **result}
        return TemplateResponse(request, "admin/doctor.html", context)

    def _run(self, agent_id: str) -> dict[str, Any]:
        """Return `{"checks", "faults"}`, or `{"problem"}` if they could not run."""
        if agent_id and not _AGENT_ID.fullmatch(agent_id):
            return {"problem": gettext("This is not the id of an agent.")}
        if not self._running.acquire(blocking=False):
            return {"problem": gettext("The checks are already running. Try again in a minute.")}
        try:
            checks = run_checks_in_subprocess(agent_id)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            name = type(error).__name__
            problem = gettext("The checks gave no result (%(error)s). Run them on the server: manage.py doctor")
            return {"problem": problem % {"error": name}}
        finally:
            self._running.release()
        return {"checks": checks, "faults": sum(check.state == "fault" for check in checks)}
