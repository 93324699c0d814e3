"""Whose address the audit log keeps: the client's, as far as trusted proxies name it."""

import sqlite3
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from elmemory.serving.client_address import client_address, is_on_this_machine, without_untrusted_scheme
from tests.harness.samples import new_number, transcription
from tests.harness.server import Server
from tests.harness.staff import logged_in

PROXY = "10.1.0.5"


@pytest.fixture(autouse=True)
def trusted(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.1.0.0/16"), ip_network("2001:db8:1::/48")]


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 203.0.113.9 ", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("2001:DB8:0:0:0:0:0:9", "2001:db8::9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("[2001:db8::9]:4711", "2001:db8::9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1,203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 10.1.0.7", "203.0.113.9"),
        ("203.0.113.9, 10.1.0.7, 2001:db8:1::7, 127.0.0.1", "203.0.113.9"),
        ("not an address, 203.0.113.9", "203.0.113.9"),
        ("192.168.0.3, 10.1.0.7", "192.168.0.3"),
        ("10.1.0.9, 10.1.0.7", "10.1.0.9"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_the_client_is_the_last_hop_that_is_no_trusted_proxy(forwarded_for: str, client: str) -> None:
    assert client_address(PROXY, {"x-forwarded-for": forwarded_for}) == client


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("for=203.0.113.9", "203.0.113.9"),
        ('For="203.0.113.9:4711"', "203.0.113.9"),
        ('for="[2001:db8::9]"', "2001:db8::9"),
        ('for="[2001:db8::9]:4711";proto=https;by=10.1.0.5', "2001:db8::9"),
        ('proto=https; by=10.1.0.5 ; FOR="[2001:db8::9]"', "2001:db8::9"),
        ("for=198.51.100.1, for=203.0.113.9", "203.0.113.9"),
        ("for=203.0.113.9;proto=http,for=10.1.0.7;by=10.1.0.5", "203.0.113.9"),
        ("for=_hidden, for=203.0.113.9", "203.0.113.9"),
        ('for=203.0.113.9;ext="a, for=198.51.100.1; \\" b"', "203.0.113.9"),
        ("for=203.0.113.9;", "203.0.113.9"),
    ],
)
def test_forwarded_is_read_as_its_standard_says(forwarded: str, client: str) -> None:
    assert client_address(PROXY, {"forwarded": forwarded}) == client


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-forwarded-for": ""},
        {"x-forwarded-for": "unknown"},
        {"x-forwarded-for": "203.0.113.9, garbage"},
        {"x-forwarded-for": "203.0.113.9, unknown, 10.1.0.7"},
        {"x-forwarded-for": "203.0.113.9,"},
        {"x-forwarded-for": "203.0.113.999"},
        {"x-forwarded-for": "203.0.113.9:port"},
        {"x-forwarded-for": "[2001:db8::9"},
        {"x-forwarded-for": "203.0.113.9/24"},
        {"forwarded": "203.0.113.9"},
        {"forwarded": "for=unknown"},
        {"forwarded": "for=_hidden"},
        {"forwarded": "proto=https;by=10.1.0.5"},
        {"forwarded": "for=203.0.113.9, for=2001:db8::9"},
        {"forwarded": 'for="203.0.113.9'},
        {"forwarded": "for=203.0.113.9, proto=https"},
    ],
)
def test_where_the_client_cannot_be_read_it_is_the_peer(headers: dict[str, str]) -> None:
    assert client_address(PROXY, headers) == PROXY


@pytest.mark.parametrize("peer", ["203.0.113.7", "10.2.0.1", "2001:db8:2::1", "::ffff:203.0.113.7"])
@pytest.mark.parametrize("headers", [{"x-forwarded-for": "127.0.0.1"}, {"forwarded": "for=127.0.0.1"}])
def test_nobody_else_may_name_a_client(peer: str, headers: dict[str, str]) -> None:
    assert client_address(peer, headers) == peer.removeprefix("::ffff:")


