"""How staff log in, what stops strangers, and what of it is recorded."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice
from pytest_django.fixtures import Settings

from elmemory.audit.models import Action, Entry
from tests.conftest import As

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

PASSWORD = "correct horse battery"
LOGIN, ADMIN, TWO_FACTOR = "/admin/login/", "/admin/", "/admin/two-factor/"
HERE, ELSEWHERE = "198.51.100.1", "203.0.113.9"

type Hours = Callable[[float], None]


@pytest.fixture
def maya() -> User:
    return User.objects.create_superuser("maya", "", PASSWORD)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Hours:
    """Lets hours pass for Python's clock."""

    def pass_hours(hours: float, real: Callable[[], float] = time.time) -> None:
        monkeypatch.setattr(time, "time", lambda: real() + hours * 3600)

    return pass_hours


def log_in(password: str = PASSWORD, code: str = "", *, name: str = "maya", address: str = HERE) -> tuple[Client, int]:
    """A client that has tried to log in, and the status of the answer; 302 is a login."""
    client = Client(REMOTE_ADDR=address)
    answer = client.post(LOGIN, {"username": name, "password": password, "code": code, "next": ADMIN})
    return client, answer.status_code


def is_in(client: Client) -> bool:
    return client.get(ADMIN).status_code == 200


def recorded() -> list[tuple[str, str, str]]:
    return [(entry.username, entry.action, entry.detail) for entry in Entry.objects.order_by("id")]


def code_of(device: TOTPDevice) -> str:
    """The code that the authenticator shows; one that was used is as new again."""
    TOTPDevice.objects.filter(pk=device.pk).update(last_t=-1, throttling_failure_count=0)
    return f"{totp(device.bin_key):06}"


@pytest.fixture
def enrolled(maya: User) -> TOTPDevice:
    return TOTPDevice.objects.create(user=maya, name="authenticator", confirmed=True)


# Locks


def test_the_fifth_failure_locks_the_user_name_for_that_address(maya: User) -> None:
    assert [log_in("wrong")[1] for _ in range(6)] == [200, 200, 200, 200, 429, 429]
    assert log_in()[1] == 429
    assert maya.is_active


@pytest.mark.usefixtures("maya")
def test_a_stranger_cannot_lock_staff_out_elsewhere() -> None:
    for _ in range(7):
        log_in("wrong", address=ELSEWHERE)
    assert is_in(log_in()[0])


@pytest.mark.usefixtures("maya")
def test_the_address_is_the_one_that_a_trusted_proxy_names() -> None:
    def through_proxy(client: str, password: str) -> int:
        proxied = Client(REMOTE_ADDR="127.0.0.1", headers={"x-forwarded-for": client})
        return proxied.post(LOGIN, {"username": "maya", "password": password}).status_code

    for _ in range(5):
        through_proxy(ELSEWHERE, "wrong")
    assert through_proxy(ELSEWHERE, PASSWORD) == 429
    assert through_proxy(HERE, PASSWORD) == 302


@pytest.mark.usefixtures("maya")
def test_a_client_cannot_escape_the_lock_by_naming_other_addresses() -> None:
    for number in range(5):
        client = Client(REMOTE_ADDR=HERE, headers={"x-forwarded-for": f"203.0.113.{number}"})
        client.post(LOGIN, {"username": "maya", "password": "wrong"})
    assert log_in()[1] == 429


@pytest.mark.usefixtures("maya")
def test_a_login_starts_the_count_again() -> None:
    for _ in range(4):
        log_in("wrong")
    assert is_in(log_in()[0])
    assert [log_in("wrong")[1] for _ in range(4)] == [200] * 4


@pytest.mark.usefixtures("maya")
def test_the_lock_is_explained_on_its_page() -> None:
    for _ in range(4):
        log_in("wrong")
    answer = Client(REMOTE_ADDR=HERE).post(LOGIN, {"username": "maya", "password": "wrong"})
    assert "locked for your address for an hour" in answer.content.decode()


# Records


