from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

from elmemory.audit.models import Entry

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Entry]
else:
    _ModelAdmin = admin.ModelAdmin


@admin.register(Entry)
class EntryAdmin(_ModelAdmin):
    """The audit log, to be read."""

    list_display = ("at", "username", "action", "kind", "object", "detail", "address")
    list_filter = ("action", "kind", ("username", admin.AllValuesFieldListFilter))
    search_fields = ("username__exact", "object__startswith", "address__exact")
    search_help_text = "A user, a conversation id, a caller's reference or an address."
    date_hierarchy = "at"
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
