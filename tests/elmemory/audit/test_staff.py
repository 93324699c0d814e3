"""Roles: one page makes a user with one, and what it may do is said there."""

import pytest
from django.contrib.auth.models import Group, Permission, User
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


@pytest.mark.parametrize("kind", ["user", "group"])
def test_no_address_of_their_lists_is_a_fault_of_ours(staff: Client, kind: str) -> None:
    for query in (
        "username__regex=(", "name__regex=(", "last_login__year=99999999999999", "groups__id__exact=x",
        "groups__id__exact=99999999999999999999", "is_active__exact=x", "username=%00", "p=0", "p=9", "o=99", "e=1",
    ):  # fmt: skip
        answer = staff.get(f"/admin/auth/{kind}/?{query}", follow=True)
        assert answer.status_code in (200, 400), query


def test_users_are_found_by_their_role(staff: Client, as_role: As) -> None:
    as_role("supervisor")
    role = Group.objects.get(name="supervisor")
    page = staff.get(f"/admin/auth/user/?groups__id__exact={role.pk}").content.decode()
    assert page.count('<td class="field-role">') == 1
