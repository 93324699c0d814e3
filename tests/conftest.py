from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django.fixtures import Settings

from conversations.index.schema import ensure_schema
from conversations.models import Conversation
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from tests.harness.server import Server

type As = Callable[[str], Client]

# A machine that is busy for a moment makes no property false.
hypothesis.settings.register_profile("elmemory", deadline=None)
hypothesis.settings.load_profile("elmemory")


@pytest.fixture
def payloads(tmp_path: Path, settings: Settings) -> Path:
    """An empty payload folder."""
    settings.PAYLOAD_STORAGE_PATH = tmp_path / "payloads"
    return tmp_path / "payloads"


@pytest.fixture
def store(transactional_db: None) -> EmbeddedOpenMemory:  # noqa: ARG001
    """The embedded store, empty. Wants `django_db(transaction=True, databases=[...])` on the test."""
    return EmbeddedOpenMemory()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server with its worker, on loopback; each test brings callers and conversations of its own."""
    with Server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def index_schema(transactional_db: None) -> Iterator[None]:  # noqa: ARG001
    """The index with its tables, empty. Wants `django_db` with the database "index"."""
    ensure_schema()
    Conversation.objects.all().delete()
    yield
    ensure_schema()
    Conversation.objects.all().delete()


@pytest.fixture
def as_role() -> As:
    """A browser in which somebody of this role has logged in; "" is staff without a role."""

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
