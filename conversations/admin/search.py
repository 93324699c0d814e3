"""What staff type into the search box of the calls."""

import re

from django.db.models import Q

from conversations import fulltext
from conversations.storage import is_conversation_id
from elmemory.memory.identity import caller_key

_NUMBER = re.compile(r"[+0-9 ()./\u00a0-]+")
_FEWEST_DIGITS = 4


def calls_matching(question: str) -> Q | None:
    """A number in any spelling or its last digits, a conversation id, or words. None: nothing can be found."""
    question = question.strip()
    if is_conversation_id(question) and ("_" in question or "-" in question):
        return Q(conversation_id=question)
    words = fulltext.matching(question)
    if number := callers_with_number(question):
        return number | words if words else number
    return words


def callers_with_number(question: str, column: str = "caller") -> Q | None:
    """Callers with this number, or whose number ends in these digits."""
    digits = re.sub(r"[^0-9]", "", question).lstrip("0")
    if not _NUMBER.fullmatch(question) or len(digits) < _FEWEST_DIGITS:
        return None
    return Q(**{column: caller_key(question) or ""}) | Q(**{f"{column}__endswith": digits})
