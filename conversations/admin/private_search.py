"""Searches that put no number into a URL, and find no part of one for staff who may not see numbers.

The search box is sent by POST. A whole number is replaced by the reference of its caller. Any other question with four
or more digits is kept in the session, and the URL has only its keyed hash.
"""

import re
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.crypto import salted_hmac

from conversations.admin.near_names import near_questions
from conversations.admin.numbers import may_reveal
from conversations.admin.search import callers_numbered, only_words
from conversations.files.paths import is_conversation_id
from conversations.index.tokens import comparable
from conversations.models import Conversation

_SESSION_KEY = "searches"
_MOST_KEPT = 20
_LONGEST = 1000
_FEWEST_DIGITS = 4
_FEW_FOUND = 5
_TOKEN = re.compile("~[0-9a-f]{24}")


def kept(request: HttpRequest, question: str) -> str:
    """Keep the question in the session; returns the keyed hash that represents it in a URL."""
    question = question.strip()[:_LONGEST]
    token = "~" + salted_hmac("elmemory.search", question, algorithm="sha256").hexdigest()[:24]
    others = {known: text for known, text in request.session.get(_SESSION_KEY, {}).items() if known != token}
    request.session[_SESSION_KEY] = dict([*others.items(), (token, question)][-_MOST_KEPT:])
    return token


def found(request: HttpRequest, asked: str) -> str:
    """The question that `asked` represents. A keyed hash that this session does not have finds nothing."""
    known: dict[str, str] = request.session.get(_SESSION_KEY, {}) if is_token(asked) else {}
    return known.get(asked, asked)


def query_string(request: HttpRequest, question: str, reference: str) -> str:
    """The list's query string with this question in place of the present one. Filters are kept.

    `reference` is the field of the list's model that holds caller references. A question with digits is kept in the
    session.
    """
    question = question.strip()[:_LONGEST]
    asked: dict[str, Any] = {name: values for name, values in request.GET.lists() if name not in (SEARCH_VAR, PAGE_VAR)}
    if _may_stand_in_url(question):
        asked |= {SEARCH_VAR: question} if question else {}
    elif callers := callers_numbered(question):
        asked = {name: values for name, values in asked.items() if name.split("__")[0] != reference}
        asked[reference if len(callers) == 1 else f"{reference}__in"] = ",".join(callers)
    else:
        asked[SEARCH_VAR] = kept(request, question)
    return "?" + urlencode(sorted(asked.items()), doseq=True)


def shows_number(asked: QueryDict) -> bool:
    """Whether a URL with these parameters shows a question that must be kept in the session."""
    question = asked.get(SEARCH_VAR, "")
    return not is_token(question) and not _may_stand_in_url(question.strip())


def is_token(question: str) -> bool:
    """Whether this is the keyed hash of a question."""
    return bool(_TOKEN.fullmatch(question))


def holds_digits(text: str) -> bool:
    """Whether the text may contain a number or a part of one."""
    return len(re.sub(r"\D", "", comparable(text))) >= _FEWEST_DIGITS


def is_expired(request: HttpRequest) -> bool:
    """Whether the URL has the keyed hash of a question that this session does not have."""
    question = request.GET.get(SEARCH_VAR, "")
    return is_token(question) and question not in request.session.get(_SESSION_KEY, {})


def _may_stand_in_url(question: str) -> bool:
    if not holds_digits(question):
        return True
    return is_conversation_id(question) and Conversation.objects.filter(pk=question).exists()


class SearchedList(ChangeList):
    """A list that is searched by POST. `query` is its question, `words` are what texts are searched for."""

    model_admin: Any
    words = ""
    near_names: list[tuple[str, str]]

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        self.query = found(request, self.query)
        self.words = self.query if may_reveal(request) else only_words(self.query)
        return super().get_queryset(request, exclude_parameters)

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except IncorrectLookupParameters:  # no such page, or not any more
            pages = self.model_admin.get_paginator(request, self.queryset, self.list_per_page).num_pages
            self.page_num = min(max(1, self.page_num), pages)
            super().get_results(request)
        if not may_reveal(request):
            self.search_help_text = self.model_admin.search_help_text_without_numbers
        reference = self.model_admin.reference_field
        self.search_action = self.get_query_string(remove=[SEARCH_VAR, PAGE_VAR])
        self.is_of_callers = any(name.split("__")[0] == reference for name in self.params)
        self.all_callers = self.get_query_string(remove=[reference])
        self.near_names = []
        if self.words and self.result_count <= _FEW_FOUND:
            self.near_names = [
                (question, query_string(request, question, reference)) for question in near_questions(self.words)
            ]
