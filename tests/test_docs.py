"""What the documents name exists: commands and their options, settings, make targets, paths, modules and links."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands, load_command_class

from conversations.files.deletion import KINDS
from elmemory.memory.kinds import SALIENCE
from tests.harness.server import ROOT

DOCUMENTS = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")] + sorted(
    path for path in (ROOT / "docs").glob("*.md") if path.name != "performance.md"
)
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
SETTINGS = set(re.findall(r"^([A-Z][A-Z_]+)=", EXAMPLE, re.MULTILINE))
# Placeholders, the file of settings, variables of an OpenMemory server and of single commands.
OTHERS = re.compile(r"AGENT_ID|ELMEMORY_ENV_FILE|FUZZ_(CASES|SEED)|OM_[A-Z_]+|OPENMEMORY_(TARGET_KEY|TEST_[A-Z]+)")

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def text(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def code(document: Path) -> Iterator[str]:
    """The code spans, and the lines of the code blocks."""
    outside, *rest = re.split(r"^```.*$", text(document), flags=re.MULTILINE)
    for number, part in enumerate([outside, *rest]):
        yield from part.splitlines() if number % 2 else re.findall(r"`([^`]+)`", part)


def options_of(command: str) -> set[str]:
    parser = load_command_class(str(get_commands()[command]), command).create_parser("manage.py", command)
    return set(re.findall(r"--[a-z][a-z-]*", parser.format_help()))


@documents
def test_each_command_exists_with_its_options(document: Path) -> None:
    for line in code(document):
        for command, arguments in re.findall(r"(?:manage\.py|^elmemory) ([a-z_]+)([^#|\n]*)", line):
            assert command in get_commands(), line
            for option in re.findall(r"(?<!\S)--[a-z][a-z-]*", arguments):
                assert option in options_of(command), line


@documents
def test_each_setting_exists(document: Path) -> None:
    named = {name for span in code(document) for name in re.findall(r"(?<![\w/%-])[A-Z]+_[A-Z_]*[A-Z](?![\w%])", span)}
    assert {name for name in named - SETTINGS if not OTHERS.fullmatch(name)} == set()


@documents
def test_each_relative_link_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text(document))
    assert [target for target in targets if "://" not in target and not (document.parent / target).exists()] == []


def anchors(document: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    outside = "".join(re.split(r"^```.*$", text(document), flags=re.MULTILINE)[::2])
    headings = re.findall(r"^#+ (.*)$", outside, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@documents
def test_each_link_to_a_section_leads_to_a_heading(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]*)#([^)]+)\)", text(document))
    for target, anchor in links:
        if "://" not in target:
            assert anchor in anchors(document.parent / target if target else document), (target, anchor)


@documents
def test_each_make_target_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text(ROOT / "Makefile"), re.MULTILINE))
    named = {name for line in code(document) for name in re.findall(r"^make ([a-z-]+)", line)}
    assert named <= targets


@documents
def test_each_path_and_module_exists(document: Path) -> None:
    for span in code(document):
        if re.fullmatch(r"(?:elmemory|webhooks|conversations|tests|bench|docs|deploy)/[\w/.-]+", span):
            assert (ROOT / span).exists(), span
        if re.fullmatch(r"(?:elmemory|webhooks|conversations)(?:\.[a-z_]+)+", span):
            path = ROOT / span.replace(".", "/")
            assert path.is_dir() or path.with_suffix(".py").exists(), span


def stored() -> str:
    """The table of docs/privacy.md that says what is stored where."""
    return text(ROOT / "docs" / "privacy.md").split("## What is stored")[1].split("\n## ")[0]


def test_each_table_of_the_databases_is_in_the_privacy_document() -> None:
    tables = {model._meta.db_table for model in apps.get_models()}
    assert {table for table in tables if f"`{table}`" not in stored()} == set()


def test_each_kind_of_memory_and_of_stored_payload_is_in_the_privacy_document() -> None:
    assert {kind for kind in SALIENCE if f"`{kind}`" not in stored()} == set()
    named = {name.replace("*", "any") for name in re.findall(r"`\*_([^`]+)`", stored())}
    for kind, pattern in KINDS.items():
        assert any(map(pattern.fullmatch, named)), kind
    assert {name for name in named if not any(one.fullmatch(name) for one in KINDS.values())} == {"memory.json"}


def test_each_folder_and_file_of_our_own_is_in_the_privacy_document() -> None:
    made = {
        name
        for package in ("conversations", "elmemory", "webhooks")
        for path in (ROOT / package).rglob("*.py")
        for name in re.findall(r'(?:/ "|\}/|_mark\("|: ")(_[a-z_]+)["/]', text(path))
    }
    assert made >= {"_unreadable", "_events", "_deleted", "_decisions", "_spool", "_locks", "_audit_head"}
    assert {name for name in made if f"`{name}" not in stored()} == set()


def test_each_setting_of_retention_is_in_the_privacy_document() -> None:
    limits = {name for name in SETTINGS if name.startswith(("RETAIN_", "HONOUR_"))}
    assert {name for name in limits if f"`{name}`" not in stored()} == set()


def test_the_layout_names_modules_that_exist() -> None:
    folders = {0: ROOT}
    for line in text(ROOT / "docs" / "architecture.md").split("```")[1].strip().splitlines():
        found = re.match(r"( *)(\S+(?: \S+)*)(?:  |$)", line)
        assert found, line
        indent = len(found[1])
        if indent > 4:
            continue  # the rest of a description
        for name in found[2].split():
            path = folders[indent] / name.rstrip("/")
            assert path.exists() or path.with_suffix(".py").exists(), line
            folders |= {indent + 2: path, indent + 4: path} if name.endswith("/") else {}


def test_each_setting_is_in_the_tables_of_the_settings_page_with_its_default() -> None:
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|([^|]*)\|", text(ROOT / "docs" / "settings.md"), re.MULTILINE)
    in_table = {name for names, _ in rows for name in re.findall(r"[A-Z_]+", names)}
    assert in_table == SETTINGS
    for names, defaults in rows:
        for name, default in zip(re.findall(r"[A-Z_]+", names), re.findall(r"`([^`]+)`", defaults), strict=False):
            assert re.search(rf'^{name}="?{re.escape(default)}"?$', EXAMPLE, re.MULTILINE), name


def test_each_setting_of_the_example_is_read() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text(ROOT / "elmemory" / "settings.py")))
    assert read == SETTINGS
