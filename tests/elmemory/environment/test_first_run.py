"""The first run: fresh secrets, and where they are shown."""

import os
import pty
import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from elmemory.environment import dotenv
from tests.harness.server import ROOT, NewServer, Server, wait_until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the example of a `.env`."""
    (tmp_path / ".env.example").write_text((ROOT / ".env.example").read_text())
    return tmp_path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def output_on_a_terminal(command: Sequence[str], folder: Path, environment: dict[str, str], until: str) -> str:
    """Run a command with a terminal as its output, until it prints this text."""
    terminal, output = pty.openpty()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
    os.close(output)
    printed = ""
    try:
        while until not in printed:
            printed += os.read(terminal, 2**14).decode()
    finally:
        process.terminate()
        process.wait(15)
        os.close(terminal)
    return printed


def test_the_env_file_has_fresh_secrets_and_is_readable_by_its_owner_alone(folder: Path) -> None:
    made = dotenv.make(folder)
    written = (folder / ".env").read_text()
    assert len(set(made.values())) == 5
    assert all(f"{name}={secret}\n" in written for name, secret in made.items())
    assert mode(folder / ".env") == 0o600


def test_an_existing_env_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text("SECRET_KEY=\n")
    (tmp_path / ".env").write_text("SECRET_KEY=mine\n")
    assert dotenv.make(tmp_path) == {}
    assert (tmp_path / ".env").read_text() == "SECRET_KEY=mine\n"


def test_the_deployment_checks_find_nothing_in_the_settings_of_a_first_run(folder: Path) -> None:
    dotenv.make(folder)
    (folder / "data").mkdir()
    # Everything else is as the example has it.
    environment = {
        "PATH": os.environ["PATH"],
        "ELMEMORY_ENV_FILE": str(folder / ".env"),
        "PUBLIC_URL": "https://memory.example.com",
        "PAYLOAD_STORAGE_PATH": str(folder / "data" / "payloads"),
        "DATABASE_URL": str(folder / "data" / "elmemory.sqlite3"),
        "INDEX_DATABASE_URL": str(folder / "data" / "index.sqlite3"),
        "OPENMEMORY_DB_PATH": str(folder / "data" / "openmemory.sqlite3"),
    }
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues" in done.stdout


def test_a_terminal_shows_the_secrets_of_the_env_file(folder: Path) -> None:
    made = dotenv.make(folder)
    shown = dotenv.announcement(folder, made, with_secrets=True)
    assert all(secret in shown for secret in made.values())


def test_other_output_names_the_env_file_without_its_secrets(folder: Path) -> None:
    made = dotenv.make(folder)
    shown = dotenv.announcement(folder, made, with_secrets=False)
    assert str(folder / ".env") in shown
    assert not any(secret in shown for secret in made.values())


def test_making_the_env_file_in_a_pipe_prints_no_secret(folder: Path) -> None:
    """`elmemory serve` in an empty folder. It fails at once, because the port is no number."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PORT": "none"}
    command = [sys.executable, "-m", "elmemory", "serve"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    secret_key = re.findall("^SECRET_KEY=(.{50,})$", (folder / ".env").read_text(), re.MULTILINE)
    assert len(secret_key) == 1
    assert str(folder / ".env") in done.stdout
    assert secret_key[0] not in done.stdout + done.stderr


def test_the_first_password_is_in_a_private_file_and_in_no_log_and_works(tmp_path: Path) -> None:
    with NewServer(tmp_path) as server:
        path = Path(wait_until(lambda: server.output.partition("Password:    in ")[2].partition("   ")[0]))
        name, password = path.read_text().split()
        assert mode(path) == 0o600
        assert password not in server.output
        with httpx2.Client(base_url=server.url, follow_redirects=True) as browser:
            browser.get("/admin/login/?next=/admin/")
            form = {"username": name, "password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
            page = browser.post("/admin/login/?next=/admin/", data=form, headers={"referer": server.url})
            assert "Log out" in page.text
        path.unlink()
        server.stop()
        server.start()
        assert server.output.count("Password:") == 1
        assert not path.exists()


def test_a_terminal_shows_the_first_password(tmp_path: Path) -> None:
    server = Server(tmp_path)
    command = [sys.executable, "manage.py", "serve", "--no-worker"]
    printed = output_on_a_terminal(command, ROOT, server.environment, until="Play a call")
    server.client.close()
    assert re.search(r"Password:    \S{16}   \(shown once\)", printed)
    assert list(tmp_path.glob("*login*")) == []


def test_a_given_password_is_not_shown(tmp_path: Path) -> None:
    with Server(tmp_path, DJANGO_SUPERUSER_PASSWORD="a-given-password-1") as server:
        wait_until(lambda: "that of DJANGO_SUPERUSER_PASSWORD" in server.output)
        assert "a-given-password-1" not in server.output
        assert list(tmp_path.glob("*login*")) == []
