"""The key that a webhook's sender shows: `X-Api-Key`, or `Authorization: Bearer`."""

import hmac

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyHeader


class KeyHeader(APIKeyHeader):
    """Lets in who shows the key of this setting. Without a key the endpoint is open in DEBUG and closed otherwise."""

    param_name = "X-Api-Key"

    def __init__(self, setting: str) -> None:
        super().__init__()
        self._setting = setting

    async def authenticate(self, request: HttpRequest, key: str | None) -> bool:
        expected: str = getattr(settings, self._setting)
        if not expected:
            return settings.DEBUG
        shown = [key or "", *_bearer(request)]
        # Django decodes headers as Latin-1; whoever sends other letters sends them as UTF-8.
        return any(hmac.compare_digest(expected.encode(), one.encode("latin-1", "replace")) for one in shown)


def _bearer(request: HttpRequest) -> list[str]:
    scheme, _, credentials = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return [credentials.strip()] if scheme.lower() == "bearer" else []
