from django.contrib import admin

from elmemory.admin import ReadOnlyAdmin
from elmemory.audit.models import Entry


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin[Entry]):
    """The audit log."""

    list_display = ("at", "username", "action", "kind", "object", "detail", "address")
    list_filter = ("action", "kind", ("username", admin.AllValuesFieldListFilter))
    search_fields = ("username__exact", "object__startswith", "address__exact")
    search_help_text = "A user, a conversation id, a caller's reference or an address."
    date_hierarchy = "at"
