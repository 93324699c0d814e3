"""The page of a caller."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from conversations.admin.caller_actions import MAY_CORRECT, MAY_FORGET, Correction
from conversations.admin.caller_decisions import CallerDecisions
from conversations.admin.caller_list import newest_name
from conversations.admin.caller_page import caller_page
from conversations.admin.masking import mask
from conversations.admin.numbers import may_reveal, number_element
from conversations.models import Caller
from elmemory.audit.models import Action
from elmemory.audit.record import record
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
            own("<str:object_id>/memory/<str:memory_id>/delete/", self.delete_memory_view, "delete_memory"),
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
        """The page. A question to the agent's search is sent by POST, so that it is in no URL."""
        row = self.row_of(request, object_id)
        question = request.POST.get("question", "").strip()[:500] if request.method == "POST" else ""
        record(request, Action.SEARCH if question else Action.VIEW, "caller", row.ref)
        asked, reveal = request.GET, may_reveal(request)
        number = asked.get("p", "1")
        page = caller_page(
            open_memory(),
            row.number,
            kind=asked.get("kind", ""),
            sector=asked.get("sector", ""),
            question=question,
            number=int(number) if number.isdecimal() and len(number) < 6 else 1,
            reveal=reveal,
        )
        name = page.get("profile", {}).get("name") or newest_name(row.ref)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "row": row,
            "title": (name if reveal else mask(name, row.number)) or "Unnamed caller",
            "page": page,
            "number": number_element(row.number, reveal=reveal),
            "may_correct": request.user.has_perm(MAY_CORRECT),
            "may_forget": request.user.has_perm(MAY_FORGET),
            "may_audit": request.user.has_perm("audit.view_entry"),
            "may_export": reveal and request.user.has_perm(MAY_FORGET),
            "form": Correction(auto_id="correction-%s"),
        }
        return TemplateResponse(request, "admin/conversations/caller/page.html", context)