def test_logins_logouts_failures_and_locks_are_recorded(maya: User) -> None:
    client, _ = log_in()
    client.post("/admin/logout/")
    for _ in range(9):
        log_in("wrong")
    assert recorded()[:2] == [("maya", "login", ""), ("maya", "logout", "")]
    assert sorted(recorded()[2:]) == [
        ("unknown", "lockout", "maya"),  # the fifth failure; those that follow are one entry a minute
        *[("unknown", "login_failed", "maya")] * 4,
    ]
    failed = Entry.objects.filter(action=Action.LOGIN_FAILED)[0]
    assert (failed.kind, failed.object, failed.address) == ("user", str(maya.pk), HERE)


def test_a_name_that_no_user_has_is_not_recorded_since_it_may_be_a_password() -> None:
    for number in range(3):
        log_in(name=f"my-secret-passphrase-{number}")
    assert recorded() == [("unknown", "login_failed", "no such user")]  # once a minute


def test_no_log_line_names_a_user_or_an_address(maya: User, caplog: pytest.LogCaptureFixture) -> None:  # noqa: ARG001
    for _ in range(6):
        log_in("wrong")
    text = " ".join(each.getMessage() for each in caplog.records if each.levelname in ("WARNING", "ERROR"))
    assert "maya" not in text
    assert HERE not in text


def test_a_refusal_in_the_admin_is_recorded(as_role: As) -> None:
    as_role("viewer").get("/admin/conversations/conversation/conv_1/recording/")
    (entry,) = Entry.objects.all()
    assert (entry.username, entry.action, entry.object) == ("viewer", "refused", "conv_1")
    assert entry.detail == "admin:conversations_conversation_recording"


def test_a_number_that_was_typed_into_an_address_is_not_recorded(as_role: As) -> None:
    as_role("viewer").get("/admin/conversations/caller/+14155550100/export/")
    assert [entry.object for entry in Entry.objects.all()] == [""]


def test_changes_of_users_and_roles_are_recorded_with_their_fields(staff: Client, maya: User) -> None:
    group = Group.objects.get(name="viewer")
    form: dict[str, Any] = {
        "username": "maya",
        "is_staff": "on",
        "is_active": "on",
        "groups": group.pk,
        "date_joined_0": "2026-01-01",
    }
    form |= {"date_joined_1": "10:00:00", "first_name": "Maya"}
    assert staff.post(f"/admin/auth/user/{maya.pk}/change/", form).status_code == 302
    change = {"password1": "a new passphrase", "password2": "a new passphrase", "usable_password": "true"}
    assert staff.post(f"/admin/auth/user/{maya.pk}/password/", change).status_code == 302
    assert staff.post(f"/admin/auth/group/{group.pk}/change/", {"name": "watcher"}).status_code == 302
    assert staff.post(f"/admin/auth/user/{maya.pk}/delete/", {"post": "yes"}).status_code == 302
    details = [
        (entry.kind, entry.detail)
        for entry in Entry.objects.filter(action=Action.CHANGE, username="administrator").order_by("id")
    ]
    assert details[0] == ("user", "maya: date_joined, first_name, is_superuser")
    assert details[1][1].startswith("maya: added group: ")
    assert details[2] == ("user", "maya: password")
    assert details[3] == ("role", "watcher: name")
    assert details[4][1].startswith("watcher: removed permission: ")
    assert details[-1] == ("user", "maya: deleted")
    assert "passphrase" not in str(details)


# Sessions


@pytest.mark.usefixtures("maya")
def test_a_password_change_ends_the_other_sessions() -> None:
    here, there = log_in()[0], log_in(address=ELSEWHERE)[0]
    change = {"old_password": PASSWORD, "new_password1": "a new passphrase", "new_password2": "a new passphrase"}
    assert here.post("/admin/password_change/", change).status_code == 302
    assert is_in(here)
    assert not is_in(there)


@pytest.mark.usefixtures("maya")
def test_a_session_ends_after_eight_hours_of_use(later: Hours) -> None:
    client, _ = log_in()
    later(7.9)
    assert is_in(client)
    later(8.1)
    assert not is_in(client)


@pytest.mark.usefixtures("maya")
def test_a_session_idles_for_at_most_an_hour_and_use_renews_it(later: Hours) -> None:
    client, _ = log_in()
    assert client.cookies["sessionid"]["max-age"] == 3600
    later(0.5)
    assert client.get(ADMIN).cookies["sessionid"]["max-age"] == 3600
    assert "sessionid" not in client.get(ADMIN).cookies  # not at every request


