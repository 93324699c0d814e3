"""The package as `pip install` lays it out: without manage.py, away from the project's folder."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx2
import pytest

from elmemory import __version__
from tests.harness.server import ROOT, free_port, wait_until

WHEEL = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages as the wheel holds them, by what pyproject.toml says."""
    folder = tmp_path_factory.mktemp("site-packages")
    for package in WHEEL["packages"]:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for source, target in WHEEL["force-include"].items():
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copyfile
        copy(ROOT / source, folder / target)
    return folder


def environment(installed: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed)}


def elmemory(installed: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "elmemory", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(installed), capture_output=True, text=True, timeout=60, check=False
    )


def test_every_package_of_the_project_is_in_the_wheel() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert packages == set(WHEEL["packages"])


def test_the_command_answers_for_an_unknown_command_as_django_does(installed: Path, tmp_path: Path) -> None:
    done = elmemory(installed, tmp_path, "nonsense")
    assert done.returncode == 1
    assert "Unknown command: 'nonsense'" in done.stderr
    assert not (tmp_path / ".env").exists()


@pytest.mark.parametrize("arguments", [("--version",), ("version",), ("serve", "--version"), ("backup", "--version")])
def test_the_command_prints_its_version(installed: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = elmemory(installed, tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (0, f"elmemory {__version__}\n")
    assert not (tmp_path / ".env").exists()


def test_manage_py_prints_the_same_version(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), "--version"]
    environment = {"PATH": os.environ["PATH"], "ELMEMORY_ENV_FILE": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"elmemory {__version__}\n"


def test_the_newest_version_of_the_changelog_is_this_one() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(__version__)} \(\d{{4}}-\d\d-\d\d\)", headings[1])
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"] == ["version"]


@pytest.mark.parametrize("start", ["runpy.run_module('elmemory', run_name='__main__')", "import elmemory.asgi"])
def test_on_windows_the_program_says_at_once_what_to_do(installed: Path, tmp_path: Path, start: str) -> None:
    """Windows is imitated: its name, and without a module that only Unix has."""
    code = f"import runpy, sys; sys.platform = 'win32'; sys.modules['fcntl'] = None; {start}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(installed),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "elmemory runs on Linux and macOS. On Windows, run it in WSL or in a container (docs/production.md)."
    ]


def test_a_server_started_in_an_empty_folder_makes_its_settings_and_data_there(installed: Path, tmp_path: Path) -> None:
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "elmemory", "serve", "--port", str(port)],
            cwd=tmp_path,
            env=environment(installed),
            stdout=log,
            stderr=log,
        )
    try:

        def page(path: str) -> httpx2.Response | None:
            assert process.poll() is None, (tmp_path / "log").read_text()
            try:
                return httpx2.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=20)
            except httpx2.TransportError:
                return None

        answer = wait_until(lambda: page("/health"))
        assert answer is not None
        assert answer.json()["status"] == "ok"
        for path, output in (
            ("/admin/login/", "/static/conversations/icon.svg"),
            ("/static/conversations/call.js", ""),
        ):
            answer = page(path)
            assert answer is not None
            assert answer.status_code == 200
            assert output in answer.text
        german = httpx2.get(f"http://127.0.0.1:{port}/admin/login/", headers={"accept-language": "de"}, timeout=20)
        assert "Code, bei Zwei-Faktor-Anmeldung" in german.text
        assert german.text.count('lang="de"') == 1
        assert "elmemory simulate" in (tmp_path / "log").read_text()
        queue = wait_until(lambda: list((tmp_path / "data" / "payloads").iterdir()))
        assert queue
    finally:
        process.terminate()
        process.wait(15)
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert (tmp_path / "data" / "openmemory.sqlite3").exists()
    assert not list(installed.glob("data")) + list(installed.glob(".env"))


def test_an_existing_dotenv_is_left_as_it_is(installed: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SECRET_KEY=too-short\nPORT=none\n")
    elmemory(installed, tmp_path, "serve", "--port", "1")
    assert (tmp_path / ".env").read_text() == "SECRET_KEY=too-short\nPORT=none\n"


def test_the_doctor_runs_in_a_subprocess_in_an_installed_package(installed: Path, tmp_path: Path) -> None:
    code = (
        "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'elmemory.settings'; django.setup();"
        "from elmemory.doctor.checks import run_checks_in_subprocess; print(len(run_checks_in_subprocess()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(installed),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 3
