"""What all model admins of the project share."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext

_EQUAL = "", "exact", "in", "isnull", "id__exact"
_ANY = re.compile(".*", re.DOTALL)
_DATES = {
    **dict.fromkeys(("", "exact", "gt", "gte", "lt", "lte"), re.compile(r"[12]\d{3}-\d\d(?!\d).*", re.ASCII)),
    "year": re.compile(r"[12]\d{3}", re.ASCII),
    **dict.fromkeys(("month", "day"), re.compile(r"\d{1,2}", re.ASCII)),
}

if TYPE_CHECKING:

    class _ModelAdmin[M: Model](admin.ModelAdmin[M]): ...

else:

    class _ModelAdmin[M](admin.ModelAdmin): ...  # Django's is not generic at run time


class CarefulLookups[M: Model](_ModelAdmin[M]):
    """A list whose address can be wrong without a fault of the server."""

    # Fields that links to the list name, beside those of its filters.
    linked: Sequence[str] = ()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list. From wrong parameters Django leads here, to all rows: without a word they would look like found."""
        if request.method == "GET" and ERROR_FLAG in request.GET:
            kept = request.GET.copy()
            del kept[ERROR_FLAG]
            if kept:
                return HttpResponseRedirect(f"{request.path}?{kept.urlencode()}")
            say_what_is_wrong(request)
            return HttpResponseRedirect(request.path)
        return super().changelist_view(request, extra_context)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:  # noqa: ARG002
        """Allow fields of filters and links to be equal to something, and dates to be compared.

        A database would refuse other lookups and values only while the page is made, or take long: regular expressions.
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
    """Say on the next page that the address of a list was wrong."""
    messages.warning(request, gettext("This address asked for something that cannot be found. All is shown instead."))
