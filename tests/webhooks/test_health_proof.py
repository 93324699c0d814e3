"""`GET /health?nonce=…`: a server proves that it has our SECRET_KEY, without revealing it."""

import pytest
from pytest_django.fixtures import Settings

from tests.harness.server import Server
from webhooks.health import PROOF_HEADER, proof

NONCE = "0123456789abcdef" * 2


def test_the_server_proves_itself(server: Server, settings: Settings) -> None:
    settings.SECRET_KEY = server.environment["SECRET_KEY"]
    answer = server.client.get("/health", params={"nonce": NONCE})
    assert answer.headers[PROOF_HEADER] == proof(NONCE)
    assert answer.json()["status"] in ("ok", "degraded")


def test_another_secret_or_nonce_gives_another_proof(settings: Settings) -> None:
    ours = proof(NONCE)
    assert proof(NONCE[::-1]) != ours
    settings.SECRET_KEY = "another"
    assert proof(NONCE) != ours


@pytest.mark.parametrize(
    "query",
    [
        "",
        "nonce=",
        "nonce=0123",
        f"nonce={NONCE}0",
        f"nonce={NONCE.upper()}",
        f"nonce={NONCE}&a=b",
        "nonce=" + "0" * 9999,
    ],
)
def test_nothing_else_is_signed(server: Server, query: str) -> None:
    answer = server.client.get(f"/health?{query}")
    assert PROOF_HEADER not in answer.headers
    assert answer.status_code == 200
