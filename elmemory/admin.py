"""What all model admins of the project share."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

if TYPE_CHECKING:

    class _ModelAdmin[M: Model](admin.ModelAdmin[M]): ...

else:

    class _ModelAdmin[M](admin.ModelAdmin): ...  # Django's is not generic at run time


class ReadOnlyAdmin[M: Model](_ModelAdmin[M]):
    """Lists and shows rows; staff cannot add, change or delete them."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False
