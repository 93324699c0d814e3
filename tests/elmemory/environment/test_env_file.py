"""`.env`: what is read from it, what is reported of it, and that no line of it reaches a stream."""

import logging
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from elmemory.environment import dotenv
from elmemory.environment.env import Environment
from tests.harness.server import ROOT, Server

KEY, OTHER = "ELEVENLABS_POST_CALL_KEY", "TIME_ZONE"
SECRET = "wsec_0123abcdef"

type Read = Callable[[bytes], Environment]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Read]:
    """The environment with a `.env` of these bytes and no variables else; nothing of the secret is logged."""
    before = dict(os.environ)
    for name in (KEY, OTHER, "GREETING", "DYNAMIC_VARIABLES", "METRICS_KEY"):
        monkeypatch.delenv(name, raising=False)
    caplog.set_level(logging.DEBUG)

    def environment(content: bytes) -> Environment:
        (tmp_path / ".env").write_bytes(content)
        return Environment(tmp_path / ".env")

    yield environment
    assert SECRET not in caplog.text
    for name in os.environ.keys() - before.keys():
        del os.environ[name]


@pytest.mark.parametrize(
    "content",
    [
        b"%s=%s",
        b"%s=%s\n",
        b"%s=%s   \n",
        b"%s = %s\n",
        b"%s =%s\n",
        b"%s\t=\t%s\n",
        b"  %s=%s\n",
        b"export %s=%s\n",
        b"  export   %s = %s\n",
        b"%s='%s'\n",
        b'%s="%s"\n',
        b'export %s = "%s"  # with quotes\n',
        b"%s=%s # until May\n",
        b"%s=%s\t# until May\n",
        b"%s=%s #\n",
        b"# A remark\n\n%s=%s\n",
        b"PORT=8000\r\n%s=%s\r\nDEBUG=false\r\n",
        b"PORT=8000\r%s=%s\rDEBUG=false\r",
    ],
)
@pytest.mark.parametrize("encode", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_variable_is_read_however_it_is_written(read: Read, content: bytes, encode: str) -> None:
    text = content.replace(b"%s", KEY.encode(), 1).replace(b"%s", SECRET.encode(), 1).decode()
    environment = read(text.encode(encode))
    assert environment.keys(KEY) == [SECRET]
    assert environment.faults == []


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("$ecret", "$ecret"),
        ("$HOME", "$HOME"),
        ("a$HOME", "a$HOME"),
        ('"$HOME/x"', "$HOME/x"),
        ("${PATH}", "${PATH}"),
        ("abc#def", "abc#def"),
        ("#abc", "#abc"),
        ("'abc # def'", "abc # def"),
        ('"abc # def"', "abc # def"),
        ("abc=def==", "abc=def=="),
        ("it's", "it's"),
        ("a\\b", "a\\b"),
        ("", ""),
        ("# nothing yet", "# nothing yet"),
        (" # nothing yet", ""),
        ("Grüße", "Grüße"),
    ],
)
def test_a_value_is_itself(read: Read, written: str, value: str) -> None:
    assert read(f"GREETING={written}\n".encode()).text("GREETING") == value


def test_json_may_take_several_lines_between_quotes(read: Read) -> None:
    environment = read(b'DYNAMIC_VARIABLES=\'{\n  "plan": "basic"\n}\'\n')
    assert environment.json_object("DYNAMIC_VARIABLES", "{}") == {"plan": "basic"}
    assert environment.faults == []


def test_nothing_else_may(read: Read) -> None:
    environment = read(f'{KEY}="{SECRET}\nMETRICS_KEY=x"\n'.encode())
    assert environment.keys(KEY) == []
    assert [fault.variable for fault in environment.faults] == [KEY]


@pytest.mark.parametrize(
    "line",
    [
        f"{KEY} {SECRET}",
        f"{KEY}: {SECRET}",
        f"{KEY}",
        f"set {KEY}={SECRET}",
        f'$env:{KEY}="{SECRET}"',
        f"- {KEY}={SECRET}",
        f'{KEY}="{SECRET}',
        f"{KEY}='{SECRET}",
        f'{KEY}="{SECRET}" and more',
        f"{KEY}-={SECRET}",
        f"\u200b{KEY}={SECRET}",
    ],
)
def test_a_line_that_assigns_nothing_is_named_by_its_number_and_variable(read: Read, line: str) -> None:
    environment = read(f"# The first line\n\n{line}\n{OTHER}=UTC\n".encode())
    assert environment.keys(KEY) == []
    environment.text(OTHER)
    (fault,) = environment.faults
    assert fault.variable == ".env, line 3"
    assert KEY in fault.problem
    assert fault.kind == "error"


def test_a_line_of_anything_else_is_named_by_its_number(read: Read) -> None:
    (fault,) = read(f"{SECRET}\n".encode()).faults
    assert fault[:2] == (".env, line 1", "assigns nothing")


@pytest.mark.parametrize(
    "content", [b"\x00\x01\x02", b"GREETING=Gr\xfc\xdfe\n", "A=b\n".encode("utf-16-le"), b"\xff\xfeA"]
)
def test_a_file_that_is_no_text_is_reported(read: Read, content: bytes) -> None:
    (fault,) = read(content).faults
    assert fault[:2] == (".env", "is no text in UTF-8")


def test_a_folder_in_its_place_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    (fault,) = Environment(tmp_path / ".env").faults
    assert fault[:2] == (".env", "is no file")


