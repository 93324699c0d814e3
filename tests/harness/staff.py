"""Staff who log in to a real server."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from tests.harness.server import PASSWORD, STAFF, Server

_MAKE_USER = f"""
from django.contrib.auth.models import User
User.objects.filter(username="{STAFF}").exists() or User.objects.create_superuser("{STAFF}", "", "{PASSWORD}")
"""


@contextmanager
def logged_in(server: Server) -> Iterator[httpx2.Client]:
    """A client of the server, with cookies, that is logged in as the administrator `STAFF`."""
    if not server.has_staff:  # a process of its own takes a second
        server.manage("shell", "-c", _MAKE_USER)
        server.has_staff = True
    with httpx2.Client(base_url=server.url, follow_redirects=True, timeout=60) as browser:
        browser.get("/admin/login/?next=/admin/")
        token = browser.cookies["csrftoken"]
        form = {"username": STAFF, "password": PASSWORD, "csrfmiddlewaretoken": token}
        browser.post("/admin/login/?next=/admin/", data=form, headers={"referer": server.url})
        yield browser
