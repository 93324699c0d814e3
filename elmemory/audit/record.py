from datetime import timedelta

from django.http import HttpRequest
from django.utils.timezone import now

from elmemory.audit.models import Action, Entry
from elmemory.serving.client_address import client_address


def record(
    request: HttpRequest,
    action: Action,
    kind: str,
    what: str = "",
    *,
    detail: str = "",
    once_in: timedelta | None = None,
) -> None:
    """Write down what the user of this request does. With `once_in` the same again within that time is one entry:
    a player asks for a recording piece by piece."""
    user = request.user
    entry = Entry(
        user_id=user.pk,
        username=user.get_username(),
        action=action,
        kind=kind,
        object=what,
        detail=detail[:200],
        address=client_address(request.META.get("REMOTE_ADDR"), request.headers),
    )
    if once_in and Entry.objects.filter(
        username=entry.username, action=action, kind=kind, object=what, at__gt=now() - once_in
    ):
        return
    entry.save()
