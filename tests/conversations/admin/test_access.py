import re

import httpx2
import pytest

from elmemory import __version__
from tests.harness.samples import new_number, transcription
from tests.harness.server import Server

pytestmark = pytest.mark.sqlite


def test_staff_find_a_delivered_call_and_open_it(server: Server, staff_browser: httpx2.Client) -> None:
    event = transcription(new_number(), "Hi.", summary="Asked for the opening hours.")
    server.deliver(event)
    conversation_id = event["data"]["conversation_id"]
    assert conversation_id in staff_browser.get("/admin/conversations/conversation/").text
    page = staff_browser.get(f"/admin/conversations/conversation/{conversation_id}/change/")
    assert page.status_code == 200
    assert "Asked for the opening hours." in page.text


def test_staff_search_for_a_number_that_no_url_holds(server: Server, staff_browser: httpx2.Client) -> None:
    number = new_number()
    event = transcription(number, "Hi.")
    server.deliver(event)
    form = staff_browser.get("/admin/conversations/conversation/").text.partition('id="changelist-search"')[2]
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[0]
    for question in (number, number[-7:]):
        found = staff_browser.post(
            "/admin/conversations/conversation/",
            data={"q": question, "csrfmiddlewaretoken": token},
            headers={"referer": f"{server.url}/admin/conversations/conversation/"},
        )
        assert event["data"]["conversation_id"] in found.text
        assert question.removeprefix("+") not in str(found.url)


def test_visitors_without_a_login_see_no_calls(server: Server) -> None:
    answer = server.client.get("/admin/conversations/conversation/")
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/admin/login/")


@pytest.mark.parametrize(
    "conversation_id", ["conv_2601kexample", "conv_40aa", "conv_3Cabc", "conv_5Fx", "export", "unreadable", "searches"]
)
def test_a_call_is_found_under_its_id_even_where_that_looks_escaped_or_like_another_page(
    server: Server, staff_browser: httpx2.Client, conversation_id: str
) -> None:
    server.deliver(
        transcription(new_number(), "Hi.", conversation_id=conversation_id, summary=f"About {conversation_id}.")
    )
    page = staff_browser.get(f"/admin/conversations/conversation/{conversation_id}/change/")
    assert page.url.path == f"/admin/conversations/conversation/{conversation_id}/change/"
    assert f"About {conversation_id}." in page.text
    assert f"{conversation_id}/change/" in staff_browser.get("/admin/conversations/conversation/").text


def test_the_footer_names_the_version_to_staff_alone(server: Server, staff_browser: httpx2.Client) -> None:
    assert f"elmemory {__version__}" in staff_browser.get("/admin/").text
    assert __version__ not in server.client.get("/admin/login/").text
