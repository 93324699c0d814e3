"""The header of the admin: its sections, each for those who may open it."""

import re

import pytest
from django.test import Client

from tests.conftest import As

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"])

CALLS = "/admin/conversations/conversation/"
OF_CALLS = ["Overview", "Calls", "Callers", "Figures", "Unreadable"]


def sections(client: Client, address: str = "/admin/") -> list[tuple[str, str, str]]:
    """Address, aria-current and name of each section."""
    page = client.get(address).content.decode()
    found = re.search(r'<nav id="sections".*?</nav>', page, re.DOTALL)
    return re.findall(r'<a href="([^"]+)"(?: aria-current="(\w+)")?>([^<]+)</a>', found[0]) if found else []


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("", ["Overview"]),
        ("viewer", OF_CALLS),
        ("operator", [*OF_CALLS, "Doctor"]),
        ("privacy officer", [*OF_CALLS, "Audit log", "Doctor"]),
        ("administrator", [*OF_CALLS, "Audit log", "Users", "Doctor"]),
    ],
)
def test_a_user_is_offered_the_sections_that_they_may_open(as_role: As, role: str, names: list[str]) -> None:
    client = as_role(role)
    offered = sections(client)
    assert [name for _, _, name in offered] == names
    assert [client.get(address).status_code for address, _, _ in offered] == [200] * len(names)


@pytest.mark.parametrize(
    ("address", "current"),
    [
        ("/admin/", [("Overview", "page")]),
        (CALLS, [("Calls", "page")]),
        (f"{CALLS}analytics/", [("Figures", "page")]),
        (f"{CALLS}unreadable/", [("Unreadable", "page")]),
        ("/admin/auth/user/add/", [("Users", "true")]),
        ("/admin/localization/", []),
    ],
)
def test_the_section_that_a_page_is_in_is_marked(staff: Client, address: str, current: list[tuple[str, str]]) -> None:
    assert [(name, marked) for _, marked, name in sections(staff, address) if marked] == current


def test_the_login_page_has_no_sections(client: Client) -> None:
    assert sections(client, "/admin/login/") == []
