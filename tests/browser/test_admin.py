"""What staff do, in a real browser with the real server and worker."""

import os
import re
from pathlib import Path
from typing import Literal
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page, expect

from tests.browser import demo
from tests.browser.conftest import LogIn
from tests.harness.samples import new_number, transcription
from tests.harness.server import Server, wait_until

pytestmark = pytest.mark.browser

LIST = "/admin/conversations/conversation/"
CALL = f"{LIST}conv_example_returning/change/"
DOCTOR = "/admin/doctor/"
LOCALIZATION = "/admin/localization/"
A_CALLER, FORGETTING, FINDINGS = "a caller", "forgetting a caller", "the doctor's findings"
FIGURES = f"{LIST}analytics/"
FILTERED = f"{LIST}?days=28&wrong=any&length_from=3"
MAIN_PAGES = [
    "/admin/", LIST, f"{LIST}?q=dog", FILTERED, FIGURES, CALL, "/admin/conversations/caller/", A_CALLER, FORGETTING,
    DOCTOR, FINDINGS, f"{LIST}unreadable/",
]  # fmt: skip


def becomes(page: Page, condition: str) -> None:
    """Poll from outside: the content security policy forbids Playwright's polling inside the page."""
    wait_until(lambda: page.evaluate(condition))


def visit(page: Page, address: str) -> None:
    if address in (A_CALLER, FORGETTING):
        open_caller(page)
        if address == FORGETTING:
            page.get_by_role("link", name="Forget this caller").click()
    elif address == FINDINGS:
        page.goto(DOCTOR)
        page.get_by_role("button", name="Run checks").click()
        expect(page.get_by_role("status")).to_be_visible(timeout=30_000)
    else:
        page.goto(address)


def open_caller(page: Page) -> None:
    page.goto(CALL)
    page.get_by_role("link", name="Maya Okafor").first.click()


def test_a_call_is_found_by_what_was_said_and_opened(staff: LogIn) -> None:
    page = staff("operator")
    page.goto(LIST)
    page.fill("#searchbar", "duluth")
    page.press("#searchbar", "Enter")
    expect(page.locator("#result_list mark")).to_have_text("Duluth")
    page.locator("#result_list .field-started a").click()
    expect(page.locator("h1")).to_have_text("Appointment moved to Friday")


def test_a_hit_of_the_search_is_heard_in_three_clicks(staff: LogIn) -> None:
    page = staff("operator")
    page.goto(LIST)
    page.fill("#searchbar", "thursday appointment")
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator("#result_list .field-started a").first.click()
    page.locator(".hits a").first.click()
    becomes(page, "!recording.paused && recording.currentTime >= 4")
    page.get_by_role("link", name="Calls found").click()
    expect(page.locator("#searchbar")).to_have_value("thursday appointment")


def test_calls_that_went_wrong_this_week_are_a_file_in_three_clicks(staff: LogIn) -> None:
    page = staff("privacy officer")
    page.goto(LIST)
    page.get_by_role("link", name="Last 7 days").click()
    page.get_by_role("link", name="Anything").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) > 1
    assert "conv_example_failed" in "".join(lines)


def test_the_fields_of_the_filters_are_combined_and_saved(staff: LogIn) -> None:
    page = staff("operator")
    page.goto(LIST)
    page.get_by_text("Dates, length, tools").click()
    page.get_by_label("Seconds from").fill("10")
    page.get_by_label("Language").select_option("en")
    page.get_by_role("button", name="Show these").click()
    expect(page.locator(".chips li")).to_have_count(2)
    page.get_by_text("Save this search").click()
    page.get_by_label("Name").fill("Long ones")
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto(LIST)
    page.get_by_role("link", name="Long ones").click()
    expect(page).to_have_url(re.compile(r"language=en&length_from=10$"))


def test_a_bar_of_the_figures_leads_to_its_calls(staff: LogIn) -> None:
    page = staff("viewer")
    page.goto(FIGURES)
    box = page.locator(".chart").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 26.5 / 28, box["y"] + 60)
    expect(page).to_have_url(re.compile(r"\?since=[-0-9]{10}&until=[-0-9]{10}$"))
    expect(page.locator("h1")).to_have_text("Calls")