# Two factors


@pytest.mark.usefixtures("maya")
def test_enrolment_shows_a_qr_code_and_once_the_recovery_codes() -> None:
    client, _ = log_in()
    page = client.get(TWO_FACTOR)
    assert "<svg" in page.content.decode()
    assert "style=" not in page.content.decode().split("<svg")[1].split("</svg>")[0]  # the policy would refuse it
    device = TOTPDevice.objects.get()
    assert client.post(TWO_FACTOR, {"code": "000000"}).status_code == 200
    assert not TOTPDevice.objects.get().confirmed
    done = client.post(TWO_FACTOR, {"code": code_of(device)}).content.decode()
    codes = StaticToken.objects.values_list("token", flat=True)
    assert len(codes) == 10
    assert all(code in done for code in codes)
    assert not any(code in client.get(TWO_FACTOR).content.decode() for code in codes)
    assert is_in(client)


def test_who_has_a_device_logs_in_with_a_code_and_not_without(enrolled: TOTPDevice) -> None:
    assert log_in()[1] == 200
    assert log_in(code="000000")[1] == 200
    client, status = log_in(code=code_of(enrolled))
    assert status == 302
    assert is_in(client)
    assert recorded()[-1] == ("maya", "login", "with a code")


def test_a_code_is_accepted_once(enrolled: TOTPDevice) -> None:
    code = code_of(enrolled)
    assert log_in(code=code)[1] == 302
    assert log_in(code=code)[1] == 200


def test_a_recovery_code_is_accepted_once_in_place_of_the_device(enrolled: TOTPDevice) -> None:
    client, _ = log_in(code=code_of(enrolled))
    client.post(TWO_FACTOR, {"codes": "new"})
    code = StaticToken.objects.first()
    assert code is not None
    assert log_in(code=code.token)[1] == 302
    assert log_in(code=code.token)[1] == 200


@pytest.mark.usefixtures("enrolled")
def test_wrong_codes_count_towards_the_lock() -> None:
    assert [log_in(code=f"00000{number}")[1] for number in range(5)] == [200, 200, 200, 200, 429]


def test_enrolling_ends_what_other_sessions_may_do(maya: User) -> None:
    client, _ = log_in()
    TOTPDevice.objects.create(user=maya, confirmed=True)
    assert not is_in(client)
    assert client.get(TWO_FACTOR).status_code == 302
    assert client.post(TWO_FACTOR, {"off": "yes"}).status_code == 302
    assert TOTPDevice.objects.count() == 1


def test_two_factor_login_is_turned_off_again(enrolled: TOTPDevice) -> None:
    client, _ = log_in(code=code_of(enrolled))
    client.post(TWO_FACTOR, {"off": "yes"})
    assert not TOTPDevice.objects.exists()
    assert is_in(log_in()[0])


@pytest.mark.usefixtures("maya")
def test_where_two_factors_are_required_staff_are_sent_to_enrolment_first(settings: Settings) -> None:
    settings.REQUIRE_2FA = True
    client, _ = log_in()
    assert client.get(ADMIN, follow=True).redirect_chain[-1][0] == TWO_FACTOR
    assert client.get("/admin/conversations/conversation/").status_code == 302
    client.post(TWO_FACTOR, {"code": code_of(TOTPDevice.objects.get())})
    assert is_in(client)
    assert client.post(TWO_FACTOR, {"off": "yes"}).status_code == 403


def test_who_is_no_staff_cannot_enrol() -> None:
    User.objects.create_user("guest", password=PASSWORD)
    client = Client()
    client.force_login(User.objects.get(username="guest"))
    assert client.get(TWO_FACTOR)["location"] == f"{LOGIN}?next={TWO_FACTOR}"
    assert Client().get(TWO_FACTOR).status_code == 302


def test_a_change_of_the_device_by_another_is_recorded(staff: Client, enrolled: TOTPDevice) -> None:
    staff.post(f"/admin/otp_totp/totpdevice/{enrolled.pk}/delete/", {"post": "yes"})
    assert [(entry.username, entry.kind, entry.detail) for entry in Entry.objects.all()] == [
        ("administrator", "device", "maya: deleted")
    ]
