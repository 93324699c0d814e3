"""The doctor's page in the admin: it examines when somebody asks, in a process of its own, so that no call waits."""

import re
import subprocess
from threading import Lock
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from elmemory.doctor.examination import examination_apart

_AGENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_under_way = Lock()


def doctor_page(request: HttpRequest) -> HttpResponse:
    """A page with a button; by POST with what was found."""
    if not request.user.has_perm("conversations.run_doctor"):
        raise PermissionDenied
    agent_id = request.POST.get("agent", "").strip()
    found = _examined(agent_id) if request.method == "POST" else {}
    context = {**admin.site.each_context(request), "title": "Doctor", "agent_id": agent_id, **found}
    return TemplateResponse(request, "admin/doctor.html", context)


def _examined(agent_id: str) -> dict[str, Any]:
    """The checks, or why there are none. One at a time: each takes a second of a core."""
    if agent_id and not _AGENT_ID.fullmatch(agent_id):
        return {"problem": "That is no agent's id."}
    if not _under_way.acquire(blocking=False):
        return {"problem": "Somebody else has asked the doctor just now. Ask again in a minute."}
    try:
        checks = examination_apart(agent_id)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        told = f"The doctor gave no answer ({type(error).__name__}). On the server's machine ask: manage.py doctor"
        return {"problem": told}
    finally:
        _under_way.release()
    return {"checks": checks, "faults": sum(check.state == "fault" for check in checks)}
