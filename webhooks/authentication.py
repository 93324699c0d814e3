"""The key that a webhook's sender shows: `X-Api-Key`, or `Authorization: Bearer`."""

import hmac
from inspect import markcoroutinefunction

from django.conf import settings
from ninja.security import APIKeyHeader

from elmemory.serving.lean import LeanRequest


class KeyHeader(APIKeyHeader):
    """Lets in who shows the key of this setting. Without a key the endpoint is open in DEBUG and closed otherwise."""

    param_name = "X-Api-Key"

    def __init__(self, setting: str) -> None:
        super().__init__()
        self._setting = setting
        markcoroutinefunction(self)  # ninja asks at every request whether it is one, and sees it sooner so

    async def __call__(self, request: LeanRequest) -> bool:  # type: ignore[override]
        return self.authenticate(request, None)

    def authenticate(self, request: LeanRequest, key: str | None) -> bool:  # type: ignore[override]  # noqa: ARG002
        """Looks at the header's bytes: nothing else of this request's headers is worth decoding."""
        expected: str = getattr(settings, self._setting)
        return is_shown(request, expected) if expected else settings.DEBUG


def is_shown(request: LeanRequest, expected: str) -> bool:
    """Whether the request shows this key in either way."""
    key = expected.encode()
    for name, value in request.scope["headers"]:
        if name == b"x-api-key" and hmac.compare_digest(key, value):
            return True
        if name == b"authorization" and hmac.compare_digest(key, _bearer(value)):
            return True
    return False


def _bearer(authorization: bytes) -> bytes:
    scheme, _, credentials = authorization.partition(b" ")
    return credentials.strip() if scheme.lower() == b"bearer" else b""
