"""Writes the audit log."""

from datetime import timedelta
from getpass import getuser

import structlog
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.timezone import now

from elmemory.audit.models import Action, Entry
from elmemory.serving.client_address import client_address

log = structlog.get_logger(__name__)


def record(
    request: HttpRequest | None,
    action: Action,
    kind: str,
    what: str = "",
    *,
    caller: str = "",
    detail: str = "",
    once_in: timedelta | None = None,
) -> None:
    """Add an entry: the user of this request did `action` to the object `what` of this `kind`.

    Without a request, the user is that of the operating system, who runs a command. `caller` is the reference of the
    caller to whom the object belongs. With `once_in`, a repetition within that time adds no entry: a player requests a
    recording piece by piece.
    """
    entry = _entry(request, action, kind, what, caller=what if kind == "caller" else caller, detail=detail)
    names = ("username", "action", "kind", "object", "caller", "detail", "address")
    same = {name: getattr(entry, name) for name in names}
    if once_in and Entry.objects.filter(**same, at__gt=now() - once_in).exists():
        return
    entry.save()


def certify(request: HttpRequest | None, caller: str, detail: str, document: str) -> Entry:
    """Add and return an entry with the certificate of a forgotten caller. `document` is JSON."""
    entry = _entry(request, Action.CERTIFICATE, "caller", caller, caller=caller, detail=detail)
    entry.document = document
    entry.save()
    return entry


def _entry(request: HttpRequest | None, action: Action, kind: str, what: str, *, caller: str, detail: str) -> Entry:
    user = request.user if request else None
    return Entry(
        user_id=user.pk if user else None,
        username=user.get_username() if user and user.is_authenticated else "unknown" if request else command_user(),
        action=action,
        kind=kind,
        object=what[:128],
        caller=caller,
        detail=detail[:200],
        address=request_address(request) if request else None,
    )


def record_command(name: str, detail: str = "") -> None:
    """Record that a command ran. A database that does not answer is logged: the command may be its repair."""
    try:
        record(None, Action.RUN, "command", name, detail=detail)
    except DatabaseError as error:
        log.error("a command was not recorded in the audit log", command=name, error=type(error).__name__)


def command_user() -> str:
    """Return `command:` and the name of the operating system's user."""
    try:
        return f"command:{getuser()}"[:150]
    except OSError:  # a container's user may have no name
        return "command:unnamed"


def keyed_reference(text: str) -> str:
    """Return a keyed hash of a text that may be personal data. Equal texts have equal hashes."""
    return salted_hmac("elmemory.audit", text, algorithm="sha256").hexdigest()[:24]


def request_address(request: HttpRequest) -> str | None:
    """Return the client's address; headers of TRUSTED_PROXIES count."""
    return client_address(request.META.get("REMOTE_ADDR"), request.headers)
