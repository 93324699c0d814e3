"""The keys of the webhooks and of other servers: which one is sent, and the system checks of their values.

A header key and the secret of the post-call webhook may have two values, separated by a comma, while one is being
replaced. Each value is accepted, the first is sent.
"""

from collections.abc import Iterator

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error

MISSING_SECRET, UNUSABLE_KEY = "elmemory.E002", "elmemory.E017"

_SECRETS = {
    "ELEVENLABS_POST_CALL_KEY": "The secret that ElevenLabs showed when the post-call webhook was made.",
    "ELEVENLABS_CLIENT_DATA_KEY": "A random text; the agent's initiation webhook sends it as X-Api-Key.",
    "ELEVENLABS_SEARCH_DATA_KEY": "A random text; the agent's search tool sends it as X-Api-Key.",
}
_SEVERAL = frozenset((*_SECRETS, "METRICS_KEY"))
_ISSUED = frozenset(("ELEVENLABS_POST_CALL_KEY", "ELEVENLABS_API_KEY"))
_QUOTES = frozenset("\"'`“”„‘’«»")
_SHORTEST = 12
_SHORTEST_SECRET_KEY = 50  # Django's own limit, which it checks with --deploy alone


def first_key(variable: str) -> str:
    """Return the value of this variable that is sent; "" without one."""
    return next(iter(_keys(variable)), "")


def missing_secrets() -> Iterator[CheckMessage]:
    for variable, hint in _SECRETS.items():
        if not _keys(variable) and not holds_placeholder(variable):
            if settings.DEBUG:
                yield checks.Warning(f"{variable} is not set.", hint=hint, id="elmemory.W002")
            else:
                yield Error(f"{variable} is not set: its endpoint refuses every request.", hint=hint, id=MISSING_SECRET)
    if not settings.SECRET_KEY_IS_GIVEN:
        problem = "is a placeholder" if holds_placeholder("SECRET_KEY") else "is not set"
        hint = 'Set it to what this prints: python3 -c "import secrets; print(secrets.token_urlsafe(50))"'
        if settings.DEBUG:
            yield checks.Warning(f"SECRET_KEY {problem}: logins end with the process.", hint=hint, id="elmemory.W003")
        else:
            yield Error(f"SECRET_KEY {problem}.", hint=hint, id="elmemory.E003")
    elif len(settings.SECRET_KEY) < _SHORTEST_SECRET_KEY:
        yield checks.Warning(
            f"SECRET_KEY: it has less than {_SHORTEST_SECRET_KEY} characters.",
            hint="Make a longer one, and keep this one in SECRET_KEY_FALLBACKS.",
            id="elmemory.W018",
        )


def holds_placeholder(variable: str) -> bool:
    """Whether a value of this variable is a placeholder, which is reported as such."""
    return any(fault.variable == variable and fault.kind == "key" for fault in settings.ENVIRONMENT_FAULTS)


def unusable_keys() -> Iterator[CheckMessage]:
    """Report keys that no sender can send. The environment, unlike `.env`, keeps quotes and comments in a value."""
    for variable in (*_SECRETS, "ELEVENLABS_API_KEY", "OPENMEMORY_KEY", "METRICS_KEY"):
        keys = _keys(variable)
        reported: list[CheckMessage] = []
        for key in keys:
            fault = _fault(variable, key, is_one_of_several=len(keys) > 1)
            if fault and fault not in reported:
                reported.append(fault)
        yield from reported


def _fault(variable: str, key: str, *, is_one_of_several: bool) -> CheckMessage | None:
    problem, hint, fatal = "", "Write the key alone, without quotes, blanks and comments.", True
    is_issued = variable in _ISSUED
    if key[0] in _QUOTES or key[-1] in _QUOTES:
        problem = "the quotes are a part of the key"
    elif not (key.isascii() and key.isprintable()) and variable != "OPENMEMORY_KEY":
        problem = "it contains a character that no key has, perhaps an invisible one"
    elif " " in key:
        problem = "it contains a blank" + (" and what looks like a comment" if "#" in key else "")
        fatal = is_issued
    elif variable == "ELEVENLABS_POST_CALL_KEY" and key.startswith("sk_"):
        problem, hint = "this is an API key", "The webhook's secret begins with wsec_."
    elif variable == "ELEVENLABS_API_KEY" and key.startswith("wsec_"):
        problem, hint = "this is a webhook's secret", "An API key begins with sk_."
    elif variable in _SECRETS and not is_issued and key.startswith(("sk_", "wsec_")):
        problem, hint, fatal = "this is a key that ElevenLabs issued", _SECRETS[variable], False
    elif is_one_of_several and not is_issued and len(key) < _SHORTEST:
        problem, fatal = f"one of its values has less than {_SHORTEST} characters", False
        hint = "A comma separates two keys, and each of them is accepted: a key itself must not contain one."
    if not problem:
        return None
    if fatal:
        return Error(f"{variable}: {problem}.", hint=hint, id=UNUSABLE_KEY)
    return checks.Warning(f"{variable}: {problem}.", hint=hint, id="elmemory.W018")


def _keys(variable: str) -> list[str]:
    if variable in _SEVERAL:
        return list(getattr(settings, f"{variable}S"))
    key: str = getattr(settings, variable)
    return [key] if key.strip(", ") else []
