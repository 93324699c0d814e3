"""Pages of unreadable deliveries and parked calls: reasons, contents, retrying and discarding."""

import contextlib
import json
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from conversations.admin.call_list import CallListAdmin
from conversations.admin.masking import mask, mask_of_call, mask_of_unknown
from conversations.admin.numbers import may_reveal
from conversations.files.paths import unreadable_paths
from conversations.index.sync import refresh_row
from conversations.memories.discard import NotParked, discard_call, discard_delivery
from conversations.memories.reprocess import replay, why_unreadable
from conversations.models import Conversation, MemoryState
from conversations.payloads.explain import reason_in_language
from conversations.payloads.secret_variables import shown_file, without_secrets
from elmemory.audit.models import Action
from elmemory.audit.record import record
from elmemory.memory.openmemory import OpenMemoryError, open_memory

_PER_PAGE = 50
_SHOWN_BYTES = 12 * 2**10
# To say why, the body is read as at its arrival: not all of a list of large ones, and none that takes seconds.
_READ_IN_A_LIST, _READ_ON_ITS_PAGE = 2**18, 2**24
_GZIP_OR_ZLIB = 47


class Discarding(forms.Form):
    """The reason for discarding. It is a choice, because free text might put personal data into the audit log."""

    reason = forms.ChoiceField(
        label=gettext_lazy("Reason"),
        choices=[
            ("", gettext_lazy("choose one")),
            ("test", gettext_lazy("a test")),
            ("damaged", gettext_lazy("damaged, and of no use")),
            ("duplicate", gettext_lazy("stored elsewhere too")),
            ("not ours", gettext_lazy("not meant for this server")),
            ("privacy", gettext_lazy("it must not be kept")),
        ],
    )


