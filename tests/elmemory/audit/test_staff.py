"""Roles: one page makes a user with one, and what it may do is said there."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from elmemory.audit.models import Entry
from elmemory.audit.roles import EXPLAINED, ROLES
from tests.conftest import As

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"])

ADD = "/admin/auth/user/add/"
ANNA = {"username": "anna", "password1": "correct-horse-9", "password2": "correct-horse-9"}


def test_one_page_makes_a_user_with_a_role(staff: Client) -> None:
    answer = staff.post(ADD, {**ANNA, "role": "supervisor"})
    anna = User.objects.get(username="anna")
    assert answer["Location"] == "/admin/auth/user/"
    assert anna.is_staff
    assert not anna.is_superuser
    assert [group.name for group in anna.groups.all()] == ["supervisor"]
    assert Entry.objects.filter(kind="user", detail="anna: added group: supervisor").exists()


def test_each_role_is_explained_where_it_is_chosen(staff: Client) -> None:
    anna = User.objects.create_user("anna", is_staff=True)
    for address in (ADD, f"/admin/auth/user/{anna.pk}/change/"):
        page = staff.get(address).content.decode()
        assert all(str(EXPLAINED[role]) in page for role in ROLES)


def test_the_list_shows_roles(staff: Client, as_role: As) -> None:
    as_role("supervisor")
    page = staff.get("/admin/auth/user/").content.decode()
    assert '<td class="field-role">supervisor</td>' in page
    assert '<td class="field-role">administrator</td>' in page


def test_a_user_without_a_role_is_not_made(staff: Client) -> None:
    staff.post(ADD, ANNA)
    assert not User.objects.filter(username="anna").exists()


def test_only_administrators_make_administrators(staff: Client, as_role: As) -> None:
    manager = as_role("viewer")
    user = User.objects.get(username="viewer")
    user.user_permissions.add(*Permission.objects.filter(codename__in=("add_user", "change_user")))
    manager.post(ADD, {**ANNA, "role": "administrator"})
    assert not User.objects.filter(username="anna").exists()
    staff.post(ADD, {**ANNA, "role": "administrator"})
    assert User.objects.get(username="anna").is_superuser


def test_a_supervisor_hears_exports_and_reviews_but_corrects_and_forgets_nothing(as_role: As) -> None:
    as_role("supervisor")
    user = User.objects.get(username="supervisor")
    may = {permission for permission in user.get_all_permissions() if permission.startswith("conversations.")}
    assert may == {
        "conversations.view_conversation",
        "conversations.view_caller",
        "conversations.listen_conversation",
        "conversations.export_conversation",
        "conversations.review_conversation",
    }
