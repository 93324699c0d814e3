"""The roles of staff: groups that `migrate` creates and completes. Permissions added by hand stay."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db import router

from elmemory.audit.acting import acting

_VIEWER = {"conversations.view_conversation", "conversations.view_caller"}
_OPERATOR = _VIEWER | {
    "conversations.listen_conversation",
    "conversations.reveal_number",
    "conversations.reprocess_conversation",
    "conversations.correct_caller",
    "conversations.run_doctor",
}
_PRIVACY_OFFICER = _OPERATOR | {
    "conversations.download_conversation",
    "conversations.export_conversation",
    "conversations.forget_caller",
    "audit.view_entry",
    "audit.export_entry",
}
ROLES = {"viewer": _VIEWER, "operator": _OPERATOR, "privacy officer": _PRIVACY_OFFICER}


def make_roles(using: str, **kwargs: Any) -> None:  # noqa: ARG001
    """Create the groups in this database, with their permissions. A receiver of `post_migrate`."""
    if not router.allow_migrate_model(using, Group):
        return
    token = acting.set(None)  # what every version of the program does is no decision to record
    try:
        _complete(using)
    finally:
        acting.reset(token)


def _complete(using: str) -> None:
    for role, names in ROLES.items():
        group, _ = Group.objects.using(using).get_or_create(name=role)
        for name in names:
            app, codename = name.split(".")
            found = Permission.objects.using(using).filter(content_type__app_label=app, codename=codename)
            group.permissions.add(*found)
