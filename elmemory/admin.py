"""What all model admins of the project share."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy

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


def sections(request: HttpRequest) -> list[dict[str, str]]:
    """The sections that this user may open: `address`, `name`, and `current`, the value of aria-current, or empty."""
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
