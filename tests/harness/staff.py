"""Staff who log in to a real server."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from tests.harness.server import Server

_MAKE_USER = """
from django.contrib.auth.models import User
User.objects.filter(username="staff").exists() or User.objects.create_superuser("staff", "", "staff-password-1")
"""


@contextmanager
def logged_in(server: Server) -> Iterator[httpx2.Client]:
    """A client of the server, with cookies, that is logged in as the administrator "staff"."""
    if not server.has_staff:  # a process of its own takes a second
        server.manage("shell", "-c", _MAKE_USER)
        server.has_staff = True
    with httpx2.Client(base_url=server.url, follow_redirects=True, timeout=60) as browser:
        browser.get("/admin/login/?next=/admin/")
        token = browser.cookies["csrftoken"]
        form = {"username": "staff", "password": "staff-password-1", "csrfmiddlewaretoken": token}
        browser.post("/admin/login/?next=/admin/", data=form, headers={"referer": server.url})
        yield browser
