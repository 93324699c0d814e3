"""Searches the lists of calls and callers for the questions of staff."""

import re
from typing import Any

import phonenumbers
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL

from conversations.files.paths import is_conversation_id
from conversations.index import fulltext
from conversations.index.fulltext import Condition
from conversations.index.question import TERM, terms
from conversations.index.references import caller_reference
from conversations.index.tokens import comparable
from conversations.models import Caller, CallerCalls, CallerCard, Conversation
from elmemory.memory.identity import caller_key
from elmemory.memory.ranking.words import split

_NUMBER = re.compile(r"[+0-9 ()./\u00a0-]+")
_REFERENCE = re.compile("[0-9a-f]{24}")
_FEWEST_DIGITS = 4
_FEWEST_OF_A_NUMBER = 7
_MOST_IN_A_WORD = 2


def calls_matching(calls: QuerySet[Conversation], question: str, *, reveal: bool) -> QuerySet[Conversation]:
    """The calls with this id or these words, or of a caller whose number ends in these digits.

    Without `reveal`, digits find nothing.
    """
    question = question.strip()
    if is_conversation_id(question) and Conversation.objects.filter(pk=question).exists():
        return calls.filter(pk=question)
    question = question if reveal else only_words(question)
    conditions = [found] if (found := fulltext.matching(question)) else []
    if digits := last_digits(question):
        conditions.append(Condition("caller IN (SELECT number FROM caller_calls WHERE number LIKE %s)", [f"%{digits}"]))
        if caller := caller_key(question):
            conditions.append(Condition("caller = %s", [caller]))
    if (named := _named(question)) and not any(term.unwanted for term in terms(question)):
        refs = f"SELECT caller_ref FROM caller_card WHERE {named.sql}"
        if CallerCard.objects.filter(pk__in=RawSQL(refs, tuple(named.params))).exists():  # noqa: S611
            conditions.append(Condition(f"caller_ref IN ({refs})", named.params))
    if len(conditions) > 1:
        conditions = [fulltext.any_of(conditions)]
    if not conditions:
        return calls.none()
    matching: Any = conditions[0].of(calls)
    # Counting and paging need not look for the same calls again.
    matching.found, matching.unsearched = conditions[0], calls
    return matching  # type: ignore[no-any-return]


def callers_matching(question: str, *, reveal: bool) -> Q | None:
    """The condition that a caller's number ends in these digits, or that they have this name; None for neither.

    Without `reveal`, digits find nothing.
    """
    question = question if reveal else only_words(question)
    if digits := last_digits(question):
        numbered = Q(number__endswith=digits)
        return numbered | Q(number=caller) if (caller := caller_key(question)) else numbered
    named = _named(question)
    return Q(RawSQL(named.sql, tuple(named.params), output_field=BooleanField())) if named else None  # noqa: S611


def callers_numbered(question: str) -> list[str]:
    """The references of callers with this whole number, in any spelling, or with this reference.

    A national number without its country code is whole too; callers of several countries may have it.
    """
    if _REFERENCE.fullmatch(question):
        return list(Caller.objects.filter(pk=question).values_list("pk", flat=True)[:1])
    numbers = set()
    if (caller := caller_key(question)) and Caller.objects.filter(pk=caller_reference(caller)).exists():
        numbers.add(caller)
    if len(digits := last_digits(question)) >= _FEWEST_OF_A_NUMBER:
        ending = {
            *CallerCalls.objects.filter(number__endswith=digits).values_list("number", flat=True),
            *CallerCard.objects.filter(number__gt="", number__endswith=digits).values_list("number", flat=True),
        }
        numbers |= {number for number in ending if digits in (number[1:], _national(number))}
    return sorted(map(caller_reference, numbers))


def only_words(question: str) -> str:
    """The question without its digits, because staff who may not see numbers could find them part by part.

    A word with letters and at most two digits is kept, as a whole word: "B2B".
    """
    kept = []
    for minus, phrase, word in TERM.findall(question):
        words = split(comparable(phrase or word))
        numbered = [each for each in words if re.search(r"\d", each)]
        if not numbered:
            kept.append(f'{minus}"{phrase}"' if phrase else f"{minus}{word}")
        elif not minus and all(_is_word(each) for each in numbered):
            kept.append(f'"{phrase or word}"')
    return " ".join(kept)


def last_digits(question: str) -> str:
    """The digits of a question that looks like a number; empty if it does not."""
    question = comparable(question)
    digits = re.sub(r"[^0-9]", "", question)
    if not _NUMBER.fullmatch(question) or len(digits) < _FEWEST_DIGITS:
        return ""
    # A whole number may begin with zeros that are dialled, but are no part of it.
    return digits.lstrip("0") if len(digits) >= _FEWEST_OF_A_NUMBER else digits


def _is_word(word: str) -> bool:
    return len(re.sub(r"\D", "", word)) <= _MOST_IN_A_WORD and not word.isdecimal()


def _national(number: str) -> str:
    try:
        return str(phonenumbers.parse(number).national_number)
    except phonenumbers.NumberParseException:
        return ""


def _named(question: str) -> Condition | None:
    return fulltext.column_matching(question, "name_words")
