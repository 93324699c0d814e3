"""The roles of staff: groups that `migrate` creates and completes. Permissions added by hand stay."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import Group, Permission
from django.db import router
from django.utils.translation import gettext_lazy, gettext_noop

from elmemory.audit.acting import acting

_VIEWER = {"conversations.view_conversation", "conversations.view_caller"}
_OPERATOR = _VIEWER | {
    "conversations.listen_conversation",
    "conversations.reveal_number",
    "conversations.reprocess_conversation",
    "conversations.review_conversation",
    "conversations.correct_caller",
    "conversations.run_doctor",
}
_SUPERVISOR = _VIEWER | {
    "conversations.listen_conversation",
    "conversations.export_conversation",
    "conversations.review_conversation",
}
_PRIVACY_OFFICER = _OPERATOR | {
    "conversations.discard_conversation",
    "conversations.download_conversation",
    "conversations.export_conversation",
    "conversations.forget_caller",
    "audit.view_entry",
    "audit.export_entry",
    "searches.share_savedsearch",
}
_APPS = ("audit", "conversations", "searches")
_OF_MODEL = ("content_type__app_label", "content_type__model")
ROLES = {
    gettext_noop("viewer"): _VIEWER,
    gettext_noop("supervisor"): _SUPERVISOR,
    gettext_noop("operator"): _OPERATOR,
    gettext_noop("privacy officer"): _PRIVACY_OFFICER,
}
ADMINISTRATOR = gettext_noop("administrator")
# What each role may do, as shown where a role is chosen.
EXPLAINED = {
    "viewer": gettext_lazy("reads calls, transcripts, callers and their memories, with numbers masked."),
    "supervisor": gettext_lazy(
        "a viewer who also hears recordings, writes notes, marks calls as reviewed and exports lists."
        " Corrects, deletes and forgets nothing."
    ),
    "operator": gettext_lazy(
        "a viewer who also hears recordings, sees whole numbers, writes notes and reviews, corrects facts, deletes"
        " single memories, opts callers out, reprocesses calls, retries deliveries and runs the doctor."
    ),
    "privacy officer": gettext_lazy(
        "an operator who also downloads payloads, exports lists and all that is known of a caller, forgets callers,"
        " discards what cannot be read, saves searches for everyone, and reads and exports the audit log."
    ),
    ADMINISTRATOR: gettext_lazy("everything, including users and roles."),
}


def is_behind(using: str) -> bool:
    """Whether the permissions in this database are missing or worded differently. `migrate` corrects them."""
    stored = Permission.objects.using(using).filter(content_type__app_label__in=_APPS)
    texts = {tuple(row[:3]): row[3] for row in stored.values_list(*_OF_MODEL, "codename", "name")}
    return any(texts.get((app, model, codename)) != text for app, model, codename, text in _permissions())


def make_roles(using: str, **kwargs: Any) -> None:  # noqa: ARG001
    """Create the groups and their permissions in this database, and update the texts of the permissions.

    A receiver of `post_migrate`. Django itself only adds permissions and never updates their texts.
    """
    if not router.allow_migrate_model(using, Group):
        return
    token = acting.set(None)  # no user decided this, so it is not recorded
    try:
        _complete(using)
    finally:
        acting.reset(token)


def _permissions() -> Iterator[tuple[str, str, str, str]]:
    """Yield the permissions of our models: app, model, codename and text."""
    for model in (model for app in _APPS for model in apps.get_app_config(app).get_models()):
        meta = model._meta
        name = meta.model_name or ""
        for action in meta.default_permissions:
            yield meta.app_label, name, get_permission_codename(action, meta), f"Can {action} {meta.verbose_name_raw}"
        for codename, text in meta.permissions:
            yield meta.app_label, name, codename, str(text)


def _complete(using: str) -> None:
    for app, model, codename, text in _permissions():
        permissions = Permission.objects.using(using).filter(codename=codename)
        permissions.filter(content_type__app_label=app, content_type__model=model).exclude(name=text).update(name=text)
    for role, names in ROLES.items():
        group, _ = Group.objects.using(using).get_or_create(name=role)
        for name in names:
            app, codename = name.split(".")
            found = Permission.objects.using(using).filter(content_type__app_label=app, codename=codename)
            group.permissions.add(*found)
