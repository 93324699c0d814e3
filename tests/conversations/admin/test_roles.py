"""Every address of the admin, and the roles that may open it or act there."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, reverse

from conversations.index.references import caller_reference
from conversations.models import Caller, Conversation
from elmemory.audit.models import Action, Entry, Review
from elmemory.audit.roles import ADMINISTRATOR, ROLES
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.conftest import As
from tests.harness.samples import transcription
from tests.harness.stored import deliver, place

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "memory", "index"]),
    pytest.mark.usefixtures("payloads", "index_schema"),
]

CALLER, CALL = "+14155550100", "conv_roles"
ALL = {*ROLES, ADMINISTRATOR}
LISTEN = ALL - {"viewer"}
ACT = {"operator", "privacy officer", ADMINISTRATOR}
OFFICE = {"privacy officer", ADMINISTRATOR}
NOBODY: set[str] = set()
# What opening a page, or a form that is refused, may record.
LOOKED = {Action.VIEW, Action.FIND, Action.EXPORT, Action.DOWNLOAD, Action.LISTEN, Action.REFUSED}
NO_ROLE = ""
EVERYBODY = ALL | {NO_ROLE}
# Django's views and ours by name, and who may use them. Rows have no history page.
OF_CALLS = {
    "changelist": ALL, "change": ALL, "history": EVERYBODY, "add": NOBODY, "delete": NOBODY,
    "export": OFFICE | {"supervisor"},
    "analytics": ALL, "save_search": ALL, "delete_search": ALL, "recording": LISTEN, "file": OFFICE, "state": ALL,
    "reprocess": ACT, "review": LISTEN, "unreadable": ALL, "delivery": ALL, "retry": ACT, "discard_delivery": OFFICE,
    "delivery_file": OFFICE, "discard_call": OFFICE,
}  # fmt: skip
OF_CALLERS = {
    "changelist": ALL, "change": ALL, "history": EVERYBODY, "add": NOBODY, "delete": NOBODY, "opt_out": ACT,
    "restore_memory": ACT, "correct": ACT, "preference": ACT, "correct_insight": ACT, "delete_memory": ACT,
    "regenerate": ACT, "export": OFFICE, "forget": OFFICE,
}  # fmt: skip
OF_LOG = {
    "changelist": OFFICE, "change": OFFICE, "history": OFFICE, "add": NOBODY, "delete": NOBODY, "export": OFFICE,
    "certificate": OFFICE,
}  # fmt: skip


def named(patterns: Sequence[URLPattern | URLResolver]) -> Iterator[str]:
    yield from (str(pattern.name) for pattern in patterns if isinstance(pattern, URLPattern) and pattern.name)


@pytest.mark.parametrize(("model", "known"), [(Conversation, OF_CALLS), (Caller, OF_CALLERS), (Entry, OF_LOG)])
def test_each_address_is_known_here(model: type[Conversation], known: dict[str, set[str]]) -> None:
    prefix = f"{model._meta.app_label}_{model._meta.model_name}_"
    names = {name.removeprefix(prefix) for name in named(admin.site.get_model_admin(model).get_urls())}
    assert names == set(known)


@pytest.fixture
def addresses(payloads: Path, index_schema: None, store: EmbeddedOpenMemory) -> dict[str, set[str]]:  # noqa: ARG001
    """Each address, with a call, a caller and a delivery that are there, and who may use it."""
    deliver(transcription(CALLER, "My dog is called Biscuit.", conversation_id=CALL), store)
    place(b"{broken")
    name = next((payloads / "_unreadable").iterdir()).name
    reference, memory = caller_reference(CALLER), store.memories(CALLER)[0].id
    arguments: dict[str, list[Any]] = {
        "export": ["csv"], "delete_search": [1], "file": [CALL, f"{CALL}_transcription.json"], "delivery": [name],
        "retry": [name], "discard_delivery": [name], "delivery_file": [name], "opt_out": [], "analytics": [],
        "save_search": [], "unreadable": [], "changelist": [], "add": [],
    }  # fmt: skip
    of_caller: dict[str, list[Any]] = {
        "export": [reference], "restore_memory": [reference, CALL, "x"], "preference": [reference, "opt_out", "yes"],
        "correct_insight": [reference, memory], "delete_memory": [reference, memory], "changelist": [], "add": [],
        "opt_out": [],
    }  # fmt: skip
    of_entry: dict[str, list[Any]] = {"changelist": [], "add": [], "export": []}
    found: dict[str, set[str]] = {}
    for app, known, given, usual in (
        ("conversations_conversation", OF_CALLS, arguments, CALL),
        ("conversations_caller", OF_CALLERS, of_caller, reference),
        ("audit_entry", OF_LOG, of_entry, "1"),
    ):
        found |= {
            reverse(f"admin:{app}_{view}", args=given.get(view, [usual])): allowed for view, allowed in known.items()
        }
    others = {"auth_user_changelist": {ADMINISTRATOR}, "auth_user_add": {ADMINISTRATOR}, "index": EVERYBODY}
    found |= {reverse(f"admin:{view}"): allowed for view, allowed in others.items()}
    return found | {
        reverse("doctor"): ACT,
        reverse("admin:localization"): EVERYBODY,
        reverse("admin:auth_group_add"): {ADMINISTRATOR},
    }


@pytest.mark.parametrize("role", [*ROLES, ADMINISTRATOR, NO_ROLE])
def test_a_role_opens_what_is_its_own_and_nothing_else(as_role: As, addresses: dict[str, set[str]], role: str) -> None:
    client = as_role(role)
    refused = set()
    for address in addresses:
        answer = client.get(address)
        answer.close()
        if answer.status_code == 403:
            refused.add(address)
    assert refused == {address for address, allowed in addresses.items() if role not in allowed}


@pytest.mark.parametrize("role", ["viewer", "supervisor", "operator"])
def test_a_role_sends_nothing_that_is_not_its_own(as_role: As, addresses: dict[str, set[str]], role: str) -> None:
    client = as_role(role)
    for address, allowed in addresses.items():
        if role not in allowed:
            assert client.post(address, {"reason": "test", "confirmed": "yes"}).status_code == 403, address


def test_nothing_is_done_by_a_form_without_its_token_or_by_opening_an_address(
    staff: Client,
    addresses: dict[str, set[str]],
    store: EmbeddedOpenMemory,
    payloads: Path,
) -> None:
    def state() -> tuple[list[str], list[Path], set[str], int, int]:
        files = sorted(path for each in (CALL, "_unreadable", "_decisions") for path in (payloads / each).rglob("*"))
        done = set(Entry.objects.values_list("action", flat=True)) - LOOKED
        kept = sorted(memory.content for memory in store.memories(CALLER))
        return kept, files, done, User.objects.count(), Review.objects.count()

    before = state()
    form = {"confirmed": "yes", "reason": "damaged", "number": CALLER, "holds": "yes", "note": "x", "name": "x"}
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get())
    assert [address for address in addresses if strict.post(address, form).status_code != 403] == []
    for address in addresses:
        staff.get(address, form).close()
    assert state() == before


def test_without_a_login_every_address_leads_there(client: Client, addresses: dict[str, set[str]]) -> None:
    for address in addresses:
        for answer in (client.get(address), client.post(address)):
            assert answer.status_code == 302, address
            assert answer["Location"].startswith("/admin/login/"), address
