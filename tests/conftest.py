import gc
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import hypothesis
import pytest
from django.contrib.auth.models import Group, User
from django.db import connections
from django.test import Client
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from conversations.index.schema import ensure_schema
from conversations.models import CallerCard, Conversation
from elmemory.audit import triggers
from elmemory.audit.chain import head_path
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.harness.server import Server
from tests.harness.staff import logged_in

type As = Callable[[str], Client]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background commands like this, and the commands that tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No deadline: a busy machine must not fail a property.
hypothesis.settings.register_profile("elmemory", deadline=None)
hypothesis.settings.load_profile("elmemory")


def pytest_collection_finish() -> None:
    """Leave what has been imported and collected out of garbage collections: it lives as long as this process."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:  # noqa: ARG001
    """The databases, without the triggers of the audit log: they would refuse to empty it after a test."""
    default = connections["default"]
    # Only databases that the collected tests use are created.
    if default.settings_dict["NAME"] == default.settings_dict["TEST"]["NAME"]:
        with django_db_blocker.unblock():
            triggers.remove(default)


@pytest.fixture
def audit_triggers(transactional_db: None) -> Iterator[None]:  # noqa: ARG001
    triggers.install(connections["default"])
    yield
    triggers.remove(connections["default"])


@pytest.fixture
def payloads(tmp_path: Path, settings: Settings) -> Path:
    """An empty payload folder, and an audit log without a head."""
    settings.PAYLOAD_STORAGE_PATH = tmp_path / "payloads"
    head_path().unlink(missing_ok=True)
    return tmp_path / "payloads"


@pytest.fixture
def store(transactional_db: None) -> EmbeddedOpenMemory:  # noqa: ARG001
    """The embedded store, empty. The test needs `django_db(transaction=True, databases=["memory", …])`."""
    return EmbeddedOpenMemory()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server with its worker, on loopback; tests use callers and conversations of their own."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def index_schema(transactional_db: None) -> Iterator[None]:  # noqa: ARG001
    """The index with its tables, empty. The test needs `django_db` with the database "index"."""
    _empty_index()
    yield
    _empty_index()


def _empty_index() -> None:
    ensure_schema(starting=True)
    Conversation.objects.all().delete()
    CallerCard.objects.all().delete()
    with connections["index"].cursor() as cursor:
        for table in ("conversation_text", "call_label", "caller_calls"):
            cursor.execute(f"DELETE FROM {table}")


@pytest.fixture
def as_role() -> As:
    """Makes an in-process client that is logged in as staff with this role; "" is no role."""

    def browser(role: str) -> Client:
        user = User.objects.create_user(role.replace(" ", "_") or "nobody", is_staff=True)
        if role == "administrator":
            user.is_superuser = True
            user.save()
        elif role:
            user.groups.add(Group.objects.get(name=role))
        client = Client()
        client.force_login(user)
        return client

    return browser


@pytest.fixture
def staff(as_role: As) -> Client:
    """An in-process client that is logged in as an administrator."""
    return as_role("administrator")


@pytest.fixture
def staff_browser(server: Server) -> Iterator[httpx2.Client]:
    """A client of the real server that is logged in as an administrator."""
    with logged_in(server) as browser:
        yield browser
