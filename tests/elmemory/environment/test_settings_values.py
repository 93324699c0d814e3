"""Values of settings that cannot be right: read as what they mean, or reported by name and never with the value."""

from pathlib import Path

import pytest
from django.core import checks
from django.core.checks import CheckMessage
from pytest_django.fixtures import Settings

from elmemory.environment.checks import environment as system_checks
from elmemory.environment.databases import of_url
from elmemory.environment.env import Environment
from elmemory.environment.hosts import Unusable, address, host_pattern, origin, unencrypted
from elmemory.memory.fields import VARIABLES
from tests.harness.server import ROOT, Server

MARK = "zq7vault"  # stands in every value below, and must stand in no message


@pytest.fixture
def unstarted(tmp_path_factory: pytest.TempPathFactory) -> Server:
    server = Server(tmp_path_factory.mktemp("server"))
    server.client.close()
    return server


WRONG = {
    "PORT": f"80{MARK}",
    "DEBUG": f"ja {MARK}",
    "LOG_JSON": MARK,
    "REQUIRE_2FA": MARK,
    "MAX_PAYLOAD_MB": f"256MB {MARK}",
    "MIN_FREE_MB": f"1_000{MARK}",
    "RING_DEADLINE_MS": f"800ms{MARK}",
    "SEARCH_DEADLINE_MS": f"1.5 {MARK}",
    "POST_CALL_TOLERANCE": f"half an hour {MARK}",
    "BACKFILL_EVERY": f"60 # {MARK}",
    "TIME_ZONE": f"Mars/{MARK}",
    "LOG_LEVEL": f"LOUD{MARK}",
    "DEFAULT_REGION": MARK,
    "NOT_CALLERS": MARK,
    "SEPARATE_SPELLINGS": MARK,
    "TRUSTED_SIP_HOSTS": f"sip:{MARK}",
    "AGENT_NUMBERS": f"+14155550199, {MARK}",
    "GREETING": f"Hello {{{MARK}}}",
    "GREETINGS": f'{{"de": "Hallo {{{MARK}}}"}}',
    "LANGUAGE": MARK,
    "OVERRIDE_LANGUAGE": MARK,
    "SEND_USER_ID": MARK,
    "DYNAMIC_VARIABLES": f'{{"plan {MARK}": "{MARK}", "system__{MARK}": ""}}',
    "SPOKEN_FACTS": f"none, {MARK}",
    "SEARCHABLE_FACTS": f"all, {MARK}",
    "EMBEDDINGS": MARK,
    "REDACT": MARK,
    "REDACT_PATTERNS": f'{{"{MARK}": "({MARK}"}}',
    "OPT_OUT_FIELD": f"do_not_remember, {MARK}",
    "STORE_OPTED_OUT": MARK,
    "RETAIN_AUDIO_DAYS": f"90 days {MARK}",
    "RETAIN_PAYLOAD_DAYS": f"-1 {MARK}",
    "RETAIN_UNREADABLE_DAYS": f"1.5{MARK}",
    "RETAIN_MEMORY_DAYS": f"never {MARK}",
    "RETAIN_AUDIT_DAYS": f"36501{MARK}",
    "HONOUR_DELETION_SETTINGS": MARK,
    "PUBLIC_URL": f"https://memory.example.com/{MARK}",
    "ALLOWED_HOSTS": f"https://{MARK}.example.com",
    "TRUSTED_PROXIES": f"10.0.0.5, {MARK}",
    "DATABASE_URL": f"oracle://{MARK}",
    "INDEX_DATABASE_URL": f"/proc/{MARK}/index.sqlite3",
    "OPENMEMORY_DB_PATH": f"postgres:/elmemory:{MARK}@db.example.com/memory",
    "PAYLOAD_STORAGE_PATH": f"/proc/{MARK}",
    "OPENMEMORY_PORT": f"http://{MARK}.example.com:8080",
    "OPENMEMORY_CLIENT": MARK,
    "OPENMEMORY_KEY": f"<{MARK}>",
    "ELEVENLABS_BASE_URL": f"http://{MARK}.example.com",
    "ELEVENLABS_API_KEY": f"wsec_{MARK}",
    "ELEVENLABS_POST_CALL_KEY": f"sk_{MARK}",
    "ELEVENLABS_CLIENT_DATA_KEY": f"key # {MARK}",
    "ELEVENLABS_SEARCH_DATA_KEY": f'"{MARK}"',
    "METRICS_KEY": f"your-{MARK}",
    "NGROK_AUTHTOKEN": f"your_{MARK}",
    "SECRET_KEY": f"change-me\n{MARK}",
    "SECRET_KEY_FALLBACKS": f"your-{MARK}",
}


