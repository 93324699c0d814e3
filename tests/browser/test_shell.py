"""The header, the lists and their filter, by mouse and keyboard, at the widths that staff have."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import LogIn, log_in
from tests.harness.server import Server

pytestmark = pytest.mark.browser

LIST = "/admin/conversations/conversation/"
LISTS = [LIST, "/admin/conversations/caller/", "/admin/audit/entry/", "/admin/auth/user/"]
PHONE, TABLET, LAPTOP = 390, 820, 1280


def at(page: Page, width: int, address: str) -> Page:
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(address)
    return page


@pytest.mark.parametrize("width", [PHONE, TABLET, LAPTOP, 1440])
def test_the_header_is_one_line(staff: LogIn, width: int) -> None:
    header = at(staff("administrator"), width, LIST).locator("#header").bounding_box()
    assert header
    assert header["height"] <= 56


@pytest.mark.parametrize("width", [1024, LAPTOP])
@pytest.mark.parametrize("language", ["de", "es", "fr"])
def test_no_section_is_cut_off(browser: Browser, practice: Server, language: str, width: int) -> None:
    page = at(log_in(browser, practice, "administrator", locale=language), width, LIST)
    assert page.evaluate("sections.scrollWidth <= sections.clientWidth")
    page.context.close()


def test_the_first_tab_shows_the_way_to_the_content(staff: LogIn) -> None:
    page = at(staff("viewer"), LAPTOP, LIST)
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to main content")
    assert page.evaluate(
        "({left, top}) => document.elementFromPoint(left + 9, top + 9) === document.activeElement",
        page.locator(":focus").evaluate("(link) => link.getBoundingClientRect().toJSON()"),
    )


def test_users_lead_to_roles_failed_logins_and_devices(staff: LogIn) -> None:
    page = staff("administrator")
    for name in ("Roles", "Failed logins", "Two-factor devices"):
        page.goto("/admin/auth/user/")
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.locator("h1")).to_have_text(name)


def test_on_a_phone_the_sections_are_a_menu_for_the_keyboard(staff: LogIn) -> None:
    page = at(staff("administrator"), PHONE, LIST)
    sections = page.get_by_role("navigation", name="Sections")
    expect(sections).to_be_hidden()
    page.get_by_role("button", name="Sections").press("Enter")
    expect(sections.locator("[aria-current=page]")).to_have_text("Calls")
    page.keyboard.press("Escape")
    expect(sections).to_be_hidden()
    page.get_by_role("button", name="Sections").press("Enter")
    sections.get_by_role("link", name="Callers").click()
    expect(page.locator("h1")).to_have_text("Callers")


def test_the_menu_of_the_user_leads_to_what_is_theirs(staff: LogIn) -> None:
    page = at(staff("viewer"), LAPTOP, LIST)
    page.get_by_role("button", name="viewer").click()
    page.get_by_role("button", name="Colours: as the system").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("link", name="Language and time zone").click()
    expect(page.locator("h1")).to_have_text("Language and time zone")
    page.get_by_role("button", name="viewer").click()
    page.get_by_role("button", name="Log out").click()
    page.goto(LIST)
    expect(page.locator("h1")).to_have_text("Log in")


@pytest.mark.parametrize("width", [PHONE, TABLET])
def test_where_there_is_no_room_the_filter_opens_over_the_page(staff: LogIn, width: int) -> None:
    page = at(staff("operator"), width, LIST)
    drawer = page.get_by_role("search", name="Filter")
    expect(drawer).to_be_hidden()
    page.get_by_role("button", name="Filter", exact=True).press("Enter")
    expect(drawer).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    page.get_by_role("button", name="Filter", exact=True).press("Enter")
    drawer.get_by_role("link", name="Last 28 days").click()
    expect(page.locator(".chips li")).to_contain_text("Day: Last 28 days")


def test_chips_show_what_is_filtered_and_take_it_away_again(staff: LogIn) -> None:
    page = at(staff("administrator"), LAPTOP, "/admin/audit/entry/")
    page.get_by_role("search", name="Filter").get_by_role("link", name="logged in", exact=True).click()
    page.get_by_role("search", name="Filter").get_by_role("link", name="session").click()
    expect(page.locator(".chips li")).to_have_text(["Did: logged in ✕", "What kind: session ✕"])
    page.get_by_role("link", name="Without did: logged in").click()
    expect(page.locator(".chips li")).to_have_text(["What kind: session ✕"])
    page.get_by_role("link", name="Clear all").click()
    expect(page.locator(".chips li")).to_have_count(0)


def test_filters_that_are_not_in_use_are_folded(staff: LogIn) -> None:
    page = at(staff("operator"), LAPTOP, f"{LIST}?direction__exact=inbound")
    folded = page.locator("#changelist-filter details:not([open]) summary")
    expect(page.locator("#changelist-filter details[open] summary")).to_have_text(
        ["Day", "What went wrong", "Direction"]
    )
    expect(folded.first).to_have_text("Dates, length, tools …")


def test_actions_are_offered_for_chosen_rows(staff: LogIn) -> None:
    page = at(staff("operator"), LAPTOP, LIST)
    expect(page.locator(".actions")).to_be_hidden()
    page.locator(".action-select").first.check()
    expect(page.locator(".actions")).to_be_in_viewport()
    expect(page.locator(".actions")).to_contain_text("1 of")


@pytest.mark.parametrize("address", LISTS)
def test_on_a_phone_each_row_is_a_card(staff: LogIn, address: str) -> None:
    page = at(staff("administrator"), PHONE, address)
    expect(page.locator("#result_list thead")).to_be_hidden()
    cells = [cell.bounding_box() for cell in page.locator("#result_list tbody tr").first.locator("td, th").all()]
    assert all(cell["x"] >= 0 and cell["x"] + cell["width"] <= PHONE for cell in cells if cell)


@pytest.mark.parametrize("address", LISTS)
def test_a_list_is_no_wider_than_its_frame(staff: LogIn, address: str) -> None:
    page = at(staff("administrator"), LAPTOP, address)
    table, frame = page.locator("#result_list").bounding_box(), page.locator(".results").bounding_box()
    assert table
    assert frame
    assert table["width"] <= frame["width"]


@pytest.mark.parametrize("address", [LIST, "/admin/audit/entry/"])
def test_the_head_of_a_long_list_stays_below_the_header(staff: LogIn, address: str) -> None:
    page = at(staff("administrator"), LAPTOP, address)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    head, header = page.locator("#result_list thead th").last.bounding_box(), page.locator("#header").bounding_box()
    assert head
    assert header
    assert (header["y"], head["y"]) == (0, header["height"])
