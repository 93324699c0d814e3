from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from elmemory.admin import ReadOnlyAdmin
from elmemory.audit.certificate import as_json, as_text
from elmemory.audit.export import csv_lines, streamed
from elmemory.audit.models import Action, Entry
from elmemory.audit.record import record
from elmemory.audit.staff import register
from elmemory.audit.wording import detail_shown, kind_shown
from elmemory.memory.text import counted

# The admin pages of the objects, by the kind that entries name.
_PAGES = {
    "call": "conversations_conversation",
    "calls": "conversations_conversation",
    "recording": "conversations_conversation",
    "file": "conversations_conversation",
    "caller": "conversations_caller",
    "user": "auth_user",
    "role": "auth_group",
}


class KindFilter(admin.AllValuesFieldListFilter):
    """Filters entries by kind, with its name in the language of the page."""

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for choice in super().choices(changelist):
            kind, *count = str(choice["display"]).split(" ", 1)
            yield {**choice, "display": " ".join([kind_shown(kind), *count])}


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin[Entry]):
    """The audit log."""

    list_display = ("when", "username", "action", "kind_shown", "touched", "caller_shown", "detail_shown", "address")
    list_filter = ("action", ("kind", KindFilter), ("username", admin.AllValuesFieldListFilter))
    # Not `address__exact`: PostgreSQL raises an error if the text is not an address.
    search_fields = ("username__exact", "object__startswith", "caller__exact", "address__iexact")
    search_help_text = gettext_lazy("A user, a conversation id, a caller's reference or an address.")
    date_hierarchy = "at"
    linked = ("object", "caller", "address")
    fields = (
        "when", "username", "action", "kind_shown", "touched", "caller_shown", "detail_shown", "address", "certificate",
        "hash",
    )  # fmt: skip
    readonly_fields = ("when", "kind_shown", "touched", "caller_shown", "detail_shown", "certificate")
    list_select_related = False
    empty_value_display = ""

    @admin.display(description=gettext_lazy("when"), ordering="id")
    def when(self, entry: Entry) -> str:
        at = localtime(entry.at)
        return f"{date_format(at, 'SHORT_DATE_FORMAT')}, {date_format(at, 'H:i:s T')}"

    @admin.display(description=pgettext_lazy("audit log", "what"), ordering="object")
    def touched(self, entry: Entry) -> str:
        return _link(_PAGES.get(entry.kind), entry.object)

    @admin.display(description=gettext_lazy("certificate"))
    def certificate(self, entry: Entry) -> str:
        if not entry.document:
            return ""
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:audit_entry_certificate", args=[entry.pk]), gettext("Show it")
        )

    @admin.display(description=gettext_lazy("caller reference"), ordering="caller")
    def caller_shown(self, entry: Entry) -> str:
        return _link(_PAGES["caller"], entry.caller)

    @admin.display(description=gettext_lazy("detail"), ordering="detail")
    def detail_shown(self, entry: Entry) -> str:
        return detail_shown(entry.detail)

    @admin.display(description=pgettext_lazy("audit log", "what kind"), ordering="kind")
    def kind_shown(self, entry: Entry) -> str:
        return kind_shown(entry.kind)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "title": gettext("Audit log")})

    def get_urls(self) -> list[URLPattern]:
        export = path("export/", self.admin_site.admin_view(self.export_view), name="audit_entry_export")
        certificate = "<int:object_id>/certificate/"
        view = self.admin_site.admin_view(self.certificate_view)
        return [export, path(certificate, view, name="audit_entry_certificate"), *super().get_urls()]

    def certificate_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Return the certificate of a forgotten caller: a page, or a file with `as=text` or `as=json`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        entry = get_object_or_404(Entry.objects.exclude(document=""), pk=object_id)
        match request.GET.get("as"):
            case "json":
                return _file(as_json(entry), "application/json", f"certificate-{entry.pk}.json")
            case "text":
                return _file(as_text(entry).encode(), "text/plain; charset=utf-8", f"certificate-{entry.pk}.txt")
        context = {"opts": self.opts, "title": gettext("Certificate"), "entry": entry, "text": as_text(entry)}
        return TemplateResponse(
            request, "admin/audit/entry/certificate.html", {**self.admin_site.each_context(request), **context}
        )

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Return the filtered list as CSV."""
        if not (self.has_view_permission(request) and request.user.has_perm("audit.export_entry")):
            raise PermissionDenied
        try:
            entries = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{reverse('admin:audit_entry_changelist')}?{ERROR_FLAG}=1")
        record(request, Action.EXPORT, "log", detail=counted(entries.count(), "entry", "entries"))
        headers = {"Content-Disposition": 'attachment; filename="audit.csv"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(
            streamed(csv_lines(entries)), content_type="text/csv; charset=utf-8", headers=headers
        )


register()


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type=kind, headers=headers)


def _link(page: str | None, key: str) -> str:
    """Return the object's name, as a link if the object has a page."""
    if not (page and key):
        return key
    try:
        return format_html('<a href="{}">{}</a>', reverse(f"admin:{page}_change", args=[key]), key)
    except NoReverseMatch:
        return key