@pytest.mark.parametrize(
    "peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", PROXY, "::ffff:10.1.0.5", None, ""]
)
def test_this_machine_its_unix_sockets_and_trusted_proxies_may(peer: str | None) -> None:
    assert client_address(peer, {"x-forwarded-for": "203.0.113.9"}) == "203.0.113.9"


def test_x_forwarded_for_holds_where_both_headers_are_there() -> None:
    headers = {"x-forwarded-for": "203.0.113.9", "forwarded": "for=198.51.100.1"}
    assert client_address(PROXY, headers) == "203.0.113.9"


@pytest.mark.parametrize("peer", [None, "", "unix:/run/socket"])
def test_a_peer_without_address_has_none(peer: str | None) -> None:
    assert client_address(peer, {}) is None


def test_the_zone_of_a_link_local_address_is_left_out() -> None:
    assert client_address("fe80::7%eth0", {}) == "fe80::7"


def test_a_long_header_is_read_in_no_time() -> None:
    for header in ("x-forwarded-for", "forwarded"):
        assert client_address(PROXY, {header: " " * 60_000 + "x" + ";" * 60_000}) == PROXY


@pytest.mark.parametrize("name", [b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-real-ip", b"via"])
def test_what_comes_through_a_proxy_is_not_on_this_machine(name: bytes) -> None:
    assert is_on_this_machine("127.0.0.1", [b"host"])
    assert not is_on_this_machine("127.0.0.1", [b"host", name])


@pytest.mark.parametrize("peer", [None, "", PROXY, "203.0.113.7"])
def test_only_loopback_is_this_machine(peer: str | None) -> None:
    assert not is_on_this_machine(peer, [])


def stored_call(server: Server) -> str:
    event = transcription(new_number(), "My dog is called Biscuit.")
    server.deliver(event)
    return f"/admin/conversations/conversation/{event['data']['conversation_id']}/change/"


def addresses(server: Server) -> list[str]:
    with closing(sqlite3.connect(server.environment["DATABASE_URL"])) as database:
        return [row[0] for row in database.execute("SELECT address FROM audit_entry WHERE action = 'view' ORDER BY id")]


def test_the_audit_log_keeps_the_client_that_a_proxy_on_this_machine_names(tmp_path: Path) -> None:
    with Server(tmp_path, TRUSTED_PROXIES="10.1.0.0/16, 2001:db8:1::7") as server, logged_in(server) as browser:
        page = stored_call(server)
        for headers in (
            [],
            [("X-Forwarded-For", "203.0.113.9")],
            [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "2001:db8::9, 10.1.0.7")],
            [("Forwarded", 'for="[2001:db8::9]:4711", for="[2001:db8:1::7]"')],
            [("X-Forwarded-For", "203.0.113.9, 10.2.0.1")],  # no proxy of ours: itself the client
            [("X-Forwarded-For", "someone")],
        ):
            assert browser.get(page, headers=headers).status_code == 200
        assert addresses(server) == ["127.0.0.1", "203.0.113.9", "2001:db8::9", "2001:db8::9", "10.2.0.1", "127.0.0.1"]


@pytest.mark.parametrize(
    ("peer", "is_believed"),
    [
        ("203.0.113.9", False),
        ("2001:db8::9", False),
        ("10.2.0.5", False),
        ("not an address", False),
        (PROXY, True),
        ("::ffff:10.1.0.5", True),
        ("127.0.0.1", True),
        ("::1", True),
        (None, True),
    ],
)
def test_only_trusted_proxies_may_say_that_a_request_came_over_https(peer: str | None, is_believed: bool) -> None:
    header, others = (
        (b"x-forwarded-proto", b"https"),
        [(b"host", b"memory.example.com"), (b"x-forwarded-for", b"1.2.3.4")],
    )
    scope = {"client": (peer, 4711) if peer else None, "headers": [header, *others, header]}
    assert without_untrusted_scheme(scope)["headers"] == ([header, *others, header] if is_believed else others)
