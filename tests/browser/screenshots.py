"""Pictures of the four main pages for the README: `make screenshots`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import executable, launched, log_in, prepared
from tests.harness.server import ROOT, Server, wait_until

TARGET = ROOT / "docs" / "screenshots"


def main() -> None:
    if executable() is None:
        sys.exit("There is no chromium; name one in BROWSER.")
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server, sync_playwright() as playwright:
        prepared(server, days=28)
        browser = launched(playwright)
        page = log_in(browser, server, "administrator", viewport={"width": 1360, "height": 780})
        page.goto("/admin/")
        page.screenshot(path=TARGET / "dashboard.png")
        page.goto("/admin/conversations/conversation/")
        page.screenshot(path=TARGET / "calls.png")
        page.goto("/admin/conversations/conversation/conv_example_returning/change/")
        page.get_by_role("link", name="Maya Okafor").first.click()
        page.fill("#question", "What is the dog called?")
        page.get_by_role("button", name="Look").click()
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=TARGET / "caller.png")
        page.goto("/admin/conversations/conversation/conv_example_returning/change/")
        page.click("#turn-5 .seek")
        wait_until(lambda: page.evaluate("recording.currentTime > 16"))
        page.evaluate("recording.pause(); scrollTo(0, 0)")
        page.screenshot(path=TARGET / "call.png")
        browser.close()


if __name__ == "__main__":
    main()
