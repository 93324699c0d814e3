"""What entries of the audit log, and names of other packages, are called in the language of the page.

Entries are stored in English. Kinds, and details from a fixed set, are translated when they are shown. Details with
names and counts are not.
"""

from typing import Any

from django.utils.translation import gettext, gettext_noop, pgettext_lazy

_KINDS = {
    "audio": pgettext_lazy("audit log", "recordings"),
    "call": pgettext_lazy("audit log", "call"),
    "caller": pgettext_lazy("audit log", "caller"),
    "callers": pgettext_lazy("audit log", "list of callers"),
    "calls": pgettext_lazy("audit log", "list of calls"),
    "command": pgettext_lazy("audit log", "command"),
    "delivery": pgettext_lazy("audit log", "delivery"),
    "device": pgettext_lazy("audit log", "device"),
    "doctor": pgettext_lazy("audit log", "doctor"),
    "everything": pgettext_lazy("audit log", "all stored data"),
    "file": pgettext_lazy("audit log", "file"),
    "list": pgettext_lazy("audit log", "list"),
    "log": pgettext_lazy("audit log", "audit log"),
    "page": pgettext_lazy("audit log", "page"),
    "payload": pgettext_lazy("audit log", "payloads"),
    "recording": pgettext_lazy("audit log", "recording"),
    "role": pgettext_lazy("audit log", "role"),
    "search": pgettext_lazy("audit log", "saved search"),
    "session": pgettext_lazy("audit log", "session"),
    "unreadable": pgettext_lazy("audit log", "bodies without a call"),
    "user": pgettext_lazy("audit log", "user"),
}
_DETAILS = {
    "a call": pgettext_lazy("audit log", "a call"),
    "a number": pgettext_lazy("audit log", "a number"),
    "deleted": pgettext_lazy("audit log", "deleted"),
    "deleted for everyone": pgettext_lazy("audit log", "deleted for everyone"),
    "no": pgettext_lazy("audit log", "no"),
    "no such user": pgettext_lazy("audit log", "no such user"),
    "payloads deleted": pgettext_lazy("audit log", "payloads deleted"),
    "payloads kept": pgettext_lazy("audit log", "payloads kept"),
    "saved for everyone": pgettext_lazy("audit log", "saved for everyone"),
    "taken back": pgettext_lazy("audit log", "taken back"),
    "the store's own summary: made again": pgettext_lazy("audit log", "the store's own summary: made again"),
    "traces of a caller": pgettext_lazy("audit log", "traces of a caller"),
    "with a code": pgettext_lazy("audit log", "with a code"),
    "yes": pgettext_lazy("audit log", "yes"),
}
# Texts of django-axes and of Django that its catalogs lack, or that are "group" where these pages say role.
_OF_OTHERS = (
    gettext_noop("access attempt"),
    gettext_noop("access attempts"),
    gettext_noop("access attempt expiration"),
    gettext_noop("access attempt expirations"),
    gettext_noop("access failure"),
    gettext_noop("access failures"),
    gettext_noop("access log"),
    gettext_noop("access logs"),
    gettext_noop("Attempt Time"),
    gettext_noop("Failed Logins"),
    gettext_noop("Form Data"),
    gettext_noop("GET Data"),
    gettext_noop("HTTP Accept"),
    gettext_noop("IP Address"),
    gettext_noop("Locked Out"),
    gettext_noop("Meta Data"),
    gettext_noop("POST Data"),
    gettext_noop("Path"),
    gettext_noop("User Agent"),
    gettext_noop("Username"),
    gettext_noop("group"),
    gettext_noop("groups"),
)
_DONE = {
    "add": gettext_noop("Can add"),
    "change": gettext_noop("Can change"),
    "delete": gettext_noop("Can delete"),
    "view": gettext_noop("Can view"),
}


def kind_shown(kind: str) -> str:
    return str(_KINDS.get(kind, kind))


def detail_shown(detail: str) -> str:
    return str(_DETAILS.get(detail, detail))


def permission_shown(permission: Any) -> str:
    """What a permission allows. Those that Django makes for each model are in its database in English."""
    done, _, model = permission.codename.partition("_")
    if model == permission.content_type.model and done in _DONE:
        return gettext(_DONE[done])
    return gettext(permission.name)
