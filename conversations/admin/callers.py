"""The page of a caller."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext

from conversations.admin import private_search
from conversations.admin.caller_actions import MAY_CORRECT, MAY_FORGET
from conversations.admin.caller_decisions import CallerDecisions
from conversations.admin.caller_list import newest_name
from conversations.admin.caller_page import Asked, caller_page
from conversations.admin.masking import mask
from conversations.admin.numbers import may_reveal, number_element
from conversations.index.tokens import comparable
from conversations.models import Caller
from elmemory.audit.models import Action
from elmemory.audit.record import keyed_reference, record
from elmemory.memory.openmemory import open_memory


@admin.register(Caller)
class CallerAdmin(CallerDecisions):
    """One caller: the page, and the URLs of the actions."""

    def get_urls(self) -> list[URLPattern]:
        return [
            self.own("opt-out/", self.opt_out_view, "opt_out"),
            self.own(
                "<str:object_id>/memory/<str:call>/<str:name>/restore/", self.restore_memory_view, "restore_memory"
            ),
            self.own("<str:object_id>/correct/", self.correct_view, "correct"),
            self.own("<str:object_id>/say/<str:preference>/<str:holds>/", self.preference_view, "preference"),
            self.own("<str:object_id>/memory/<str:memory_id>/correct/", self.correct_insight_view, "correct_insight"),
            self.own("<str:object_id>/memory/<str:memory_id>/delete/", self.delete_memory_view, "delete_memory"),
            self.own("<str:object_id>/regenerate/", self.regenerate_view, "regenerate"),
            self.own("<str:object_id>/export/", self.export_view, "export"),
            self.own("<str:object_id>/forget/", self.forget_view, "forget"),
            *super().get_urls(),
        ]

    def change_view(self, request: HttpRequest, object_id: str, *_: Any, **__: Any) -> HttpResponse:
        """The page. Words and questions to the agent's search are sent by POST, so that no URL shows them."""
        row = self.row_of(request, object_id)
        if request.method == "POST" and (words := request.POST.get(SEARCH_VAR)) is not None:
            return self._search(request, row, words)
        if (words := request.GET.get(SEARCH_VAR)) and not private_search.is_token(words):
            return self._search(request, row, words)  # recorded, and in no address
        if private_search.is_expired(request):
            messages.warning(request, gettext("This search has expired. Please search again."))
        question = request.POST.get("question", "").strip()[:500]
        record(request, Action.SEARCH if question else Action.VIEW, "caller", row.ref)
        chosen, reveal = request.GET, may_reveal(request)
        words = private_search.found(request, chosen.get(SEARCH_VAR, ""))
        asked = Asked(
            kind=chosen.get("kind", ""),
            sector=chosen.get("sector", ""),
            field=chosen.get("field", ""),
            words=words,
            question=question,
            page=chosen.get("p", "1"),
            calls_page=chosen.get("calls", "1"),
        )
        page = caller_page(open_memory(), row.number, asked, reveal=reveal)
        name = page.get("profile", {}).get("name") or newest_name(row.ref)
        may_correct, may_forget = (request.user.has_perm(f"conversations.{p}") for p in (MAY_CORRECT, MAY_FORGET))
        return self.page(
            request,
            "caller/page",
            (name if reveal else mask(name, row.number)) or gettext("Unnamed caller"),
            row=row,
            page=page,
            words=words,
            number=number_element(row.number, reveal=reveal),
            may_correct=may_correct,
            may_forget=may_forget,
            may_export=reveal and may_forget,
        )

    def _search(self, request: HttpRequest, row: Caller, words: str) -> HttpResponse:
        """Redirect to the page with only the memories and calls that have these words."""
        if not words.strip():
            return HttpResponseRedirect(request.path)
        detail = f"text {keyed_reference(comparable(words.strip()))}"
        record(request, Action.FIND, "caller", row.ref, detail=detail)
        return HttpResponseRedirect(f"{request.path}?{urlencode({SEARCH_VAR: private_search.kept(request, words)})}")
