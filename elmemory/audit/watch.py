"""Signal handlers and middleware that record logins, lockouts, refusals, and changes of users, groups and devices."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from elmemory.audit.acting import acting
from elmemory.audit.models import Action
from elmemory.audit.record import record

_KINDS: dict[type[Model], str] = {User: "user", Group: "role", TOTPDevice: "device", StaticDevice: "device"}
_FORBIDDEN = 403
_AT_MOST_EACH = timedelta(minutes=1)
# Fields that every login changes.
_UNRECORDED = frozenset(("id", "last_login", "last_t", "drift", "last_used_at"))


def connect() -> None:
    user_logged_in.connect(_logged_in)
    user_logged_out.connect(_logged_out)
    user_login_failed.connect(_login_failed)
    user_locked_out.connect(_locked_out)
    for model in _KINDS:
        pre_save.connect(_saving, sender=model)
        post_save.connect(_saved, sender=model)
        post_delete.connect(_deleted, sender=model)
    for through in (User.groups.through, User.user_permissions.through, Group.permissions.through):
        m2m_changed.connect(_related, sender=through)


class AuditMiddleware:
    """Sets the request as the acting one, and records refused requests in the admin."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = acting.set(request)
        try:
            response = self._get_response(request)
        finally:
            acting.reset(token)
        if response.status_code == _FORBIDDEN and request.user.is_authenticated:
            match = request.resolver_match
            what = str(match.kwargs.get("object_id", "")) if match else ""
            # Ids have letters. Anything else in the URL is not recorded: it may be a phone number that a user typed.
            known = what if any(character.isalpha() for character in what) and what.isascii() else ""
            record(request, Action.REFUSED, "page", known, detail=(match.view_name if match else "") or "")
        return response


def _logged_in(request: HttpRequest | None, user: User, **kwargs: Any) -> None:  # noqa: ARG001
    if request and hasattr(request, "user"):  # else a program logged the user in
        record(request, Action.LOGIN, "session", detail="with a code" if getattr(user, "otp_device", None) else "")


def _logged_out(request: HttpRequest | None, user: User | None, **kwargs: Any) -> None:  # noqa: ARG001
    if request and user:
        record(request, Action.LOGOUT, "session")


def _login_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:  # noqa: ARG001
    if request:
        _attempted(request, Action.LOGIN_FAILED, credentials.get("username"))


def _locked_out(request: HttpRequest, username: str | None, **kwargs: Any) -> None:  # noqa: ARG001
    _attempted(request, Action.LOCKOUT, username)


def _attempted(request: HttpRequest, action: Action, username: str | None) -> None:
    """Record a failed login; only once a minute for a locked user, or for a name that no user has.

    A name that no user has is not recorded: it may be a password.
    """
    user = User.objects.filter(username=username).first() if username and "\0" not in username else None
    what, detail = (str(user.pk), user.username) if user else ("", "no such user")
    is_locked = getattr(request, "axes_locked_out", False)
    record(request, action, "user", what, detail=detail, once_in=None if user and not is_locked else _AT_MOST_EACH)


def _saving(sender: type[Model], instance: Any, update_fields: Iterable[str] | None, using: str, **kwargs: Any) -> None:  # noqa: ARG001
    """Store on the object which fields will change, for `_saved`."""
    if acting.get() is None:
        return
    old = sender._base_manager.using(using).filter(pk=instance.pk).first() if instance.pk else None
    names = [
        field.attname for field in sender._meta.concrete_fields if not update_fields or field.name in update_fields
    ]
    changed = {name for name in names if old is None or getattr(old, name) != getattr(instance, name)}
    instance.audit_changed = sorted(name for name in changed - _UNRECORDED if not name.startswith("throttling_"))


def _saved(sender: type[Model], instance: Any, created: bool, **kwargs: Any) -> None:  # noqa: ARG001
    changed = getattr(instance, "audit_changed", [])
    if created:
        _record_change(instance, "created")
    elif changed and not _is_rehashing(changed):
        _record_change(instance, ", ".join(changed))


def _is_rehashing(changed: list[str]) -> bool:
    """Whether a login only stored the same password with a newer hasher."""
    actor = acting.get()
    return changed == ["password"] and isinstance(actor, HttpRequest) and not actor.user.is_authenticated


def _deleted(sender: type[Model], instance: Any, **kwargs: Any) -> None:  # noqa: ARG001
    _record_change(instance, "deleted")


@translation.override("en")  # entries are in English, whatever the user's language
def _related(
    sender: type[Model], instance: Any, action: str, reverse: bool, model: type[Model], pk_set: set[int] | None,  # noqa: ARG001
    **kwargs: Any,  # noqa: ARG001
) -> None:  # fmt: skip
    if action == "pre_clear":
        _record_change(instance, f"{model._meta.verbose_name_plural}: all removed")
    if action not in ("post_add", "post_remove") or not pk_set or acting.get() is None:
        return
    names = ", ".join(sorted(str(each) for each in model._base_manager.filter(pk__in=pk_set)))
    _record_change(instance, f"{'added' if action == 'post_add' else 'removed'} {model._meta.verbose_name}: {names}")


def _record_change(instance: Any, what: str) -> None:
    """Record who changed the user, group or device. Changes by migrations and test fixtures are not recorded."""
    actor = acting.get()
    if actor is None:
        return
    request = actor if isinstance(actor, HttpRequest) else None
    of = instance.user if isinstance(instance, (TOTPDevice, StaticDevice)) else instance
    record(request, Action.CHANGE, _KINDS[type(instance)], str(of.pk or ""), detail=f"{of}: {what}")