def test_a_click_on_a_turn_plays_it(staff: LogIn) -> None:
    page = staff("operator")
    page.goto(CALL)
    page.get_by_role("button", name="Play from 0:16").click()
    becomes(page, "recording.currentTime > 16")
    expect(page.locator(".turn.current")).to_have_id("turn-5")
    page.locator("#turn-1 .said").click()
    becomes(page, "recording.currentTime > 4 && recording.currentTime < 9")
    expect(page.locator(".turn[aria-current=true]")).to_have_id("turn-1")


def test_a_recording_plays_and_its_turns_follow(staff: LogIn) -> None:
    page = staff("operator")
    page.goto(CALL)
    page.get_by_role("button", name="2×").click()
    page.evaluate("recording.play()")
    becomes(page, "recording.currentTime > 4.5")
    expect(page.locator(".turn.current")).to_have_id("turn-1")
    assert page.evaluate("recording.playbackRate") == 2


def test_the_keyboard_plays_and_seeks(staff: LogIn) -> None:
    page = staff("operator")
    page.goto(CALL)
    page.keyboard.press("ArrowRight")
    becomes(page, "recording.currentTime === 5")
    page.keyboard.press("j")
    becomes(page, "recording.currentTime === 9")
    page.keyboard.press("k")
    becomes(page, "recording.currentTime === 4")
    page.keyboard.press(" ")
    becomes(page, "!recording.paused")
    page.keyboard.press(" ")
    becomes(page, "recording.paused")


def test_playback_leaves_those_alone_who_read_elsewhere_and_leads_back_on_request(staff: LogIn) -> None:
    page = staff("operator")
    page.set_viewport_size({"width": 1000, "height": 400})
    page.goto(CALL)
    back = page.get_by_role("button", name="Back to the current turn")
    page.click("#turn-1 .seek")
    becomes(page, "!recording.paused")
    expect(back).to_be_hidden()
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(back).to_be_visible()
    before = page.evaluate("scrollY")
    page.evaluate("recording.currentTime = 17")
    expect(page.locator(".turn.current")).to_have_id("turn-5")
    assert page.evaluate("scrollY") == before
    back.click()
    expect(page.locator(".turn.current")).to_be_in_viewport()
    expect(back).to_be_hidden()


def test_single_keys_can_be_switched_off_for_good(staff: LogIn) -> None:
    page = staff("operator")
    page.goto(CALL)
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Keys are on").uncheck()
    page.reload()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("recording.currentTime") == 0
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Keys are on").check()
    page.get_by_role("button", name="Close").click()
    page.locator("h1").click()
    page.keyboard.press("ArrowRight")
    becomes(page, "recording.currentTime === 5")


def test_the_player_offers_no_download_to_those_who_may_not(staff: LogIn) -> None:
    page = staff("operator")
    page.goto(CALL)
    expect(page.locator("audio")).to_have_attribute("controlslist", "nodownload")


def test_a_deleted_memory_leads_back_to_the_call_it_was_deleted_from(staff: LogIn, practice: Server) -> None:
    event = transcription(new_number(), "My canary is called Lemon.", facts={"first_name": "Noor"})
    practice.deliver(event)
    call = f"{LIST}{event['data']['conversation_id']}/change/"
    page = staff("operator")
    page.goto(call)
    page.get_by_role("link", name="Delete: My canary").click()
    expect(page.locator(".whose")).to_contain_text("Noor")
    page.get_by_role("link", name="No, go back").click()
    expect(page).to_have_url(f"{practice.url}{call}")
    page.get_by_role("link", name="Delete: My canary").click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page).to_have_url(f"{practice.url}{call}")
    expect(page.locator(".messagelist")).to_contain_text("Deleted")


def test_filters_are_near_the_top_on_a_phone(staff: LogIn) -> None:
    page = staff("operator")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(LIST)
    expect(page.locator("#result_list tr").nth(1)).to_be_in_viewport()
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.get_by_role("heading", name="Filter", exact=True)).to_be_in_viewport()


