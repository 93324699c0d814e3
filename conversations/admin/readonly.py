from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from conversations.admin.numbers import may_reveal
from conversations.index.schema import make_ready

if TYPE_CHECKING:

    class _ModelAdmin[M: Model](admin.ModelAdmin[M]): ...

else:

    class _ModelAdmin[M](admin.ModelAdmin): ...


class ReadOnlyAdmin[M: Model](_ModelAdmin[M]):
    """Shows what the index holds, which is made sure of first; may change nothing."""

    show_full_result_count = False
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        make_ready()
        return super().get_queryset(request)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """A masked number could be guessed digit by digit from the address bar."""
        if lookup.split("__")[0] in ("caller", "number") and not may_reveal(request):
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
