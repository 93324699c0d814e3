"""Sharing a moment of a call, noting and reviewing it, and deciding about what could not be read."""

import json

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PASSWORD, LogIn
from tests.harness.samples import transcription
from tests.harness.server import Server, wait_until

pytestmark = pytest.mark.browser

LIST = "/admin/conversations/conversation/"
CALL = f"{LIST}conv_example_returning/change/"
UNREADABLE = f"{LIST}unreadable/"


def clipboard(page: Page) -> str:
    expect(page.get_by_text("Copied.")).to_be_visible()
    return str(page.evaluate("navigator.clipboard.readText()"))


def may_copy(page: Page) -> Page:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return page


def test_a_link_to_a_moment_opens_there_in_another_browser(staff: LogIn) -> None:
    page = may_copy(staff("operator"))
    page.goto(CALL)
    page.click("#turn-5 .seek")
    wait_until(lambda: page.evaluate("recording.currentTime > 16"))
    page.evaluate("recording.pause()")
    page.get_by_role("button", name="Copy link").click()
    link = clipboard(page)
    other = staff("supervisor")
    other.goto(link)
    assert "#t=" in link
    expect(other.locator("#turn-5")).to_have_attribute("aria-current", "true")
    expect(other.locator("#turn-5")).to_be_in_viewport()
    assert other.evaluate("recording.currentTime") > 15
    assert other.evaluate("recording.paused && recording.readyState === 0")
    other.evaluate("recording.play()")
    wait_until(lambda: other.evaluate("recording.currentTime > 17"))


def test_a_link_to_a_moment_marks_the_turn_for_those_who_may_not_hear(staff: LogIn) -> None:
    page = staff("viewer")
    page.goto(f"{CALL}#t=17")
    expect(page.locator("#turn-5")).to_have_attribute("aria-current", "true")


def test_a_link_to_a_moment_leads_there_through_the_login(browser: Browser, practice: Server) -> None:
    with browser.new_context(base_url=practice.url) as context:
        page = context.new_page()
        page.goto(f"{CALL}#t=17")
        for password in ("wrong", PASSWORD):
            page.fill("#id_username", "supervisor")
            page.fill("#id_password", password)
            page.click("[type=submit]")
        expect(page.locator("#turn-5")).to_have_attribute("aria-current", "true")


def test_the_transcript_is_copied_as_the_page_shows_it(staff: LogIn) -> None:
    page = may_copy(staff("viewer"))
    page.goto(CALL)
    page.get_by_role("button", name="Copy transcript").click()
    lines = clipboard(page).splitlines()
    assert len(lines) == page.locator("#transcript .said").count()
    assert lines[0].startswith("[0:0")


def test_the_keys_are_explained_on_a_key(staff: LogIn) -> None:
    page = staff("operator")
    page.goto(CALL)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("next and previous turn")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("button", name="Keys").click()
    page.uncheck("#keys-toggle")
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_click_on_the_bar_plays_from_there(staff: LogIn) -> None:
    page = staff("operator")
    page.goto(CALL)
    box = page.locator("#speakers").bounding_box()
    assert box
    page.locator("#speakers").click(position={"x": box["width"] / 2, "y": 5})
    wait_until(lambda: page.evaluate("recording.currentTime > 5"))


def test_a_call_is_noted_and_reviewed(staff: LogIn, practice: Server) -> None:
    event = transcription("+14155550177", "The invoice is wrong.", summary="Complained about an invoice.")
    practice.deliver(event)
    call = event["data"]["conversation_id"]
    page = staff("supervisor")
    page.goto(f"{LIST}{call}/change/")
    page.fill("#review-note", "Call them back.")
    page.get_by_role("button", name="Mark as reviewed").click()
    expect(page.locator(".review")).to_contain_text("reviewed by supervisor on")
    expect(page.locator("#review-note")).to_have_value("Call them back.")
    page.goto(f"{LIST}?reviewed__exact=1")
    expect(page.locator("#result_list")).to_contain_text("✓ reviewed")


def test_an_unreadable_delivery_is_retried_from_the_front_page(staff: LogIn, practice: Server) -> None:
    practice.post_call(b'{"type": "post_call_transcription", "data"')
    path = next((practice.payloads / "_unreadable").iterdir())
    path.write_text(json.dumps(transcription(None, "Hello.", conversation_id="conv_late")))
    page = staff("administrator")
    page.goto("/admin/")
    page.locator(f'#content a[href="{UNREADABLE}"]').click()
    page.locator(".card li a").first.click()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("It was read, and is stored now.")).to_be_visible()
    assert page.url.endswith("/conv_late/change/")
