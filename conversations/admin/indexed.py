from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest

from conversations.admin.numbers import may_reveal
from conversations.index.schema import make_ready
from elmemory.admin import ReadOnlyAdmin


class IndexedAdmin[M: Model](ReadOnlyAdmin[M]):
    """Shows rows of the index, whose schema is ensured before each query."""

    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        make_ready()
        return super().get_queryset(request)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Refuse lookups by number to staff who may not see numbers: they could find a number digit by digit."""
        if lookup.split("__")[0] in ("caller", "number") and not may_reveal(request):
            return False
        return bool(super().lookup_allowed(lookup, value, request))