@pytest.mark.parametrize("command", ["check", "serve"])
def test_every_wrong_value_is_reported_by_name_and_none_is_shown(unstarted: Server, command: str) -> None:
    done = unstarted.manage(command, **WRONG)
    assert done.returncode == 1
    assert MARK not in (done.stdout + done.stderr).lower()
    assert "Traceback" not in done.stderr
    reported = [line for line in done.stderr.splitlines() if "(elmemory." in line]
    assert [name for name in WRONG if not any(f") {name}" in line for line in reported)] == []
    assert done.stderr.count("HINT: ") == len(reported)


def test_every_setting_of_the_example_has_a_wrong_value_here() -> None:
    described = {line.partition("=")[0] for line in (ROOT / ".env.example").read_text().splitlines() if "=" in line}
    assert {name for name in described if name.isupper() and not name.startswith("#")} == set(WRONG)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://memory.example.com", "https://memory.example.com"),
        ("https://memory.example.com/", "https://memory.example.com"),
        ("HTTPS://Memory.Example.COM", "https://memory.example.com"),
        ("https://memory.example.com.", "https://memory.example.com"),
        ("https://memory.example.com:443/", "https://memory.example.com"),
        ("https://memory.example.com:8443", "https://memory.example.com:8443"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://[2001:DB8::0:1]", "https://[2001:db8::1]"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
        ("https://Bücher.example", "https://xn--bcher-kva.example"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("https://例え。テスト", "https://xn--r8jz45g.xn--zckzah"),
        ("https://xn--strae-oqa.example", "https://xn--strae-oqa.example"),
    ],
)
def test_a_public_url_is_read_as_browsers_send_it(written: str, read: str) -> None:
    assert origin(written) == read


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("memory.example.com", "is no http"),
        ("//memory.example.com", "is no http"),
        ("ftp://memory.example.com", "is no http"),
        ("https://", "is no http"),
        ("https://:8000", "is no http"),
        ("https:/memory.example.com", "is no http"),
        ("https://memory.example.com/elmemory", "path"),
        ("https://memory.example.com/webhook/client-data", "path"),
        ("https://memory.example.com?x=1", "query"),
        ("https://memory.example.com/?", "query"),
        ("https://memory.example.com#top", "fragment"),
        ("https://memory.example.com # production", "comment"),
        ("https://memory.example.com production", "blank"),
        ("https://maya@memory.example.com", "user name"),
        ("https://maya:secret@memory.example.com", "user name"),
        ("https://memory.example.com:https", "is no URL"),
        ("https://memory.example.com:0", "is no http"),
        ("https://memory.example.com:99999", "is no URL"),
        ("https://2001:db8::1", "is no URL"),
        ("https://[2001:db8::1", "is no URL"),
        ("https://[fe80::1%25eth0]", "IPv6"),
        ("https://memory..example.com", "host name"),
        ("https://-memory.example.com", "host name"),
        ("https://memory_1.example.com", "host name"),
        ("https://*.example.com", "host name"),
        ("https://<your-domain>", "host name"),
        ("https://192.0.2.300", "IPv4"),
        ("https://192.0.2", "IPv4"),
        ("https://☎️.example", "host name"),
        (f"https://{'a' * 64}.example.com", "host name"),
    ],
)
def test_a_public_url_that_cannot_be_right_is_refused(written: str, problem: str) -> None:
    with pytest.raises(Unusable, match=problem) as refused:
        origin(written)
    assert "example.com" not in str(refused.value)


