"""The base of the admins of the index's rows."""

import contextlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Never

from django.contrib import messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext

from conversations.admin import private_search
from conversations.admin.numbers import may_reveal
from conversations.admin.search import last_digits
from conversations.files.heartbeat import a_worker_runs
from conversations.files.paths import is_conversation_id
from conversations.index.references import caller_reference
from conversations.index.schema import make_ready
from conversations.index.sync import catch_up, complete
from conversations.index.tokens import comparable
from conversations.models import Conversation
from elmemory.admin import ReadOnlyAdmin
from elmemory.audit.models import Action
from elmemory.audit.record import keyed_reference, record
from elmemory.memory.identity import caller_key

# A list is fetched several times for one search, page by page too.
_SAME_SEARCH = timedelta(minutes=1)
_LONGEST_SESSION = timedelta(hours=8)


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

    def own(self, route: str, view: Callable[..., Any], name: str) -> URLPattern:
        """The address of a view of this admin."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_{name}"
        return path(route, self.admin_site.admin_view(view), name=name)

    def require(self, request: HttpRequest, *permissions: str) -> None:
        """Raise PermissionDenied for staff who may not see these rows, or lack one of these permissions."""
        if not (
            self.has_view_permission(request) and request.user.has_perms([f"conversations.{p}" for p in permissions])
        ):
            raise PermissionDenied

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts, "title": title}
        return TemplateResponse(request, f"admin/conversations/{template}.html", {**shared, **context})

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
            self._record_search(request, asked)
            return HttpResponseRedirect(
                request.path + private_search.query_string(request, asked, self.reference_field)
            )
        if private_search.is_expired(request):
            messages.warning(request, gettext("This search has expired. Please search again."))
        show_what_is_there(request)
        return super().changelist_view(request, extra_context)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[M], search_term: str
    ) -> tuple[QuerySet[M], bool]:
        if not (question := search_term.strip()):
            return queryset, False
        if private_search.is_token(question):  # of another session, which alone knows the question
            return queryset.none(), False
        self._record_search(request, question)
        return self.matching(queryset, question, reveal=may_reveal(request)), False

    def _record_search(self, request: HttpRequest, question: str) -> None:
        """Add an entry to the audit log: a search for a number (its caller reference), a call (id) or a text (hash).

        The words themselves may be a name or a number. A search that the page of a found call repeats is recorded only
        if it was not before in this session.
        """
        question, what, caller = question.strip(), "", ""
        if not question:
            return
        if digits := last_digits(question):
            caller = caller_reference(caller_key(question) or "")
            detail = "a number" if caller else f"digits {keyed_reference(digits)}"
        elif is_conversation_id(question) and Conversation.objects.filter(pk=question).exists():
            what, detail = question, "a call"
        else:
            detail = f"text {keyed_reference(comparable(question))}"
        once_in = _LONGEST_SESSION if getattr(request, "repeats_a_search", False) else _SAME_SEARCH
        record(request, Action.FIND, self.searched, what, caller=caller, detail=detail, once_in=once_in)

    def matching(self, rows: QuerySet[M], question: str, *, reveal: bool) -> QuerySet[M]:
        """The rows that the question finds."""
        raise NotImplementedError

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow only filters, days and references: no number may stand in a URL, no masked digits be found by parts."""
        return lookup in self.own_parameters or super().lookup_allowed(lookup, value, request)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Never:  # noqa: ARG002
        """No history: rows have none in Django, and its page would show a title unmasked."""
        raise Http404
