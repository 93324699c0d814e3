"""A browser, and a server with an invented month of calls."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.browser import demo
from tests.harness.server import Server

PASSWORD = "staff-password-1"
_MAKE_USERS = f"""
from django.contrib.auth.models import Group, User
User.objects.create_superuser("administrator", "", "{PASSWORD}")
for role in ("viewer", "supervisor", "operator", "privacy officer"):
    user = User.objects.create_user(role, "", "{PASSWORD}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
"""

type LogIn = Callable[[str], Page]


def executable() -> str | None:
    return os.environ.get("BROWSER") or shutil.which("chromium")


def prepared(server: Server, days: int = 3) -> None:
    demo.play(server, days=days)
    server.manage("shell", "-c", _MAKE_USERS)


def log_in(browser: Browser, server: Server, role: str, **options: object) -> Page:
    page = browser.new_context(base_url=server.url, **options).new_page()  # type: ignore[arg-type]
    page.goto("/admin/")
    page.fill("#id_username", role)
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    return page


def launched(playwright: Playwright) -> Browser:
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    return playwright.chromium.launch(executable_path=executable(), args=arguments)


@pytest.fixture(scope="package")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("practice")) as running:
        prepared(running)
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if executable() is None:
        pytest.skip("there is no chromium; name one in BROWSER")
    with sync_playwright() as playwright:
        running = launched(playwright)
        yield running
        running.close()


@pytest.fixture
def staff(browser: Browser, practice: Server) -> Iterator[LogIn]:
    """Logs in as staff with this role. The test fails if the browser reports an error."""
    complaints: list[str] = []
    pages: list[Page] = []

    def logged_in(role: str) -> Page:
        page = log_in(browser, practice, role)
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        pages.append(page)
        return page

    yield logged_in
    for page in pages:
        page.context.close()
    assert complaints == []
