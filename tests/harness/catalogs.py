"""The catalogs of the admin's texts, and the texts of the sources that they translate."""

import ast
import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from django.utils.translation.template import templatize

from tests.harness.server import ROOT

LANGUAGES = "de", "es", "fr"
LOCALE = ROOT / "elmemory/locale"
SOURCES = "elmemory", "webhooks", "conversations"
_FIELD = re.compile(r"(msgctxt|msgid|msgid_plural|msgstr|msgstr\[\d\]) (\".*\")")
_STRING = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
_MARKED = re.compile(
    rf"\b(_|gettext|pgettext|ngettext|npgettext)\(\s*u?({_STRING})(?:,\s*u?({_STRING}))?(?:,\s*u?({_STRING}))?"
)


class Text(NamedTuple):
    """A text to translate: its context and its plural are empty where it has none."""

    context: str
    singular: str
    plural: str


class Entry(NamedTuple):
    text: Text
    translations: list[str]
    is_fuzzy: bool


def catalog(language: str) -> list[Entry]:
    """The entries of a .po file without its header."""
    blocks = (LOCALE / language / "LC_MESSAGES/django.po").read_text(encoding="utf-8").split("\n\n")
    return [entry for block in blocks if block.strip() and (entry := _entry(block)).text.singular]


def _entry(block: str) -> Entry:
    fields: dict[str, str] = {}
    name = ""
    for line in block.splitlines():
        if found := _FIELD.fullmatch(line):
            name, fields[found[1]] = found[1], ast.literal_eval(found[2])
        elif line.startswith('"'):
            fields[name] += ast.literal_eval(line)
    text = Text(fields.get("msgctxt", ""), fields["msgid"], fields.get("msgid_plural", ""))
    is_fuzzy = any(line.startswith("#,") and "fuzzy" in line for line in block.splitlines())
    return Entry(text, [value for field, value in fields.items() if field.startswith("msgstr")], is_fuzzy)


def marked() -> set[Text]:
    """The texts that sources and templates mark for translation."""
    found = {text for folder in SOURCES for path in (ROOT / folder).rglob("*.py") for text in _in_python(path)}
    return found | {text for path in templates() for text in _in_template(path)}


def templates() -> list[Path]:
    return sorted(path for path in (ROOT / "templates").rglob("*.html"))


def _in_python(path: Path) -> Iterator[Text]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.func.id.removesuffix("_lazy").removesuffix("_noop")
            name = "gettext" if name == "_" else name
            constants = [one.value for one in node.args if isinstance(one, ast.Constant)]
            if re.fullmatch("n?p?gettext", name) and constants:
                yield _text(name, constants)


def _in_template(path: Path) -> Iterator[Text]:
    for found in _MARKED.finditer(templatize(path.read_text(encoding="utf-8"))):
        texts = [ast.literal_eval(text) for text in found.groups()[1:] if text]
        yield _text(found[1], texts)


def _text(function: str, arguments: Sequence[object]) -> Text:
    texts = [argument for argument in arguments if isinstance(argument, str)]
    context = texts.pop(0) if "pg" in function else ""
    return Text(context, texts[0], texts[1] if function.startswith("n") else "")


def read_texts(html: str) -> list[str]:
    """What people read or hear of a page: its texts, and attributes that are shown or spoken."""
    reader = _Reader()
    reader.feed(html)
    return reader.texts


class _Reader(HTMLParser):
    _READ = "title", "aria-label", "alt", "placeholder"
    _CODE = "script", "style", "code", "kbd"

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        shown = dict(attrs)
        self.texts += [value for name in self._READ if (value := shown.get(name))]
        if tag == "input" and shown.get("type") == "submit":
            self.texts.append(shown.get("value") or "")
        if tag in self._CODE:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            self._inside.remove(tag)

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.texts.append(data)