def test_the_public_host_is_allowed_without_its_port(unstarted: Server) -> None:
    code = "from django.conf import settings; print(settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS)"
    done = unstarted.manage("shell", "-v", "0", "-c", code, PUBLIC_URL="https://[2001:DB8::1]:8443/")
    assert "'[2001:db8::1]'] ['https://[2001:db8::1]:8443']" in done.stdout


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("memory.example.com", "memory.example.com"),
        ("Memory.Example.com.", "memory.example.com"),
        (".example.com", ".example.com"),
        ("*", "*"),
        ("192.0.2.7", "192.0.2.7"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("2001:db8::1", "[2001:db8::1]"),
        ("straße.example", "xn--strae-oqa.example"),
        ("memory", "memory"),
    ],
)
def test_an_allowed_host_is_read_as_browsers_send_it(written: str, read: str) -> None:
    assert host_pattern(written) == read


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("https://memory.example.com", "scheme"),
        ("memory.example.com/admin", "path"),
        ("memory.example.com:8000", "port"),
        ("[2001:db8::1]:8000", "port"),
        ("*.example.com", "host name"),
        ("memory example", "host name"),
        ("memory.example.com # staff", "host name"),
        ("maya@example.com", "host name"),
        ("..example.com", "host name"),
        ("[2001:db8::1", "IPv6"),
        ("2001:db8::1]", "IPv6"),
        ("[192.0.2.7]", "IPv6"),
    ],
)
def test_an_allowed_host_that_cannot_be_right_is_refused(written: str, problem: str) -> None:
    with pytest.raises(Unusable, match=problem):
        host_pattern(written)


@pytest.mark.parametrize(
    ("url", "distance"),
    [
        ("http://127.0.0.1:8080", ""),
        ("http://[::1]:8080", ""),
        ("http://localhost:8080", ""),
        ("http://openmemory:8080", ""),
        ("https://memory.example.com", ""),
        ("8080", ""),
        ("", ""),
        ("http://10.1.0.5:8080", "private"),
        ("http://172.20.0.5", "private"),
        ("http://192.168.1.5:8080", "private"),
        ("http://[fd00::5]:8080", "private"),
        ("http://[fe80::5]", "private"),
        ("http://host.docker.internal:8080", "private"),
        ("http://openmemory.memory.svc.cluster.local", "private"),
        ("http://memory.example.com:8080", "remote"),
        ("HTTP://memory.example.com.", "remote"),
        ("http://203.0.113.5:8080", "remote"),
        ("http://172.32.0.5", "remote"),
        ("http://[2001:db8::5]:8080", "remote"),
        ("http://localhost.example.com", "remote"),
        ("http://3405803781", "remote"),
        ("http://0xcb007105", "remote"),
        ("http://[", ""),
    ],
)
def test_how_far_data_travels_in_the_clear(url: str, distance: str) -> None:
    assert unencrypted(url) == distance


@pytest.mark.parametrize("url", ["https://gateway.example.com/elevenlabs/", "http://eleven_gateway:9000/elevenlabs"])
def test_another_servers_address_may_have_a_path(url: str) -> None:
    assert address(url) == url.rstrip("/")


def found(variable: str) -> list[CheckMessage]:
    return [message for message in system_checks() if message.msg.startswith(variable)]


@pytest.mark.parametrize(
    ("variable", "value", "fault_id"),
    [
        ("OPENMEMORY_PORT", "http://memory.example.com:8080", "elmemory.E019"),
        ("OPENMEMORY_PORT", "http://10.1.0.5:8080", "elmemory.W019"),
        ("OPENMEMORY_PORT", "https://memory.example.com 8080", "elmemory.E011"),
        ("OPENMEMORY_PORT", "https://memory.example.com # ours", "elmemory.E011"),
        ("ELEVENLABS_BASE_URL", "http://api.example.com", "elmemory.E019"),
        ("ELEVENLABS_BASE_URL", "https://api.example.com/v1", "elmemory.E020"),
        ("PUBLIC_URL", "http://memory.example.com", "elmemory.E019"),
        ("PUBLIC_URL", "http://192.168.0.3:8000", "elmemory.W019"),
        ("ELEVENLABS_BASE_URL", "http://gateway.internal", "elmemory.W019"),
        ("GREETING", "Welcome back, {{user_name}}!", "elmemory.E006"),
        ("GREETING", "Welcome back, {name.__class__}!", "elmemory.E006"),
        ("GREETING", "Welcome back, {name:>99999999}!", "elmemory.E006"),
        ("GREETING", "Welcome back, {name!r}!", "elmemory.E006"),
        ("GREETING", "Welcome back, {}!", "elmemory.E006"),
        ("GREETING", "Welcome back, {name!", "elmemory.E006"),
        ("DYNAMIC_VARIABLES", {"plan": "", "my plan": ""}, "elmemory.E007"),
        ("DYNAMIC_VARIABLES", {"{{plan}}": ""}, "elmemory.E007"),
        ("DYNAMIC_VARIABLES", {"": ""}, "elmemory.E007"),
        *(("DYNAMIC_VARIABLES", {"plan": "", name: "x"}, "elmemory.E007") for name in VARIABLES),
        ("AGENT_NUMBERS", ["+14155550199", "front desk"], "elmemory.E005"),
        ("NOT_CALLERS", ["+14155550199", "front desk"], "elmemory.E030"),
    ],
)
def test_a_value_that_cannot_be_right_is_reported(
    settings: Settings, variable: str, value: object, fault_id: str
) -> None:
    settings.OPENMEMORY_KEY = "key"
    setattr(settings, variable, value)
    (message,) = found(variable)
    assert message.id == fault_id
    assert message.hint


