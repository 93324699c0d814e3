"""Converts collected values to text as people write it."""

from elmemory.memory.fields import RESOLVED_REQUEST, SENTENCES
from elmemory.memory.instructions import is_command
from elmemory.memory.names import (
    NAME_FIELDS,
    NO_EVIDENCE,
    Evidence,
    family_name_first,
    is_name,
    person_name,
    stated_name,
    whole_name,
)
from elmemory.memory.nothing import is_mask, is_no_name, says_nothing
from elmemory.memory.nothing_open import is_wish, says_nothing_open
from elmemory.memory.text import as_sentence, as_written, cleaned

_TRUTH = {"true": "yes", "false": "no"}


def usable_value(value: object, field: str = "", evidence: Evidence = NO_EVIDENCE) -> str | None:
    """Return the value of a canonical field as text; None if it says nothing.

    Texts, numbers, booleans and flat lists of them are values. Null, empty texts, redaction marks (`[NAME]`) and
    phrases for "nothing" in many languages ("not provided", "nicht angegeben") are not. `true` and `false` become "yes"
    and "no", also as texts. In a name field only the name is kept, and words such as "caller" are no names; `evidence`
    decides on words that may be names (Null, Guest). In a field of free text, "No open requests" and truth values say
    nothing; only RESOLVED_REQUEST may be true.
    """
    match value:
        case bool() | int() | float():
            says_what = field not in SENTENCES or (field == RESOLVED_REQUEST and value is True)
            return as_written(value) or None if says_what and field not in NAME_FIELDS else None
        case list():
            items = (usable_value(item, field, evidence) for item in value if not isinstance(item, list))
            return _listed([item for item in items if item]) or None
        case str() if field in NAME_FIELDS:
            return _name(value, field, evidence)
        case str():
            text = value.strip()
            if not cleaned(text):
                return None
            if not is_wish(text, field) and (says_nothing(text, field) or says_nothing_open(text, field)):
                return None
            return _TRUTH.get(text.casefold(), text)
    return None


def _listed(items: list[str]) -> str:
    """Join the items with commas, sentences with blanks."""
    whole = items and all(item == as_sentence(item) for item in items)
    return (" " if whole else ", ").join(items)


def _name(value: str, field: str, evidence: Evidence) -> str | None:
    if is_mask(value):
        return None
    value = stated_name(value)
    if field == "first_name":
        value = family_name_first(value, evidence)
    name = person_name(value)
    if name != value and is_command(whole_name(value)):
        return None
    doubtful = says_nothing(value.strip(), field) or is_no_name(name)
    return name if name and (not doubtful or is_name(name, field, evidence)) else None
