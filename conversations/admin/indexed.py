"""The base of the admins of the index's rows."""

import contextlib
from collections.abc import Sequence
from typing import Any, Never

from django.contrib import messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.db import DatabaseError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext

from conversations.admin import private_search
from conversations.admin.numbers import may_reveal
from conversations.admin.searches import record_search
from conversations.files.heartbeat import a_worker_runs
from conversations.index.schema import make_ready
from conversations.index.sync import catch_up, complete
from elmemory.admin import ReadOnlyAdmin


def show_what_is_there(request: HttpRequest | None = None, *, wholly: bool = False) -> bool:
    """Refresh rows that are missing or behind their files, if no worker does it. Errors do not stop the page.

    A new index of many calls needs several pages, unless `wholly`. Returns whether the index is complete; if not, the
    page of `request` shows a message.
    """
    if a_worker_runs():
        return True
    is_complete = True
    with contextlib.suppress(DatabaseError, OSError):
        catch_up()
        is_complete = complete(wholly=wholly)
    if request and not is_complete:
        text = gettext("The index is new and does not contain all calls yet. Reload this page later.")
        messages.warning(request, text)
    return is_complete


class IndexedAdmin[M: Model](ReadOnlyAdmin[M]):
    """Lists and shows rows of the index, whose schema is ensured before each query."""

    list_per_page = 50
    # The field with the caller reference.
    reference_field: str
    # What the list is called in the audit log.
    searched: str
    # Those of filters that are not named for a field.
    own_parameters: Sequence[str] = ()
    search_help_text_without_numbers: Any

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        make_ready()
        return super().get_queryset(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list. A search is posted here, and answered with the URL of its result."""
        asked = request.POST.get(SEARCH_VAR) if request.method == "POST" else None
        if asked is None and request.method == "GET" and private_search.shows_number(request.GET):
            asked = request.GET[SEARCH_VAR]
        if asked is not None and self.has_view_permission(request):
            make_ready()
            # A whole number is looked for by its caller reference from here on.
            record_search(request, self.searched, asked)
            return HttpResponseRedirect(
                request.path + private_search.query_string(request, asked, self.reference_field)
            )
        if private_search.is_expired(request):
            messages.warning(request, gettext("This search has expired. Please search again."))
        show_what_is_there(request)
        return super().changelist_view(request, extra_context)

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: QuerySet[M],
        search_term: str,
    ) -> tuple[QuerySet[M], bool]:
        if not (question := search_term.strip()):
            return queryset, False
        if private_search.is_token(question):  # of another session, which alone knows the question
            return queryset.none(), False
        record_search(request, self.searched, question, repeats=getattr(request, "repeats_a_search", False))
        return self.matching(queryset, question, reveal=may_reveal(request)), False

    def matching(self, rows: QuerySet[M], question: str, *, reveal: bool) -> QuerySet[M]:
        """The rows that the question finds."""
        raise NotImplementedError

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow only filters, days and caller references.

        A lookup by number would put it into the URL, and a lookup by text would find masked digits part by part.
        """
        return lookup in self.own_parameters or super().lookup_allowed(lookup, value, request)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Never:  # noqa: ARG002
        """No history: rows have none in Django, and its page would show a title unmasked."""
        raise Http404
