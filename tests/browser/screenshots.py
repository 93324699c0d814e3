"""Pictures of the four main pages for docs/admin.md and README.md: `make screenshots`.

`python -m tests.browser.screenshots FOLDER [PAGE…]` makes those of all main pages, or of these, at four widths, light
and dark, in that folder: PAGE-WIDTH-SCHEME.png.
"""

import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import executable, launched, log_in, prepared
from tests.harness.server import ROOT, Server, wait_until

TARGET = ROOT / "docs" / "screenshots"
LIST = "/admin/conversations/conversation/"
CALL = f"{LIST}conv_example_returning/change/"
CALLER, CORRECT, FORGET = "Maya Okafor", "Correct or add a fact", "Forget this caller"
PAGES = {
    "overview": "/admin/",
    "calls": LIST,
    "search": f"{LIST}?q=dog",
    "call": CALL,
    "failed": f"{LIST}conv_example_failed/change/",
    "callers": "/admin/conversations/caller/",
    "caller": CALLER,
    "correct": CORRECT,
    "forget": FORGET,
    "figures": f"{LIST}analytics/",
    "unreadable": f"{LIST}unreadable/",
    "log": "/admin/audit/entry/",
    "user": "/admin/auth/user/add/",
    "doctor": "/admin/doctor/",
}
HEIGHTS = {390: 844, 820: 1100, 1280: 800, 1440: 900}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def main() -> None:
    if executable() is None:
        sys.exit("There is no chromium; name one in BROWSER.")
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server, sync_playwright() as playwright:
        prepared(server, days=28)
        browser = launched(playwright)
        if len(sys.argv) > 1:
            every_page(browser, server, Path(sys.argv[1]), sys.argv[2:] or list(PAGES))
        else:
            those_of_the_readme(browser, server)
        browser.close()


def every_page(browser: Browser, server: Server, target: Path, names: list[str]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    page = log_in(browser, server, "administrator")
    for name in names:
        visit(page, PAGES[name])
        for width, height in HEIGHTS.items():
            page.set_viewport_size({"width": width, "height": height})
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=target / f"{name}-{width}-{scheme}.png", animations="disabled")


def visit(page: Page, where: str) -> None:
    """Open an address, or the page of the known caller and what its link leads to."""
    page.set_viewport_size({"width": 1280, "height": 800})
    if where in (CALLER, CORRECT, FORGET):
        page.goto(CALL)
        page.get_by_role("link", name=CALLER).first.click()
        if where != CALLER:
            page.get_by_role("link", name=where).click()
    else:
        page.goto(where)


def those_of_the_readme(browser: Browser, server: Server) -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    page = log_in(browser, server, "administrator", viewport={"width": 1360, "height": 780})
    page.goto("/admin/")
    page.screenshot(path=TARGET / "dashboard.png")
    page.goto(LIST)
    page.screenshot(path=TARGET / "calls.png")
    page.goto(CALL)
    page.get_by_role("link", name=CALLER).first.click()
    page.screenshot(path=TARGET / "caller.png")
    page.goto(CALL)
    page.click("#turn-5 .seek")
    wait_until(lambda: page.evaluate("recording.currentTime > 16"))
    page.evaluate("recording.pause(); scrollTo(0, 0)")
    page.screenshot(path=TARGET / "call.png")


if __name__ == "__main__":
    main()