def test_none_is_no_fault(tmp_path: Path) -> None:
    assert Environment(tmp_path / ".env").faults == []


def test_the_last_of_several_holds_and_that_is_reported(read: Read) -> None:
    environment = read(f"{KEY}=old\n{OTHER}=UTC\n{KEY}={SECRET}\n{OTHER}=UTC\n".encode())
    assert environment.keys(KEY) == [SECRET]
    assert environment.text(OTHER) == "UTC"
    (fault,) = environment.faults
    assert fault.variable == KEY
    assert "line 3 is used, not line 1" in fault.problem
    assert fault.kind == "warning"


@pytest.mark.parametrize("name", ["ELEVENLABS_POSTCALL_KEY", "ELEVENLAB_POST_CALL_KEY", "elevenlabs_post_call_key"])
def test_a_name_that_is_nearly_one_of_ours_is_reported(read: Read, name: str) -> None:
    environment = read(f"{name}={SECRET}\n".encode())
    environment.keys(KEY)
    (fault,) = environment.faults
    assert fault.problem == f"looks like {KEY}"
    assert fault.kind == "warning"


def test_other_programs_variables_are_their_own(read: Read) -> None:
    environment = read(b"HTTPS_PROXY=http://10.0.0.1:3128\nCOMPOSE_PROJECT_NAME=memory\nOM_API_KEY=abc\n")
    environment.keys(KEY)
    assert environment.faults == []
    assert os.environ["COMPOSE_PROJECT_NAME"] == "memory"


@pytest.mark.parametrize(
    "content",
    [
        f"{KEY} {SECRET}\n".encode(),
        f'{KEY}="{SECRET}\n{OTHER}=UTC\n'.encode(),
        f"{SECRET}\n".encode(),
        f"{SECRET}={SECRET}\n{SECRET}=other\n{SECRET} {SECRET}\n".encode() + b"TIME_ZONE=Mars\n",
        f"{KEY}={SECRET}\n".encode() + b"\xff\n",
        f"DATABASE_URL=postgres:/elmemory:{SECRET}@db.example.com/elmemory\n".encode(),
        f"DATABASE_URL=postgres://elmemory:12/{SECRET}@db.example.com/elmemory\n".encode(),
        f"DATABASE_URL=postgres://elmemory:12#{SECRET}@db.example.com/elmemory\n".encode(),
        (
            f"DATABASE_URL=sqlite://elmemory:{SECRET}@db.example.com/elmemory\n"
            f"PAYLOAD_STORAGE_PATH=s3://{SECRET}@payloads\n"
            f"PUBLIC_URL=https://elmemory:{SECRET}@memory.example.com\n"
            f"OPENMEMORY_PORT=https://elmemory:{SECRET}@memory.example.com\nOPENMEMORY_KEY=a\n"
        ).encode(),
    ],
)
def test_no_line_of_it_reaches_a_stream(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "settings.env").write_bytes(content)
    server = Server(tmp_path, ELMEMORY_ENV_FILE=str(tmp_path / "settings.env"))
    for name in (KEY, "DATABASE_URL", "PAYLOAD_STORAGE_PATH"):
        if name.encode() in content:
            del server.environment[name]
    done = server.manage("serve")  # which runs the checks first
    server.client.close()
    assert done.returncode == 1
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "(elmemory.E0" in done.stderr
    assert not [path for path in ROOT.iterdir() if SECRET in str(path) or path.name.startswith("postgres")]


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    server = Server(tmp_path, ELMEMORY_ENV_FILE=str(tmp_path / "none.env"))
    done = server.manage("check")
    server.client.close()
    assert "(elmemory.E001) ELMEMORY_ENV_FILE: is no file" in done.stderr


@pytest.mark.parametrize(
    "value", [SECRET, f"{SECRET},old", "a # b", "it's", '"quoted"', "back\\slash", "$HOME", "", " blank "]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_is_put_into_the_file_is_read_from_it(read: Read, tmp_path: Path, value: str, encoding: str) -> None:
    path = tmp_path / ".env"
    path.write_text(f"# Grüße\n{KEY}=old # until May\n\nexport {OTHER} = 'Europe/Berlin'\nnonsense", encoding=encoding)
    dotenv.put(path, KEY, value)
    dotenv.put(path, "METRICS_KEY", "new")
    content = path.read_bytes()
    assert content.decode(encoding).startswith("# Grüße\n")
    assert "\n\nexport TIME_ZONE = 'Europe/Berlin'\nnonsense\n" in content.decode(encoding)
    environment = read(content)
    assert os.environ[KEY] == value
    assert environment.text("METRICS_KEY") == "new"


def test_mode_and_link_of_the_file_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "real.env", tmp_path / ".env"
    path.write_text("PORT=8000\n")
    path.chmod(0o600)
    link.symlink_to(path)
    dotenv.put(link, KEY, SECRET)
    assert link.is_symlink()
    assert path.read_text() == f"PORT=8000\n{KEY}={SECRET}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == [".env", "real.env"]


def test_a_file_that_cannot_be_read_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"GREETING=Gr\xfc\xdfe\n")
    with pytest.raises(UnicodeError):
        dotenv.put(path, KEY, SECRET)
    assert path.read_bytes() == b"GREETING=Gr\xfc\xdfe\n"
    assert [each.name for each in tmp_path.iterdir()] == [".env"]
