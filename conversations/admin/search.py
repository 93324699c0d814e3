"""What staff type into the search boxes of the calls and the callers."""

import re
from typing import Any

from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.functional import cached_property

from conversations.admin.near_names import near_questions
from conversations.files.paths import is_conversation_id
from conversations.index import fulltext
from conversations.index.fulltext import Condition
from conversations.index.question import terms
from conversations.index.tokens import comparable
from conversations.models import CallerCard, Conversation
from elmemory.memory.identity import caller_key

_NUMBER = re.compile(r"[+0-9 ()./\u00a0-]+")
_FEWEST_DIGITS = 4
_FEWEST_OF_A_NUMBER = 7
_FEW_FOUND = 5


def calls_matching(calls: QuerySet[Conversation], question: str) -> QuerySet[Conversation]:
    """Those found by a number in any spelling or its last digits, by a conversation id, or by words."""
    question = question.strip()
    if is_conversation_id(question) and Conversation.objects.filter(pk=question).exists():
        return calls.filter(pk=question)
    conditions = [found] if (found := fulltext.matching(question)) else []
    if digits := last_digits(question):
        conditions.append(Condition("caller LIKE %s", [f"%{digits}"]))
        if caller := caller_key(question):
            conditions.append(Condition("caller = %s", [caller]))
    if (named := _cards_named(question)) and not any(term.unwanted for term in terms(question)):
        refs = f"SELECT caller_ref FROM caller_card WHERE {named.sql}"
        if CallerCard.objects.filter(pk__in=RawSQL(refs, tuple(named.params))).exists():  # noqa: S611
            conditions.append(Condition(f"caller_ref IN ({refs})", named.params))
    if len(conditions) > 1:
        # One set of sort keys: an OR of two sets would scan every row.
        sets = " UNION ".join(f"SELECT sort_key FROM conversation WHERE {condition.sql}" for condition in conditions)
        params = [value for condition in conditions for value in condition.params]
        conditions = [Condition(f"conversation.sort_key IN ({sets})", params)]
    return conditions[0].of(calls) if conditions else calls.none()


def callers_matching(question: str) -> Q | None:
    """Those whose number is or ends so, where the question looks like a number; else those with such a name."""
    if digits := last_digits(question):
        numbered = Q(number__endswith=digits)
        return numbered | Q(number=caller) if (caller := caller_key(question)) else numbered
    told, known = fulltext.matching(question, column="name"), _cards_named(question)
    if told is None or known is None:
        return None
    # One set of references: with OR between two of them the view would make a row of every caller.
    sets = (
        f"SELECT caller_ref FROM conversation WHERE {told.sql}"
        f" UNION SELECT caller_ref FROM caller_card WHERE {known.sql}"
    )
    return Q(ref__in=RawSQL(sets, (*told.params, *known.params)))  # noqa: S611


def _cards_named(question: str) -> Condition | None:
    return fulltext.column_matching(question, "name_words")


def last_digits(question: str) -> str:
    """Of what looks like a number; empty where it does not."""
    question = comparable(question)
    digits = re.sub(r"[^0-9]", "", question)
    if not _NUMBER.fullmatch(question) or len(digits) < _FEWEST_DIGITS:
        return ""
    # A whole number may begin with zeros that are dialled, but are no part of it.
    return digits.lstrip("0") if len(digits) >= _FEWEST_OF_A_NUMBER else digits


class NearNames:
    """For a list: what else may have been meant, where a search has found little and names are spelled nearly so."""

    @cached_property
    def near_names(self) -> list[tuple[str, str]]:
        """Questions with the names as they are spelled here, and the addresses that ask them."""
        searched: Any = self
        if not searched.query or searched.result_count > _FEW_FOUND:
            return []
        return [
            (question, searched.get_query_string({SEARCH_VAR: question}, [PAGE_VAR]))
            for question in near_questions(searched.query)
        ]