class Unreadable(CallListAdmin):
    """The pages of deliveries and calls that need a decision."""

    def get_urls(self) -> list[URLPattern]:
        return [
            self.own("unreadable/", self.unreadable_view, "unreadable"),
            self.own("unreadable/<str:name>/", self.delivery_view, "delivery"),
            self.own("unreadable/<str:name>/retry/", self.retry_view, "retry"),
            self.own("unreadable/<str:name>/discard/", self.discard_delivery_view, "discard_delivery"),
            self.own("unreadable/<str:name>/file/", self.delivery_file_view, "delivery_file"),
            self.own("<str:object_id>/discard/", self.discard_call_view, "discard_call"),
            *super().get_urls(),
        ]

    def unreadable_view(self, request: HttpRequest) -> HttpResponse:
        self.require(request)
        newest = sorted(_stats(unreadable_paths()), key=lambda one: one["at"], reverse=True)
        deliveries = Paginator(newest, _PER_PAGE).get_page(request.GET.get("p"))
        for one in deliveries:
            one["reason"] = _reason(one["path"], one["size"], _READ_IN_A_LIST)
        parked = self.get_queryset(request).filter(memory_state=MemoryState.FAILED)
        calls, reveal = list(parked[:_PER_PAGE]), may_reveal(request)
        for call in calls:
            _show_reason(call, reveal=reveal)
        context = {"deliveries": deliveries, "calls": calls, "parked": parked.count()}
        return self.page(request, "unreadable/list", _("Unreadable"), **context)

    def delivery_view(self, request: HttpRequest, name: str) -> HttpResponse:
        self.require(request)
        delivery = _delivery(name)
        record(request, Action.VIEW, "delivery", name)
        delivery["reason"] = _reason(delivery["path"], delivery["size"], _READ_ON_ITS_PAGE)
        stored = beginning(delivery["path"], reveal=may_reveal(request))
        return self.page(request, "unreadable/delivery", _("Unreadable delivery"), delivery=delivery, stored=stored)

    def delivery_file_view(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """The whole body, sent in pieces."""
        self.require(request, "reveal_number", "download_conversation")
        delivery = _delivery(name)
        record(request, Action.DOWNLOAD, "delivery", name)
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return FileResponse(
            shown_file(delivery["path"]),
            as_attachment=True,
            filename=name,
            content_type="application/octet-stream",
            headers=headers,
        )

    def retry_view(self, request: HttpRequest, name: str) -> HttpResponse:
        self.require(request, "reprocess_conversation")
        if request.method != "POST":
            return HttpResponseRedirect(_page(name))
        try:
            delivery = _delivery(name)
            record(request, Action.REPROCESS, "delivery", name)
            placed = replay(delivery["path"])
        except (Http404, FileNotFoundError):
            return self._is_gone(request)
        except OSError as error:
            messages.error(request, _("It could not be stored (%(reason)s).") % {"reason": error.strerror})
            return HttpResponseRedirect(_page(name))
        if placed.status == "unreadable":
            messages.warning(request, _("It still cannot be read."))
            return HttpResponseRedirect(_page(name))
        messages.success(request, _("It was read, and is stored now."))
        if not placed.conversation_id:
            return redirect("admin:conversations_conversation_unreadable")
        refresh_row(placed.conversation_id)
        return redirect("admin:conversations_conversation_change", placed.conversation_id)

    def discard_delivery_view(self, request: HttpRequest, name: str) -> HttpResponse:
        self.require(request, "discard_conversation")
        try:
            delivery = _delivery(name)
        except Http404:
            if request.method == "POST":
                return self._is_gone(request)
            raise
        form = Discarding(request.POST or None)
        if not form.is_valid():
            context = {"form": form, "delivery": delivery, "back": _page(name)}
            return self.page(request, "unreadable/discard", _("Discard this delivery?"), **context)
        # First: a process that dies in between must leave no deletion without an entry.
        record(request, Action.DISCARD, "delivery", name, detail=form.cleaned_data["reason"])
        try:
            discard_delivery(delivery["path"])
        except OSError as error:
            messages.error(request, _("Not every file could be deleted (%(reason)s).") % {"reason": error.strerror})
            return HttpResponseRedirect(_page(name))
        messages.success(request, _("Discarded."))
        return redirect("admin:conversations_conversation_unreadable")

    def discard_call_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Discard a parked call, with its memories."""
        self.require(request, "discard_conversation")
        parked = self.get_queryset(request).filter(memory_state=MemoryState.FAILED)
        row = parked.filter(pk=object_id).first()
        if row is None:
            raise Http404
        back = reverse("admin:conversations_conversation_change", args=[row.pk])
        form = Discarding(request.POST or None)
        if not form.is_valid():
            _show_reason(row, reveal=may_reveal(request))
            return self.page(request, "unreadable/discard", _("Discard this call?"), form=form, row=row, back=back)
        reason = form.cleaned_data["reason"]
        record(request, Action.DISCARD, "call", row.pk, caller=row.caller_ref, detail=reason)
        try:
            discard_call(open_memory(), row.pk)
        except NotParked:
            messages.error(request, _("Nothing was discarded: the call is no longer parked."))
        except OpenMemoryError as error:
            messages.error(
                request, _("Nothing was discarded: OpenMemory does not answer (%(error)s).") % {"error": error}
            )
        except OSError as error:
            messages.error(request, _("Not every file could be deleted (%(reason)s).") % {"reason": error.strerror})
        else:
            messages.success(request, _("Discarded."))
            return redirect("admin:conversations_conversation_unreadable")
        return HttpResponseRedirect(back)

    def _is_gone(self, request: HttpRequest) -> HttpResponse:
        """The answer after a second click, or after another user has retried or discarded the delivery."""
        messages.warning(request, _("This delivery no longer exists: it was retried or discarded meanwhile."))
        return redirect("admin:conversations_conversation_unreadable")


def _show_reason(call: Conversation, *, reveal: bool) -> None:
    """Translate the reason why a parked call cannot be processed; mask it and the title without `reveal`."""
    if not reveal:
        call.title, call.error = mask_of_call(call.title, call), mask(call.error, call.caller)
    call.error = reason_in_language(call.error)


def _page(name: str) -> str:
    return reverse("admin:conversations_conversation_delivery", args=[name])


def _stats(paths: list[Path]) -> list[dict[str, Any]]:
    found = []
    for file in paths:
        try:
            stat = file.stat()
        except FileNotFoundError:  # another user has just retried it
            continue
        at = datetime.fromtimestamp(stat.st_mtime, UTC)
        found.append({"name": file.name, "path": file, "size": stat.st_size, "at": at})
    return found


def _delivery(name: str) -> dict[str, Any]:
    """The unreadable delivery with this name. Only a name that is in the folder becomes a path."""
    found = _stats([file for file in unreadable_paths() if file.name == name])
    if not found:
        raise Http404
    return found[0]


def _reason(file: Path, size: int, most: int) -> str:
    """The reason why it is unreadable; empty for a body that is too large to be read for a page."""
    if size > most:
        return ""
    try:
        return reason_in_language(why_unreadable(file)) or _("it can be read now: retry it")
    except OSError as error:
        return error.strerror or type(error).__name__


def beginning(file: Path, *, reveal: bool) -> dict[str, Any]:
    """The beginning of an unreadable body as text: decompressed, and masked without `reveal`. Reads a bounded part.

    The values of secret variables are hidden. `bytes` is the size of the body if there is more, else 0.
    """
    try:
        with file.open("rb") as source:
            begin, has_more = source.read(_SHOWN_BYTES), bool(source.read(1))
    except FileNotFoundError:
        return {}
    with contextlib.suppress(zlib.error):
        begin = zlib.decompressobj(_GZIP_OR_ZLIB).decompress(begin, _SHOWN_BYTES) or begin
    # Closed, so that a value that is cut off is found too.
    text = without_secrets(begin + b'"').decode(json.detect_encoding(begin), "replace")
    text = text.removesuffix('"').replace("\0", "\N{REPLACEMENT CHARACTER}")
    return {"text": text if reveal else mask_of_unknown(text), "bytes": _SHOWN_BYTES if has_more else 0}
