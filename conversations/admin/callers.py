"""The page of a caller."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext

from conversations.admin import private_search
from conversations.admin.caller_actions import MAY_CORRECT, MAY_FORGET, Correction
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
        def own(route: str, view: Any, name: str) -> Any:
            return path(route, self.admin_site.admin_view(view), name=f"conversations_caller_{name}")

        return [
            own("opt-out/", self.opt_out_view, "opt_out"),
            own("<str:object_id>/memory/<str:call>/<str:name>/restore/", self.restore_memory_view, "restore_memory"),
            own("<str:object_id>/correct/", self.correct_view, "correct"),
            own("<str:object_id>/say/<str:preference>/<str:holds>/", self.preference_view, "preference"),
            own("<str:object_id>/memory/<str:memory_id>/correct/", self.correct_insight_view, "correct_insight"),
            own("<str:object_id>/memory/<str:memory_id>/delete/", self.delete_memory_view, "delete_memory"),
            own("<str:object_id>/regenerate/", self.regenerate_view, "regenerate"),
            own("<str:object_id>/export/", self.export_view, "export"),
            own("<str:object_id>/forget/", self.forget_view, "forget"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
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
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "row": row,
            "title": (name if reveal else mask(name, row.number)) or gettext("Unnamed caller"),
            "page": page,
            "words": words,
            "number": number_element(row.number, reveal=reveal),
            "may_correct": request.user.has_perm(MAY_CORRECT),
            "may_forget": request.user.has_perm(MAY_FORGET),
            "may_audit": request.user.has_perm("audit.view_entry"),
            "may_export": reveal and request.user.has_perm(MAY_FORGET),
            "form": Correction(auto_id="correction-%s"),
        }
        return TemplateResponse(request, "admin/conversations/caller/page.html", context)

    def _search(self, request: HttpRequest, row: Caller, words: str) -> HttpResponse:
        """Redirect to the page with only the memories and calls that have these words."""
        if not words.strip():
            return HttpResponseRedirect(request.path)
        detail = f"text {keyed_reference(comparable(words.strip()))}"
        record(request, Action.FIND, "caller", row.ref, detail=detail)
        return HttpResponseRedirect(f"{request.path}?{urlencode({SEARCH_VAR: private_search.kept(request, words)})}")
