"""Header keys of the webhooks: `X-Api-Key: <key>`, or `Authorization: Bearer <key>`."""

import hmac
from collections.abc import Sequence
from inspect import markcoroutinefunction

from django.conf import settings
from ninja.security import APIKeyHeader

from elmemory.serving.bounded_log import BoundedLog
from elmemory.serving.lean import LeanRequest
from webhooks.metrics import refused_keys

log = BoundedLog(__name__)


class KeyHeader(APIKeyHeader):
    """Accepts requests with a key of `setting`, a list. If the list is empty, it accepts all in DEBUG, else none."""

    param_name = "X-Api-Key"

    def __init__(self, setting: str, endpoint: str) -> None:
        super().__init__()
        self._setting = setting
        self._endpoint = endpoint
        self._refused = refused_keys.labels(endpoint)
        markcoroutinefunction(self)  # ninja checks this on every request

    async def __call__(self, request: LeanRequest) -> bool:  # type: ignore[override]
        return request.auth is self or self.authenticate(request, None)

    def authenticate(self, request: LeanRequest, key: str | None) -> bool:  # type: ignore[override]  # noqa: ARG002
        if self.accepts(request):
            return True
        self._refused.inc()
        log.warning("refused a request without the right key", self._endpoint)
        return False

    def accepts(self, request: LeanRequest) -> bool:
        """Whether the request has a key. It is called before the body is read, and the result is kept in `auth`."""
        expected: Sequence[str] = getattr(settings, self._setting)
        if _has_key(request, expected) if expected else settings.DEBUG:
            request.auth = self
            return True
        return False


def is_one_of(sent: bytes, keys: Sequence[str]) -> bool:
    """Whether a client sent one of the keys. It compares all, so the duration does not depend on which matches."""
    is_one = False
    for key in keys:
        is_one |= hmac.compare_digest(key.encode(), sent)
    return is_one


def _has_key(request: LeanRequest, keys: Sequence[str]) -> bool:
    """Whether either header has one of the keys. It reads the raw headers, because decoding them all costs more."""
    for name, value in request.scope["headers"]:
        if name == b"x-api-key" and is_one_of(value, keys):
            return True
        if name == b"authorization" and is_one_of(bearer(value), keys):
            return True
    return False


def bearer(authorization: bytes) -> bytes:
    """The token of `Bearer <token>`, else b""."""
    scheme, _, credentials = authorization.partition(b" ")
    return credentials.strip() if scheme.lower() == b"bearer" else b""
