"""Searches of the list of calls that staff have saved by name."""

from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IS_FACETS_VAR, IS_POPUP_VAR
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, PAGE_VAR, SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from conversations.admin import private_search
from elmemory.audit.models import Action
from elmemory.audit.record import record
from elmemory.searches.models import SavedSearch

_MOST = 50
# Where one is in a list, and how it looks, is not what was searched for.
_NOT_SAVED = PAGE_VAR, ALL_VAR, ERROR_FLAG, IS_FACETS_VAR, IS_POPUP_VAR


def saved_for(request: HttpRequest) -> dict[str, Any]:
    """The saved searches as the list shows them: the user's own, everyone's, and whether this one can be saved."""
    present = _worth_saving(request.GET)
    searches: list[Any] = list(SavedSearch.objects.shown_to(request.user)[:_MOST])
    for search in searches:
        search.is_present = search.query == present
        search.may_delete = search.owner_id is not None or _may_share(request)
    return {"saved_searches": searches, "may_save": bool(present), "may_share": _may_share(request)}


def _save(request: HttpRequest) -> str:
    """Save the search in this request's URL under the posted name; returns an error message, or ""."""
    name, query = request.POST.get("name", "").strip(), _worth_saving(request.GET)
    owner: Any = None if "for_everyone" in request.POST else request.user
    if owner is None and not _may_share(request):
        raise PermissionDenied
    if not name or len(name) > 60 or "\x00" in name:
        return _("A search needs a name of at most 60 characters.")
    if len(query) > 2000:
        return _("This search is too long to be saved.")
    if private_search.is_token(request.GET.get(SEARCH_VAR, "")) or private_search.shows_number(request.GET):
        return _(
            "A search for digits is not saved, since they may be a part of a phone number. Search for the whole number:"
            " the saved search then names its caller by reference."
        )
    if private_search.holds_digits(name):
        return _("The name of a search must not contain a phone number.")
    if not query:
        return _("Choose a filter or search for something first.")
    known = SavedSearch.objects.filter(owner=owner)
    if known.count() >= _MOST and not known.filter(name=name).exists():
        return _("There are %(most)d saved searches. Delete one first.") % {"most": _MOST}
    saved = SavedSearch.objects.update_or_create(owner=owner, name=name, defaults={"query": query})[0]
    if owner is None:
        # By number: its name may be that of a caller, and the audit log would keep it.
        record(request, Action.CHANGE, "search", str(saved.pk), detail="saved for everyone")
    return ""


def save_view(request: HttpRequest, back: str) -> HttpResponse:
    if request.method == "POST":
        fault = _save(request)
        messages.add_message(request, messages.ERROR if fault else messages.SUCCESS, fault or _("The search is saved."))
    return _to_list(request, back)


def delete_view(request: HttpRequest, pk: int, back: str) -> HttpResponse:
    if request.method == "POST":
        search = get_object_or_404(SavedSearch.objects.shown_to(request.user), pk=pk)
        if search.owner_id is None:
            if not _may_share(request):
                raise PermissionDenied
            record(request, Action.CHANGE, "search", str(search.pk), detail="deleted for everyone")
        search.delete()
        messages.success(request, _("The saved search is deleted."))
    return _to_list(request, back)


def _to_list(request: HttpRequest, back: str) -> HttpResponse:
    query = request.GET.urlencode()
    return HttpResponseRedirect(f"{back}?{query}" if query else back)


def _worth_saving(asked: QueryDict) -> str:
    """The query string of what was searched for, in a fixed order."""
    query = QueryDict(mutable=True)
    for name, values in sorted(asked.lists()):
        if name not in _NOT_SAVED and any(values):
            query.setlist(name, list(filter(None, values)))
    return query.urlencode() if set(query) != {"o"} else ""


def _may_share(request: HttpRequest) -> bool:
    return request.user.has_perm("searches.share_savedsearch")