@pytest.mark.parametrize(
    "url", ["8080", "http://127.0.0.1:8080", "http://my_openmemory:8080/api", "https://om.example.com"]
)
def test_an_openmemory_server_may_be_near_or_encrypted(settings: Settings, url: str) -> None:
    settings.OPENMEMORY_KEY, settings.OPENMEMORY_PORT = "key", url
    assert found("OPENMEMORY_PORT") == []


@pytest.mark.parametrize("greeting", ["", "Hello!", "Hello {name}, {name}!", "Grüß Gott, {name} #1"])
def test_a_greeting_may_hold_the_name_or_not(settings: Settings, greeting: str) -> None:
    settings.GREETING = greeting
    assert found("GREETING") == []


@pytest.mark.parametrize(
    ("variable", "key", "fault_id"),
    [
        ("ELEVENLABS_POST_CALL_KEY", "wsec_0123 # until May", "elmemory.E017"),
        ("ELEVENLABS_POST_CALL_KEY", "wsec_01 23", "elmemory.E017"),
        ("ELEVENLABS_POST_CALL_KEY", '"wsec_0123"', "elmemory.E017"),
        ("ELEVENLABS_POST_CALL_KEY", "'wsec_0123", "elmemory.E017"),
        ("ELEVENLABS_POST_CALL_KEY", "“wsec_0123”", "elmemory.E017"),
        ("ELEVENLABS_POST_CALL_KEY", "wsec_\u200b0123", "elmemory.E017"),
        ("ELEVENLABS_POST_CALL_KEY", "wsec_\u00a00123", "elmemory.E017"),
        ("ELEVENLABS_POST_CALL_KEY", "sk_0123456789", "elmemory.E017"),
        ("ELEVENLABS_API_KEY", "wsec_0123456789", "elmemory.E017"),
        ("ELEVENLABS_API_KEY", "sk_0123 # mine", "elmemory.E017"),
        ("ELEVENLABS_CLIENT_DATA_KEY", "'key'", "elmemory.E017"),
        ("ELEVENLABS_CLIENT_DATA_KEY", "key # note", "elmemory.W018"),
        ("ELEVENLABS_SEARCH_DATA_KEY", "two words", "elmemory.W018"),
        ("ELEVENLABS_SEARCH_DATA_KEY", "sk_0123456789", "elmemory.W018"),
        ("METRICS_KEY", "key\u2026", "elmemory.E017"),
        ("METRICS_KEY", "short", "elmemory.W018"),
        ("OPENMEMORY_KEY", '"key"', "elmemory.E017"),
    ],
)
def test_a_key_that_no_sender_can_have_is_reported(settings: Settings, variable: str, key: str, fault_id: str) -> None:
    if hasattr(settings, f"{variable}S"):
        setattr(settings, f"{variable}S", ["a-good-key-before", key])
    else:
        setattr(settings, variable, key)
    (message,) = found(variable)
    assert message.id == fault_id
    assert key not in f"{message.msg} {message.hint}"


