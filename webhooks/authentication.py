"""Header keys of the webhooks: `X-Api-Key: <key>`, or `Authorization: Bearer <key>`."""

import hmac
import time
from collections.abc import Sequence
from inspect import markcoroutinefunction

import structlog
from django.conf import settings
from ninja.security import APIKeyHeader

from elmemory.serving.lean import LeanRequest
from webhooks.metrics import refused_keys

log = structlog.get_logger(__name__)

_LOGGED_EVERY_SECONDS = 60


class KeyHeader(APIKeyHeader):
    """Accepts requests that carry a key of `setting`, a list; if that is empty, the endpoint is open in DEBUG only."""

    param_name = "X-Api-Key"

    def __init__(self, setting: str, endpoint: str) -> None:
        super().__init__()
        self._setting = setting
        self._endpoint = endpoint
        self._refused = refused_keys.labels(endpoint)
        self._unlogged = 0
        self._logged_at = float("-inf")
        markcoroutinefunction(self)  # ninja checks for this at every request

    async def __call__(self, request: LeanRequest) -> bool:  # type: ignore[override]
        return request.auth is self or self.authenticate(request, None)

    def authenticate(self, request: LeanRequest, key: str | None) -> bool:  # type: ignore[override]  # noqa: ARG002
        if self.accepts(request):
            return True
        self._count_refusal()
        return False

    def accepts(self, request: LeanRequest) -> bool:
        """Whether the request carries a key. Asked before its body is read, and not again if it does."""
        expected: Sequence[str] = getattr(settings, self._setting)
        if _has_key(request, expected) if expected else settings.DEBUG:
            request.auth = self
            return True
        return False

    def _count_refusal(self) -> None:
        """Count the refused key, and log how many there were: at once, then at most once a minute."""
        self._refused.inc()
        self._unlogged += 1
        now = time.monotonic()
        if now - self._logged_at >= _LOGGED_EVERY_SECONDS:
            log.warning("requests without the right key were refused", endpoint=self._endpoint, count=self._unlogged)
            self._unlogged, self._logged_at = 0, now


def is_one_of(sent: bytes, keys: Sequence[str]) -> bool:
    """Whether a client sent one of the keys. Compares all, so that the duration does not depend on which one it is."""
    is_one = False
    for key in keys:
        is_one |= hmac.compare_digest(key.encode(), sent)
    return is_one


def _has_key(request: LeanRequest, keys: Sequence[str]) -> bool:
    """Whether either header holds one of the keys. Reads the raw headers: decoding them all would cost more."""
    for name, value in request.scope["headers"]:
        if name == b"x-api-key" and is_one_of(value, keys):
            return True
        if name == b"authorization" and is_one_of(bearer(value), keys):
            return True
    return False


def bearer(authorization: bytes) -> bytes:
    """Return the token of `Bearer <token>`, else b""."""
    scheme, _, credentials = authorization.partition(b" ")
    return credentials.strip() if scheme.lower() == b"bearer" else b""
