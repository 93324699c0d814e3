from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from conversations.index import ensure_schema
from conversations.models import Conversation

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Conversation]
else:
    _ModelAdmin = admin.ModelAdmin


@admin.register(Conversation)
class ConversationAdmin(_ModelAdmin):
    """The stored calls, as the index has them. Nothing is edited here: the files are the truth."""

    list_display = ("conversation_id", "started_at", "agent_id", "duration_seconds", "title", "memory_state")
    list_filter = ("memory_state", "successful", "has_audio")
    search_fields = ("conversation_id", "title")
    readonly_fields = tuple(field.name for field in Conversation._meta.fields)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        ensure_schema()
        return super().get_queryset(request)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
