"""Header keys of the webhooks: `X-Api-Key: <key>`, or `Authorization: Bearer <key>`."""

import hmac
from inspect import markcoroutinefunction

from django.conf import settings
from ninja.security import APIKeyHeader

from elmemory.serving.lean import LeanRequest


class KeyHeader(APIKeyHeader):
    """Accepts requests that carry the key in `setting`. While that is empty, the endpoint is open in DEBUG only."""

    param_name = "X-Api-Key"

    def __init__(self, setting: str) -> None:
        super().__init__()
        self._setting = setting
        markcoroutinefunction(self)  # ninja checks for this at every request

    async def __call__(self, request: LeanRequest) -> bool:  # type: ignore[override]
        return self.authenticate(request, None)

    def authenticate(self, request: LeanRequest, key: str | None) -> bool:  # type: ignore[override]  # noqa: ARG002
        expected: str = getattr(settings, self._setting)
        return _has_key(request, expected) if expected else settings.DEBUG


def _has_key(request: LeanRequest, expected: str) -> bool:
    """Whether either header holds the key. Reads the raw headers: decoding them all would cost more."""
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
