"""Names of data-collection fields: the canonical name for all spellings, and the label that people read."""

from functools import lru_cache

from elmemory.memory.text import field_name

_OTHER_NAMES_OF_FIELDS = {
    "first_name": "firstname given_name givenname forename caller_first_name customer_first_name user_first_name",
    "last_name": "lastname surname family_name familyname caller_last_name customer_last_name user_last_name",
    "name": "user_name username full_name fullname caller_name customer_name client_name contact_name your_name",
    "email": "e_mail email_address e_mail_address mail",
    "phone": "phone_number telephone telephone_number",
}
CALLER_PROFILE = "caller_profile"
OPEN_REQUEST, AGENT_PROMISE, RESOLVED_REQUEST = "open_request", "agent_promise", "resolved_request"
PREFERRED_LANGUAGE, MOOD = "preferred_language", "mood"
# A later call may change these: a correction applies only until the next call.
PASSING = frozenset((OPEN_REQUEST, AGENT_PROMISE, RESOLVED_REQUEST, MOOD))
# The card's text and the dynamic variables have places of their own for these.
BRIEFED = PASSING | {PREFERRED_LANGUAGE}
# Values in free text: different words may say the same.
SENTENCES = frozenset((CALLER_PROFILE, OPEN_REQUEST, AGENT_PROMISE, RESOLVED_REQUEST))
# The dynamic variables that every ring sends; a test compares them.
VARIABLES = (
    *("user_name", "user_profile_summary", "last_call_summary", "returning_caller", "call_count"),
    *(OPEN_REQUEST, AGENT_PROMISE, PREFERRED_LANGUAGE),
)

_FIELD = {other: name for name, others in _OTHER_NAMES_OF_FIELDS.items() for other in others.split()}


@lru_cache(maxsize=1024)
def canonical_field(raw: str) -> str:
    """Return the canonical name of a field: `first_name` for `First Name`, `given_name` and `firstName`."""
    name = field_name(raw)
    return _FIELD.get(name, name)


@lru_cache(maxsize=1024)
def label(name: str) -> str:
    """Return a field's name for people: "First name" for `first_name`."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]
