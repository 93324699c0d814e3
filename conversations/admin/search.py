"""What staff type into the search box of the calls."""

import re

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from conversations.files.paths import is_conversation_id
from conversations.index import fulltext
from conversations.models import Conversation
from elmemory.memory.identity import caller_key

_NUMBER = re.compile(r"[+0-9 ()./\u00a0-]+")
_FEWEST_DIGITS = 4
_FEWEST_OF_A_NUMBER = 7


def matching(calls: QuerySet[Conversation], question: str) -> QuerySet[Conversation]:
    """Those found by a number in any spelling or its last digits, by a conversation id, or by words."""
    question = question.strip()
    if is_conversation_id(question) and Conversation.objects.filter(pk=question).exists():
        return calls.filter(pk=question)
    found = fulltext.numbers_matching(question)
    if digits := last_digits(question):
        # One set of numbers: with OR between two of them every row would be looked at.
        number = "SELECT number FROM conversation WHERE caller = %s OR caller LIKE %s"
        values = (caller_key(question) or "", f"%{digits}")
        found = RawSQL(f"{found.sql} UNION {number}", (*found.params, *values)) if found else RawSQL(number, values)  # noqa: S611
    return calls.none() if found is None else calls.filter(number__in=found)


def last_digits(question: str) -> str:
    """Of what looks like a number; empty where it does not."""
    digits = re.sub(r"[^0-9]", "", question)
    if not _NUMBER.fullmatch(question) or len(digits) < _FEWEST_DIGITS:
        return ""
    # A whole number may begin with zeros that are dialled, but are no part of it.
    return digits.lstrip("0") if len(digits) >= _FEWEST_OF_A_NUMBER else digits