def test_a_memory_leads_to_its_turn(staff: LogIn) -> None:
    page = staff("operator")
    page.goto(CALL)
    page.get_by_role("link", name="said at 0:26").click()
    expect(page.locator(".turn:target")).to_contain_text("I moved to Duluth")


def test_json_is_shown_when_it_is_unfolded(staff: LogIn) -> None:
    page = staff("privacy officer")
    page.goto(CALL)
    page.locator("details.raw").last.locator("summary").click()
    expect(page.locator("details.raw pre").last).to_contain_text('"post_call_transcription"')


def test_a_call_is_reprocessed_and_the_page_shows_when_it_is_done(staff: LogIn) -> None:
    page = staff("operator")
    page.goto(CALL)
    page.get_by_role("link", name="Reprocess").click()
    page.get_by_role("button", name="Yes, reprocess").click()
    expect(page.locator(".messagelist")).to_contain_text("will be reprocessed")
    expect(page.locator("#memory-state")).to_have_text("8 memories written", timeout=20_000)


def test_a_corrected_fact_is_what_the_next_ring_uses(staff: LogIn, practice: Server) -> None:
    page = staff("operator")
    open_caller(page)
    page.get_by_role("link", name="Correct First name").click()
    page.fill("[name=value]", "Maja")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Yes, this is right").click()
    expect(page.locator(".messagelist")).to_contain_text("Corrected")
    assert practice.ring(demo.MAYA)["dynamic_variables"]["user_name"] == "Maja"
    page.get_by_role("link", name="Take the correction back: First name").click()
    page.get_by_role("button", name="Yes, delete it").click()
    expect(page.locator(".messagelist")).to_contain_text("Deleted")
    assert practice.ring(demo.MAYA)["dynamic_variables"]["user_name"] == "Maya"


def test_staff_ask_what_the_agent_would_find(staff: LogIn) -> None:
    page = staff("operator")
    open_caller(page)
    page.fill("#question", "What is the dog called?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#ask li").first).to_contain_text("Biscuit")


def test_a_number_is_shown_on_a_click_and_hidden_again(staff: LogIn) -> None:
    page = staff("operator")
    page.goto(f"{LIST}?q=duluth")
    number = page.locator("#result_list button.number")
    number.click()
    expect(number).to_have_text("+1 415-555-0100")
    number.click()
    expect(number).to_contain_text("•••")


def test_a_caller_is_exported_and_forgotten(staff: LogIn, practice: Server) -> None:
    caller = new_number()
    event = transcription(caller, "My parrot is called Pistachio.", facts={"first_name": "Noor"})
    practice.deliver(event)
    assert practice.ring(caller)["dynamic_variables"]["user_name"] == "Noor"
    page = staff("privacy officer")
    page.goto(f"{LIST}{event['data']['conversation_id']}/change/")
    page.get_by_role("link", name="Noor").first.click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export all that is known").click()
    with ZipFile(download.value.path()) as archive:
        (memories,) = (archive.read(name) for name in archive.namelist() if name.endswith("/memories.json"))
    assert b"Pistachio" in memories
    page.get_by_role("link", name="Forget this caller").click()
    page.get_by_label("Delete the stored files too: 1 call, 2 files").check()
    page.get_by_role("button", name="Yes, forget this caller").click()
    expect(page.locator(".messagelist")).to_have_text("Forgotten: 4 memories. 1 call deleted.")
    assert practice.ring(caller) == practice.ring(new_number())
    assert practice.search("What is the parrot called?", caller) == {"profile": None, "memories": []}
    assert practice.post_call(event).json()["status"] == "duplicate"
    page.goto(f"{LIST}?q=pistachio")
    expect(page.locator("#result_list")).to_have_count(0)


def test_the_doctor_is_asked_from_the_front_page(staff: LogIn) -> None:
    page = staff("operator")
    page.get_by_role("link", name="Doctor").click()
    expect(page.locator(".checks")).to_have_count(0)
    page.get_by_role("button", name="Run checks").click()
    worker = page.locator(".checks .ok").filter(has_text="queue")
    expect(worker).to_contain_text("calls wait", timeout=30_000)


