"""What all model admins of the project share."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

_EQUAL = "", "exact", "in", "isnull", "id__exact"
_ANY = re.compile(".*", re.DOTALL)
_DATES = {
    **dict.fromkeys(("", "exact", "gt", "gte", "lt", "lte"), re.compile(r"[12]\d{3}-\d\d(?!\d).*", re.ASCII)),
    "year": re.compile(r"[12]\d{3}", re.ASCII),
    **dict.fromkeys(("month", "day"), re.compile(r"\d{1,2}", re.ASCII)),
}
# URL name, permission and title of each section of the admin, in the order of the header.
_SECTIONS = (
    ("admin:index", "", gettext_lazy("Overview")),
    ("admin:conversations_conversation_changelist", "conversations.view_conversation", gettext_lazy("Calls")),
    ("admin:conversations_caller_changelist", "conversations.view_caller", gettext_lazy("Callers")),
    ("admin:conversations_conversation_analytics", "conversations.view_conversation", gettext_lazy("Figures")),
    ("admin:conversations_conversation_unreadable", "conversations.view_conversation", gettext_lazy("Unreadable")),
    ("admin:audit_entry_changelist", "audit.view_entry", gettext_lazy("Audit log")),
    ("admin:auth_user_changelist", "auth.view_user", gettext_lazy("Users")),
    ("doctor", "conversations.run_doctor", gettext_lazy("Doctor")),
)

if TYPE_CHECKING:

    class _ModelAdmin[M: Model](admin.ModelAdmin[M]): ...

else:

    class _ModelAdmin[M](admin.ModelAdmin): ...  # ModelAdmin is not generic at run time


class CarefulLookups[M: Model](_ModelAdmin[M]):
    """A list that answers a wrong address with a message, not with a server error."""

    # Fields, other than those of the filters, that links to the list may use as parameters.
    linked: Sequence[str] = ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Return the list. Django redirects wrong parameters to all rows; a message says that nothing was filtered."""
        if request.method == "GET" and ERROR_FLAG in request.GET:
            kept = request.GET.copy()
            del kept[ERROR_FLAG]
            if kept:
                return HttpResponseRedirect(f"{request.path}?{kept.urlencode()}")
            say_what_is_wrong(request)
            return HttpResponseRedirect(request.path)
        return super().changelist_view(request, extra_context)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:  # noqa: ARG002
        """Allow exact lookups on the fields of filters and links, and comparisons of dates.

        Other lookups and values may be slow (regular expressions), or fail only while the page is rendered.
        """
        name, _, how = lookup.partition("__")
        if "\0" in str(value) or (name == self.date_hierarchy and not _DATES.get(how, _ANY).fullmatch(str(value))):
            raise IncorrectLookupParameters
        if name == self.date_hierarchy:
            return how in _DATES
        named: list[Any] = [one for one in self.list_filter if not isinstance(one, type)]
        filters = [one if isinstance(one, str) else one[0] for one in named]
        return name in (*filters, *self.linked) and how in _EQUAL


class ReadOnlyAdmin[M: Model](CarefulLookups[M]):
    """Lists and shows rows; staff cannot add, change or delete them."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


def say_what_is_wrong(request: HttpRequest) -> None:
    """Add a message for the next page: the address of a list was wrong."""
    text = gettext("This address asks for something that cannot be searched for. Everything is shown instead.")
    messages.warning(request, text)


def sections(request: HttpRequest) -> list[dict[str, str]]:
    """Return the sections that this user may open: `address`, `name` and `current`, the value of aria-current or ""."""
    user: Any = request.user
    found = [
        {"address": reverse(page), "name": str(name), "current": ""}
        for page, permission, name in _SECTIONS
        if not permission or user.has_perm(permission)
    ]
    front = reverse("admin:index")
    around = [one for one in found if one["address"] != front and request.path.startswith(one["address"])]
    if request.path == front:
        around = [one for one in found if one["address"] == front]
    if around:
        nearest = max(around, key=lambda one: len(one["address"]))
        nearest["current"] = "page" if nearest["address"] == request.path else "true"
    return found
