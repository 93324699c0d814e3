"""The signature of a post-call webhook: `ElevenLabs-Signature: t=<unix seconds>,v0=<hex>`.

`v0` is the HMAC-SHA256 of "{t}.{raw body}" under the webhook's secret. It is computed while the body arrives, over its
raw bytes, and compared in constant time. Source: `construct_event` of the `elevenlabs` SDK.
"""

import hmac
import re
from collections.abc import Sequence

MAX_AHEAD_SECONDS = 300

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class InvalidSignature(Exception):
    """The signature does not prove that ElevenLabs sent the request. The message is returned to the sender."""


class SignatureCheck:
    """Checks the signature of one delivery: `update` with each chunk of the body, then `verify`.

    Any of `secrets` may match, because several are valid during a rotation. `now` is a Unix time, `tolerance` the
    greatest age in seconds. A header that cannot be valid raises InvalidSignature before the body is read.
    """

    def __init__(self, header: str, secrets: Sequence[str], *, now: float, tolerance: int) -> None:
        if not secrets:
            raise InvalidSignature("the webhook secret is not configured")
        if not header:
            raise InvalidSignature("the signature header is missing")
        parts = [part.strip() for part in header.split(",")]
        timestamps = [part[2:].strip() for part in parts if part.startswith("t=")]
        self._claimed = [part[3:].strip() for part in parts if part.startswith("v0=")]
        if not timestamps or not self._claimed:
            raise InvalidSignature("the signature header has no t= or no v0=")
        timestamp = timestamps[-1]
        if not _TIMESTAMP.fullmatch(timestamp) or not any(map(_DIGEST.fullmatch, self._claimed)):
            raise InvalidSignature("the signature header is malformed")
        if int(timestamp) < now - tolerance:
            raise InvalidSignature("the signature is too old")
        if int(timestamp) > now + MAX_AHEAD_SECONDS:
            raise InvalidSignature("the signature is from the future")
        self._digests = [hmac.new(secret.encode(), f"{timestamp}.".encode(), "sha256") for secret in secrets]

    def update(self, chunk: bytes) -> None:
        for digest in self._digests:
            digest.update(chunk)

    def verify(self) -> None:
        """Raise InvalidSignature unless a digest in the header is the HMAC of the body under one of the secrets."""
        expected = [digest.hexdigest().encode() for digest in self._digests]
        claimed = [claim.encode("utf-8", "replace") for claim in self._claimed]
        # Compares every pair, so that the duration does not depend on which one matches.
        if not sum(hmac.compare_digest(one, other) for one in expected for other in claimed):
            raise InvalidSignature("the signature does not match")


def signed(body: bytes, secret: str, timestamp: int) -> str:
    """The header that ElevenLabs would send with this body, for the simulator and tests."""
    digest = hmac.new(secret.encode(), b"%d." % timestamp + body, "sha256").hexdigest()
    return f"t={timestamp},v0={digest}"
