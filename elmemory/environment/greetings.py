"""The greeting of a known caller: GREETING, and GREETINGS by agent and language."""

import re
from collections.abc import Iterator
from string import Formatter

from django.conf import settings
from django.core.checks import CheckMessage, Error

from elmemory.memory.caches import read_once
from elmemory.memory.language_codes import language_code, variants

# Separates agent and language, as in agent_1:de.
_BOTH = ":"
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
# A name of this form that is no language is a mistake, not an agent's id.
_SHORT = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z]{2,8})?")
_LONGEST = 1000
# What people write for nothing, where an empty text is meant.
SWITCHED_OFF = frozenset(("none", "off", "no", "false", "0", "null", "-"))

type _Key = tuple[str, str]
"""An agent's id and the code of a language; either may be empty."""


def greeting_for(agent_id: str, language: str) -> str:
    """Return the text of the greeting, with the placeholder {name}; empty for none.

    The most specific text counts: in GREETINGS for agent and language, for the agent, for the language; else GREETING.
    The text for "pt" is used for "pt-br" if that has none. An empty language means LANGUAGE.
    """
    default, default_language, known = _greetings()
    if known:
        codes = *variants(language or default_language), ""
        for agent in (agent_id, "") if agent_id else ("",):
            for code in codes:
                if (text := known.get((agent, code))) is not None:
                    return text
    return default


def unusable_greetings() -> Iterator[CheckMessage]:
    if problem := _problem(settings.GREETING):
        yield Error(
            f"GREETING: {problem}.",
            hint="Write a text such as: Welcome back, {name}! Empty means no greeting.",
            id="elmemory.E006",
        )
    seen: set[_Key] = set()
    for position, (name, text) in enumerate(settings.GREETINGS.items(), start=1):
        key = _key(name)
        if key is None:
            problem, hint = (
                "is for no language and no agent",
                "Name a language (de), an agent's id, or both: agent_1:de.",
            )
        elif key in seen:
            problem, hint = "is for the same as another", "Keep one text for each language and agent."
        else:
            problem, hint = _problem(text), "Write a text such as: Willkommen zurück, {name}! Empty means no greeting."
        if key:
            seen.add(key)
        if problem:
            yield Error(f"GREETINGS: entry {position}: {problem}.", hint=hint, id="elmemory.E021")


@read_once
def _greetings() -> tuple[str, str, dict[_Key, str]]:
    """Return GREETING, LANGUAGE, and GREETINGS by key."""
    by_key = {key: text for name, text in settings.GREETINGS.items() if (key := _key(name))}
    return settings.GREETING, settings.LANGUAGE, by_key


def _key(name: str) -> _Key | None:
    """Return agent and language that a name in GREETINGS stands for; None for an invalid name."""
    agent, both, language = name.strip().rpartition(_BOTH)
    agent, language = agent.strip(), language.strip()
    code = language_code(language)
    if both:
        return (agent, code) if agent and code else None
    if code:
        return "", code
    return None if not language or _SHORT.fullmatch(language) else (language, "")


def _problem(greeting: str) -> str:
    """Return what is wrong with a text; empty if it is valid."""
    if greeting.casefold() in SWITCHED_OFF:
        return "an agent would say this word"
    if len(greeting) > _LONGEST or _CONTROL.search(greeting):
        return f"it is longer than {_LONGEST:,} characters or has a line break or another control character"
    try:
        fields = list(Formatter().parse(greeting))
    except ValueError:
        fields = [("{", None, None, None)]
    # Double braces, ElevenLabs' syntax for variables, would be spoken as single ones.
    can_be_filled_in = all(
        not re.search("[{}]", text) and (name is None or (name, form, conversion) == ("name", "", None))
        for text, name, form, conversion in fields
    )
    return "" if can_be_filled_in else "only {name} can be filled in"
