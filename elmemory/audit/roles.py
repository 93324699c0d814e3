"""The roles of staff: groups that `migrate` creates and completes. Permissions added by hand stay."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.auth import get_permission_codename
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
    "searches.share_savedsearch",
}
_APPS = ("audit", "conversations", "searches")
_OF_MODEL = ("content_type__app_label", "content_type__model")
ROLES = {"viewer": _VIEWER, "operator": _OPERATOR, "privacy officer": _PRIVACY_OFFICER}


def is_behind(using: str) -> bool:
    """Whether this database lacks permissions of this version, or has other texts for them. `migrate` corrects it."""
    stored = Permission.objects.using(using).filter(content_type__app_label__in=_APPS)
    texts = {tuple(row[:3]): row[3] for row in stored.values_list(*_OF_MODEL, "codename", "name")}
    return any(texts.get((app, model, codename)) != text for app, model, codename, text in _permissions())


def make_roles(using: str, **kwargs: Any) -> None:  # noqa: ARG001
    """Create the groups in this database, with their permissions, whose texts become those of this version.

    A receiver of `post_migrate`: Django itself only adds permissions.
    """
    if not router.allow_migrate_model(using, Group):
        return
    token = acting.set(None)  # what every version of the program does is no decision to record
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