def test_a_viewer_reads_but_neither_hears_nor_acts(staff: LogIn) -> None:
    page = staff("viewer")
    page.goto(CALL)
    expect(page.locator("#transcript")).to_contain_text("I moved to Duluth")
    expect(page.locator("audio, button.number, .object-tools >> text=Reprocess")).to_have_count(0)
    assert page.request.get(f"{LIST}conv_example_returning/recording/").status == 403


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "address",
    [
        *MAIN_PAGES,
        f"{LIST}conv_example_failed/change/",
        "/admin/audit/entry/",
        "/admin/auth/user/",
        "/admin/localization/",
    ],
)
def test_axe_finds_nothing_serious(staff: LogIn, address: str, scheme: Literal["light", "dark"]) -> None:
    if not (script := os.environ.get("AXE")):
        pytest.skip("name axe.min.js of the npm package axe-core in AXE")
    page = staff("administrator")
    page.emulate_media(color_scheme=scheme)
    visit(page, address)
    page.evaluate(Path(script).read_text())
    found = page.evaluate('axe.run({rules: {"target-size": {enabled: true}}})')["violations"]
    serious = [violation for violation in found if violation["impact"] in ("serious", "critical")]
    assert [(violation["id"], violation["nodes"][0]["html"]) for violation in serious] == []


@pytest.mark.parametrize("address", MAIN_PAGES)
def test_no_page_is_wider_than_a_phone(staff: LogIn, address: str) -> None:
    page = staff("privacy officer")
    page.set_viewport_size({"width": 390, "height": 844})
    visit(page, address)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


LONG = "W" * 300


@pytest.fixture(scope="module")
def endless(practice: Server) -> str:
    """A call whose every text is a word of 300 letters; its id."""
    event = transcription(
        new_number(), LONG, f"{LONG} endless", summary=LONG, facts={"first_name": LONG[:120], LONG[:50]: LONG}
    )
    data = event["data"]
    data |= {"agent_id": LONG[:128], "agent_name": LONG}
    data["analysis"] |= {
        "call_summary_title": LONG,
        "call_successful": LONG[:32],
        "evaluation_criteria_results": {LONG: {"criteria_id": LONG, "result": LONG, "rationale": LONG}},
    }
    data["metadata"] |= {"termination_reason": LONG, "main_language": LONG, "error": {"code": 1, "reason": LONG}}
    data["conversation_initiation_client_data"]["dynamic_variables"] |= {LONG: LONG}
    data["transcript"].append(
        {
            "role": "agent",
            "message": LONG,
            "tool_calls": [{"tool_name": LONG, "request_id": "r", "params_as_json": "{}"}],
        }
    )
    practice.deliver(event)
    return str(data["conversation_id"])


_ADDRESSES = {
    "list": LIST,
    "search": f"{LIST}?q=endless",
    "filtered": f"{LIST}?tool={LONG[:100]}&language={LONG[:16].lower()}",
    "figures": f"{LIST}analytics/?days=all&tool={LONG[:100]}",
    "callers": "/admin/conversations/caller/",
    "front": "/admin/",
}
_LINKS = {
    "correct": "Correct or add a fact",
    "forget": "Forget this caller",
    "delete": "Delete: WWW",
    "reprocess": "Reprocess",
}


@pytest.mark.parametrize("width", [390, 820, 1280, 1440])
@pytest.mark.parametrize("shown", [*_ADDRESSES, "call", "caller", *_LINKS, "log"])
def test_no_word_widens_a_page_or_hides_a_column(staff: LogIn, endless: str, width: int, shown: str) -> None:
    page = staff("administrator")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(_ADDRESSES.get(shown, "/admin/audit/entry/" if shown == "log" else f"{LIST}{endless}/change/"))
    if shown in ("caller", "correct", "forget"):
        page.locator(".under-title a").first.click()
    if shown in _LINKS:
        page.get_by_role("link", name=_LINKS[shown]).first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for table in page.locator(".results").all():
        assert table.evaluate("element => element.scrollWidth - element.clientWidth") <= 0