@pytest.mark.parametrize(
    "key", ["wsec_0123abcdef", "post-call-secret", "$ecret", "abc#def", "a'b", "hereafter", "xx", "yours", "Todoroki"]
)
def test_any_other_key_is_good(settings: Settings, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("ELEVENLABS_POST_CALL_KEY", f"{key}, ,")
    settings.ELEVENLABS_POST_CALL_KEYS = Environment().keys("ELEVENLABS_POST_CALL_KEY")
    assert [key] == settings.ELEVENLABS_POST_CALL_KEYS
    assert found("ELEVENLABS_POST_CALL_KEY") == []


@pytest.mark.parametrize(
    "placeholder",
    [
        "changeme",
        "change-me",
        "CHANGE_THIS",
        "replace_me",
        "your-key-here",
        "YOUR_API_KEY",
        "put-the-key-here",
        "<secret>",
        "[secret]",
        "{{ post_call_key }}",
        "${POST_CALL_KEY}",
        "xxx",
        "XXXXXXXX",
        "wsec_…",
        "wsec_...",
        "wsec_xxxx",
        "sk_",
        "********",
        "TODO",
        "null",
        "None",
        "undefined",
    ],
)
def test_a_placeholder_is_no_key(monkeypatch: pytest.MonkeyPatch, placeholder: str) -> None:
    monkeypatch.setenv("ELEVENLABS_POST_CALL_KEY", f"{placeholder},wsec_good")
    monkeypatch.setenv("ELEVENLABS_CLIENT_DATA_KEY", placeholder)
    environment = Environment()
    assert environment.keys("ELEVENLABS_POST_CALL_KEY") == ["wsec_good"]
    assert environment.key("ELEVENLABS_CLIENT_DATA_KEY") == ""
    assert {fault.variable for fault in environment.faults} == {
        "ELEVENLABS_POST_CALL_KEY",
        "ELEVENLABS_CLIENT_DATA_KEY",
    }


def test_a_wrong_key_closes_its_endpoint_and_no_other(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("server")
    with Server(folder, ELEVENLABS_POST_CALL_KEY="sk_0123", ELEVENLABS_SEARCH_DATA_KEY="changeme") as server:
        assert server.ring("+14155550100")["dynamic_variables"]["returning_caller"] == "no"
        shown = {"x-api-key": "changeme"}
        assert server.client.post("/webhook/search-data", json={"query": "dog"}, headers=shown).status_code == 401
        assert "(elmemory.E017) ELEVENLABS_POST_CALL_KEY: this is an API key" in server.output
        assert "(elmemory.E017) ELEVENLABS_SEARCH_DATA_KEY: is a placeholder" in server.output


@pytest.mark.parametrize(
    "written",
    ["800ms", "1_000", "1,000", "1 000", "1e3", "8.0", "+8", "-1", "0x10", "８００", "eight", "99999999999999"],
)
def test_a_number_is_digits_alone(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("RING_DEADLINE_MS", written)
    environment = Environment()
    assert environment.integer("RING_DEADLINE_MS", 800, most=60_000) == 800
    assert [fault.variable for fault in environment.faults] == ["RING_DEADLINE_MS"]


@pytest.mark.parametrize("written", ["ja", "oui", "wahr", "enabled", "y", "2", "true # dev"])
def test_a_switch_is_true_or_false(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("DEBUG", written)
    environment = Environment()
    assert environment.flag("DEBUG", default=False) is False
    assert [fault.variable for fault in environment.faults] == ["DEBUG"]


def test_a_choice_may_be_written_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIME_ZONE", "europe/berlin")
    assert Environment().one_of("TIME_ZONE", ["UTC", "Europe/Berlin"], "UTC", "") == "Europe/Berlin"


@pytest.mark.parametrize(
    "written", ["*", "0.0.0.0/0", "::/0", "10.0.0.5/8", "proxy.example.com", "10.0.0.5:443", "10.0.0.5-9"]
)
def test_a_trusted_proxy_is_an_address_or_a_network(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", f"10.1.0.0/16, {written}, fd00::5")
    environment = Environment()
    assert [str(network) for network in environment.networks("TRUSTED_PROXIES")] == ["10.1.0.0/16", "fd00::5/128"]
    (fault,) = environment.faults
    assert fault.problem.startswith("entry 2 ")


@pytest.mark.parametrize(
    "written", ["postgres:/maya@db/x", "postgres:maya@db/x", "s3://bucket/x", "data/x # note", "~nobody-here/x"]
)
def test_a_path_is_no_url_and_has_no_comment(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    monkeypatch.setenv("PAYLOAD_STORAGE_PATH", written)
    environment = Environment()
    assert environment.path("PAYLOAD_STORAGE_PATH", "data").name == "data"
    assert [fault.variable for fault in environment.faults] == ["PAYLOAD_STORAGE_PATH"]


@pytest.mark.parametrize(
    ("hosts", "host", "port"),
    [
        ("one,two", "one,two", ","),
        ("one:5433,two", "one,two", "5433,"),
        ("[::1]:5433,two:5434", "::1,two", "5433,5434"),
    ],
)
def test_of_several_database_hosts_the_one_that_accepts_writes_is_used(hosts: str, host: str, port: str) -> None:
    database = of_url(f"postgres://maya:secret@{hosts}/memory")
    assert (database["HOST"], database["PORT"]) == (host, port)
    assert database["OPTIONS"]["target_session_attrs"] == "read-write"


def test_a_database_url_may_ask_for_another_kind_of_host() -> None:
    database = of_url("postgres://one,two/memory?target_session_attrs=any")
    assert database["OPTIONS"]["target_session_attrs"] == "any"


@pytest.mark.parametrize("rest", ["one,,two/m", "one:x,two/m", "one:5433:1,two/m", "[::1,two/m", "one/m?pool=true"])
def test_a_database_url_that_cannot_be_used_is_reported(monkeypatch: pytest.MonkeyPatch, rest: str) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgres://maya:secret@{rest}")
    environment = Environment()
    environment.database("DATABASE_URL", "data/elmemory.sqlite3")
    assert [fault.variable for fault in environment.faults] == ["DATABASE_URL"]


@pytest.mark.parametrize("written", ["{0};{1}", "{0}; {1}", "{0} | {1}", "{0}、{1}", "{0}，{1}", "{0}；{1}"])
@pytest.mark.parametrize(
    ("variable", "entries"),
    [
        ("SPOKEN_FACTS", ("first_name", "city")),
        ("SEARCHABLE_FACTS", ("first_name", "city")),
        ("REDACT", ("cards", "ssn")),
        ("AGENT_NUMBERS", ("+14155550199", "+14155550198")),
        ("NOT_CALLERS", ("+14155550199", "+1415556*")),
        ("TRUSTED_SIP_HOSTS", ("one.example.com", "two.example.com")),
        ("SEPARATE_SPELLINGS", ("MX", "BR")),
        ("ALLOWED_HOSTS", ("one.example.com", "two.example.com")),
        ("TRUSTED_PROXIES", ("10.0.0.5", "10.0.0.6")),
    ],
)
def test_a_list_is_separated_by_commas(
    monkeypatch: pytest.MonkeyPatch, variable: str, entries: tuple[str, str], written: str
) -> None:
    monkeypatch.setenv(variable, written.format(*entries))
    environment = Environment()
    read = {"ALLOWED_HOSTS": environment.host_patterns, "TRUSTED_PROXIES": environment.networks}
    read.get(variable, environment.texts)(variable)
    (fault,) = environment.faults
    assert (fault.variable, fault.kind) == (variable, "error")
    assert "commas" in fault.hint


@pytest.mark.parametrize("parameter", ["user=phone", "User=phone", "lr", "transport=udp;lr", "x1=2"])
def test_a_semicolon_may_be_a_part_of_a_sip_address(monkeypatch: pytest.MonkeyPatch, parameter: str) -> None:
    monkeypatch.setenv("AGENT_NUMBERS", f"sip:+14155550199@trunk.example.com;{parameter}, +14155550198")
    environment = Environment()
    assert len(environment.texts("AGENT_NUMBERS")) == 2
    assert environment.faults == []


def test_a_key_may_hold_any_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METRICS_KEY", "key;with|signs")
    environment = Environment()
    assert environment.keys("METRICS_KEY") == ["key;with|signs"]
    assert environment.faults == []


@pytest.mark.parametrize("variable", ["REDACT_PATTERNS", "DYNAMIC_VARIABLES", "GREETINGS"])
def test_the_hint_shows_a_value_of_this_setting(unstarted: Server, variable: str) -> None:
    done = unstarted.manage("check", **{variable: "["})
    expected = {"REDACT_PATTERNS": "AC-[0-9]{6}", "DYNAMIC_VARIABLES": "plan", "GREETINGS": "Hallo {name}!"}
    (hint,) = [line for line in done.stderr.splitlines() if "JSON object" in line]
    assert expected[variable] in hint


@pytest.mark.parametrize(
    ("values", "variable"),
    [
        ({"NOT_CALLERS": ["+14155550111", "!+1 415 555 0111"]}, "NOT_CALLERS"),
        ({"NOT_CALLERS": ["!+1415555*", "+1415555*"]}, "NOT_CALLERS"),
        ({"NOT_CALLERS": ["!+14155550111"], "AGENT_NUMBERS": ["+1 (415) 555-0111"]}, "NOT_CALLERS"),
        ({"OPENMEMORY_CLIENT": "sdk", "OPENMEMORY_PORT": ""}, "OPENMEMORY_CLIENT"),
        ({"DEBUG": True, "PUBLIC_URL": "https://memory.example.com"}, "DEBUG"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY"),
    ],
)
def test_settings_that_contradict_each_other_or_protect_little_are_warned_of(
    settings: Settings, values: dict[str, object], variable: str
) -> None:
    for name, value in values.items():
        setattr(settings, name, value)
    (message,) = found(variable)
    assert message.level == checks.WARNING
    assert message.hint


def test_a_number_may_be_a_caller_within_a_range_that_is_none(settings: Settings) -> None:
    settings.NOT_CALLERS = ["+1415555*", "!+14155550111"]
    assert found("NOT_CALLERS") == []


def test_the_same_fault_of_two_keys_is_reported_once(settings: Settings) -> None:
    settings.METRICS_KEYS = ["short", "brief"]
    assert len(found("METRICS_KEY")) == 1


def test_a_separator_that_is_no_comma_is_reported_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_NUMBERS", "+14155550199;+14155550198")
    environment = Environment()
    settings.AGENT_NUMBERS = environment.texts("AGENT_NUMBERS")
    settings.ENVIRONMENT_FAULTS = environment.faults
    assert [fault.id for fault in found("AGENT_NUMBERS")] == ["elmemory.E001"]


def test_one_database_in_two_spellings_is_one_database(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "linked").symlink_to(tmp_path)
    for alias, path in {"default": tmp_path / "one.sqlite3", "index": tmp_path / "linked" / "one.sqlite3"}.items():
        monkeypatch.setitem(settings.DATABASES, alias, settings.DATABASES[alias] | {"NAME": str(path)})
    assert [fault.id for fault in found("INDEX_DATABASE_URL")] == ["elmemory.E016"]


def test_an_openmemory_server_cannot_listen_where_this_one_does(settings: Settings) -> None:
    settings.PORT, settings.OPENMEMORY_KEY = 8080, "key-of-this-test"
    for written in ("8080", "http://127.0.0.1:8080/"):
        settings.OPENMEMORY_PORT = written
        assert [fault.id for fault in found("OPENMEMORY_PORT")] == ["elmemory.E011"]


@pytest.mark.parametrize("word", ["none", "off", "false"])
def test_a_word_that_means_nothing_is_no_greeting_and_no_field(settings: Settings, word: str) -> None:
    settings.GREETING = settings.OPT_OUT_FIELD = word
    assert found("GREETING")
    assert found("OPT_OUT_FIELD")


def test_a_path_in_quotes_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYLOAD_STORAGE_PATH", '"/data/payloads"')  # Docker's --env-file keeps quotes
    environment = Environment()
    environment.path("PAYLOAD_STORAGE_PATH", "data/payloads")
    assert [fault.variable for fault in environment.faults] == ["PAYLOAD_STORAGE_PATH"]


def test_a_placeholder_is_reported_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = "SECRET_KEY", "ELEVENLABS_CLIENT_DATA_KEY", "ELEVENLABS_API_KEY", "OPENMEMORY_KEY"
    environment = Environment()
    for variable in variables:
        monkeypatch.setenv(variable, "changeme")
        assert environment.key(variable) == ""
    settings.ENVIRONMENT_FAULTS = environment.faults
    settings.SECRET_KEY_IS_GIVEN, settings.DEBUG, settings.BACKFILL_EVERY = False, False, 5
    settings.OPENMEMORY_PORT, settings.OPENMEMORY_KEY, settings.ELEVENLABS_API_KEY = "8080", "", ""
    settings.ELEVENLABS_CLIENT_DATA_KEYS = []
    for variable in variables:
        (fault,) = [one for one in system_checks() if variable in one.msg]
        assert "is a placeholder" in fault.msg
        assert (fault.id == "elmemory.E003") is (variable == "SECRET_KEY")  # the server does not start
